"""PATCH with application/apply-patch+yaml: server-side apply.

Models the applyPatcher of k8s.io/apiserver/pkg/endpoints/handlers/patch.go.
"""

from __future__ import annotations

import datetime
from functools import partial
from typing import Any

from cluster.apiserver.http import bodies, duplicates
from cluster.apiserver.http.request import Request
from cluster.apiserver.http.server import ApiServer
from cluster.apiserver.kinds import strategy_for
from cluster.apiserver.managed import hook
from cluster.apiserver.managed.fieldpath import printable
from cluster.apiserver.operations import Operation, Options
from cluster.apiserver.resources import Resource
from cluster.etcd.api import Origin
from cluster.machinery import errors
from cluster.machinery.clock import format_time
from cluster.machinery.meta import Object

MANAGER_LENGTH = 128
MAX_NODES = 200_000
MAX_DEPTH = 150
FLAGS = {"1": True, "t": True, "true": True, "0": False, "f": False, "false": False, "": False}


OPTIONS = {"PUT": "UpdateOptions", "PATCH": "PatchOptions"}


def manager_name(request: Request) -> str:
    """?fieldManager or the first part of the User-Agent. Raises StatusError 422."""
    name = request.query.get("fieldManager", "")
    causes = []
    if len(name.encode()) > MANAGER_LENGTH:
        causes.append(errors.too_long("fieldManager", MANAGER_LENGTH))
    if printable(name) != name:
        text = "should only contain printable characters"
        causes.append(errors.invalid_value("fieldManager", name, text))
    if causes:
        kind = OPTIONS.get(request.method, "CreateOptions")
        raise errors.invalid(kind, "meta.k8s.io", "", causes)
    if name:
        return name
    agent = printable(request.headers.get("user-agent", "").partition("/")[0])
    return agent.encode()[:MANAGER_LENGTH].decode(errors="ignore")


def patch_manager(request: Request, apply: bool) -> tuple[str, bool]:
    """(manager, force). Models ValidatePatchOptions. Raises StatusError 422."""
    given = request.query.get("force")
    forced = FLAGS.get((given or "").lower(), True)
    name = manager_name(request)
    causes = []
    if apply and not request.query.get("fieldManager"):
        causes.append(errors.required("fieldManager", "is required for apply patch"))
    if not apply and given is not None:
        text = "may not be specified for non-apply patch"
        causes.append(errors.forbidden_field("force", text))
    if causes:
        raise errors.invalid("PatchOptions", "meta.k8s.io", "", causes)
    return name, forced


def operation(
    server: ApiServer, request: Request, resource: Resource, options: Options, origin: Origin,
    force: bool,
) -> Operation:  # fmt: skip
    """The write that an apply request asks for. Raises StatusError."""
    config = parse(request)
    transform = partial(_apply, server, request, resource, config, options.field_manager, force)
    return Operation(
        "patch", resource, request.namespace, request.name, request.user, transform=transform,
        subresource=request.subresource, apply=True, options=options, origin=origin,
    )  # fmt: skip


def parse(request: Request) -> Object:
    """JSON is YAML, but far quicker to read."""
    text = request.body.lstrip()
    found = bodies.parse_json(text) if text[:1] == b"{" else bodies.parse_yaml(text)
    if not isinstance(found, dict):
        got = "nothing" if found is None else type(found).__name__
        raise errors.bad_request(
            f"error decoding YAML: error unmarshaling JSON: json: cannot unmarshal {got} into Go "
            "value of type map[string]interface {}"
        )
    plain: Object = _Plain().value(found)
    return plain


class _Plain:
    """YAML's values as JSON has them, and not more of them than anybody means (aliases)."""

    def __init__(self) -> None:
        self.nodes = 0

    def value(self, found: Any, depth: int = 0) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            raise errors.bad_request("error decoding YAML: document contains excessive aliasing")
        if isinstance(found, dict):
            out = {}
            for key, below in found.items():
                out[_name(key)] = self.value(below, depth + 1)
            return out
        if isinstance(found, list):
            return [self.value(below, depth + 1) for below in found]
        if isinstance(found, (datetime.date, datetime.datetime)):
            return found.isoformat().replace("+00:00", "Z")
        if found is None or isinstance(found, (str, bool, int, float)):
            return found
        raise errors.bad_request("error decoding YAML: error converting YAML to JSON")


def _name(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return str(key)


def _apply(
    server: ApiServer, request: Request, resource: Resource, config: Object, manager: str,
    force: bool, old: Object,
) -> Object:  # fmt: skip
    if request.subresource == "scale":
        fields = hook.scale_manager()
    else:
        has_status = strategy_for(resource).has_status
        fields = hook.field_manager(resource, request.subresource, has_status)
    now = format_time(server.clock.now())
    applied = fields.apply(old or None, config, manager, force, now)
    new = bodies.settled(resource, applied, old)
    _check_name(request, new)
    if not old and (uid := new["metadata"].get("uid")):
        why = (
            f"uid mismatch: the provided object specified uid {uid}, and no existing object was "
            "found"
        )
        raise errors.conflict(resource.plural, resource.group, request.name, why)
    request.warnings.clear()
    duplicates.check(request)
    if request.subresource in bodies.CHECKED:
        bodies.check_fields(request, resource, new)
    return new


def _check_name(request: Request, new: Object) -> None:
    meta = new.get("metadata")
    name = meta.get("name", "") if isinstance(meta, dict) else ""
    if not name and request.subresource != "scale":
        raise errors.bad_request(
            f"the name of the object ({request.name} based on URL) was undeterminable: name must "
            "be provided"
        )
    if name and name != request.name:
        raise errors.bad_request(
            f"the name of the object ({name}) does not match the name on the URL ({request.name})"
        )
