"""Probes and lifecycle hooks of containers. Models pkg/apis/core/validation (handlers)."""

from __future__ import annotations

import re
from typing import Any

from cluster.apiserver.kinds import names
from cluster.machinery.errors import (
    Cause,
    forbidden_field,
    invalid_value,
    not_supported,
    required,
)
from cluster.machinery.meta import Object

NEGATIVE = "must be greater than or equal to 0"
PORT_RANGE = "must be between 1 and 65535, inclusive"
HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
COUNTS = (
    "initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold",
    "failureThreshold",
)  # fmt: skip
SCHEMES = ("HTTP", "HTTPS")
HEADER = re.compile(r"[-A-Za-z0-9]+")
HEADER_TEXT = (
    "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', "
    "regex used for validation is '[-A-Za-z0-9]+')"
)


def probes(container: Object, path: str, grace: int) -> list[Cause]:
    causes: list[Cause] = []
    if container.get("lifecycle"):
        causes += _lifecycle(container["lifecycle"], f"{path}.lifecycle", grace)
    for kind in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(kind) is not None:
            causes += _probe(container[kind], f"{path}.{kind}", kind, grace)
    return causes


def _lifecycle(hooks: Object, path: str, grace: int) -> list[Cause]:
    causes: list[Cause] = []
    for hook in ("postStart", "preStop"):
        if hooks.get(hook):
            causes += _handler(hooks[hook], f"{path}.{hook}", grace)
    return causes


def _probe(probe: Object, path: str, kind: str, grace: int) -> list[Cause]:
    causes = _handler(probe, path, grace)
    for field in COUNTS:
        value = probe.get(field)
        if isinstance(value, int) and value < 0:
            causes.append(invalid_value(f"{path}.{field}", value, NEGATIVE))
    own = probe.get("terminationGracePeriodSeconds")
    here = f"{path}.terminationGracePeriodSeconds"
    if own is not None and own <= 0:
        causes.append(invalid_value(here, own, "must be greater than 0"))
    if kind == "readinessProbe":
        if own is not None:
            causes.append(invalid_value(here, own, "must not be set for readinessProbes"))
    elif probe.get("successThreshold", 1) != 1:
        value = probe["successThreshold"]
        causes.append(invalid_value(f"{path}.successThreshold", value, "must be 1"))
    return causes


def _handler(handler: Object, path: str, grace: int) -> list[Cause]:
    found = [h for h in HANDLERS if handler.get(h) is not None]
    if not found:
        return [required(path, "must specify a handler type")]
    causes = _action(found[0], handler[found[0]], f"{path}.{found[0]}", grace)
    text = "may not specify more than 1 handler type"
    return causes + [forbidden_field(f"{path}.{extra}", text) for extra in found[1:]]


def _action(kind: str, action: Object, here: str, grace: int) -> list[Cause]:
    causes: list[Cause] = []
    if kind == "exec":
        if not action.get("command"):
            causes.append(required(f"{here}.command"))
    elif kind == "httpGet":
        causes += _http_get(action, here)
    elif kind == "sleep":
        seconds = action.get("seconds", 0)
        if seconds < 0 or seconds > grace:
            text = f"must be non-negative and less than terminationGracePeriodSeconds ({grace})"
            causes.append(invalid_value(here, seconds, text))
    else:
        causes += port_or_name(action.get("port"), f"{here}.port")
    return causes


def _http_get(action: Object, path: str) -> list[Cause]:
    causes: list[Cause] = []
    if not action.get("path"):
        causes.append(required(f"{path}.path"))
    causes += port_or_name(action.get("port"), f"{path}.port")
    if action.get("scheme") not in SCHEMES:
        causes.append(not_supported(f"{path}.scheme", action.get("scheme", ""), SCHEMES))
    for header in action.get("httpHeaders") or ():
        if not HEADER.fullmatch(header.get("name", "")):
            causes.append(invalid_value(f"{path}.httpHeaders", header.get("name", ""), HEADER_TEXT))
    return causes


def port_or_name(port: Any, path: str) -> list[Cause]:
    """Models ValidatePortNumOrName."""
    if isinstance(port, str):
        return [invalid_value(path, port, t) for t in names.port_name(port)]
    number = port or 0
    return [] if 0 < number < 65536 else [invalid_value(path, number, PORT_RANGE)]
