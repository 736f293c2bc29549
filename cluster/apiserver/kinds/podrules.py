"""What a PodSpec must satisfy. Models pkg/apis/core/validation (pods and templates)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cluster.apiserver.kinds import names
from cluster.machinery import quantity
from cluster.machinery.errors import (
    Cause,
    duplicate,
    forbidden_field,
    invalid_value,
    not_found_value,
    not_supported,
    required,
)
from cluster.machinery.meta import Object

RESTART = ("Always", "OnFailure", "Never")
DNS = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
PULL = ("Always", "IfNotPresent", "Never")
PROTOCOLS = ("TCP", "UDP", "SCTP")
OPERATORS = ("Equal", "Exists")
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
PORT_RANGE = "must be between 1 and 65535, inclusive"
NEGATIVE = "must be greater than or equal to 0"


def pod_spec(spec: Object, path: str, restart: Iterable[str] | None = RESTART) -> list[Cause]:
    volumes = {v.get("name", "") for v in spec.get("volumes") or ()}
    causes = _volumes(spec.get("volumes") or (), f"{path}.volumes")
    if not spec.get("containers"):
        causes.append(required(f"{path}.containers"))
    seen: set[str] = set()
    for field in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(field) or ()):
            causes += _container(container, f"{path}.{field}[{index}]", volumes, seen)
    if restart is not None and spec.get("restartPolicy") not in tuple(restart):
        causes.append(
            not_supported(f"{path}.restartPolicy", spec.get("restartPolicy"), list(restart))
        )
    if spec.get("dnsPolicy") not in DNS:
        causes.append(not_supported(f"{path}.dnsPolicy", spec.get("dnsPolicy"), DNS))
    grace = spec.get("terminationGracePeriodSeconds")
    if isinstance(grace, int) and grace < 0:
        causes.append(invalid_value(f"{path}.terminationGracePeriodSeconds", grace, NEGATIVE))
    deadline = spec.get("activeDeadlineSeconds")
    if isinstance(deadline, int) and deadline < 1:
        text = "must be between 1 and 2147483647, inclusive"
        causes.append(invalid_value(f"{path}.activeDeadlineSeconds", deadline, text))
    causes += names.labels(spec.get("nodeSelector"), f"{path}.nodeSelector")
    for field in ("serviceAccountName", "nodeName"):
        if spec.get(field):
            causes += [
                invalid_value(f"{path}.{field}", spec[field], t)
                for t in names.subdomain(spec[field])
            ]
    causes += tolerations(spec.get("tolerations") or (), f"{path}.tolerations")
    return causes


def _container(container: Object, path: str, volumes: set[str], seen: set[str]) -> list[Cause]:
    causes: list[Cause] = []
    name = container.get("name", "")
    if not name:
        causes.append(required(f"{path}.name"))
    else:
        causes += [invalid_value(f"{path}.name", name, t) for t in names.label(name)]
        if name in seen:
            causes.append(duplicate(f"{path}.name", name))
        seen.add(name)
    image = container.get("image", "")
    if not image:
        causes.append(required(f"{path}.image"))
    elif image != image.strip():
        text = "must not have leading or trailing whitespace"
        causes.append(invalid_value(f"{path}.image", image, text))
    if container.get("imagePullPolicy") not in PULL:
        policy = container.get("imagePullPolicy")
        causes.append(not_supported(f"{path}.imagePullPolicy", policy, PULL))
    causes += _ports(container.get("ports") or (), f"{path}.ports")
    causes += _env(container.get("env") or (), f"{path}.env")
    causes += resources(container.get("resources") or {}, f"{path}.resources")
    causes += _mounts(container.get("volumeMounts") or (), f"{path}.volumeMounts", volumes)
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(probe):
            causes += _probe(container[probe], f"{path}.{probe}")
    return causes


def _ports(ports: Iterable[Object], path: str) -> list[Cause]:
    causes: list[Cause] = []
    named: set[str] = set()
    for index, port in enumerate(ports):
        here = f"{path}[{index}]"
        number = port.get("containerPort")
        if number is None or number == 0:
            causes.append(required(f"{here}.containerPort"))
        elif not 0 < number < 65536:
            causes.append(invalid_value(f"{here}.containerPort", number, PORT_RANGE))
        host = port.get("hostPort")
        if host and not 0 < host < 65536:
            causes.append(invalid_value(f"{here}.hostPort", host, PORT_RANGE))
        if port.get("protocol") not in PROTOCOLS:
            causes.append(not_supported(f"{here}.protocol", port.get("protocol"), PROTOCOLS))
        if name := port.get("name"):
            if name in named:
                causes.append(duplicate(f"{here}.name", name))
            named.add(name)
    return causes


def _env(env: Iterable[Object], path: str) -> list[Cause]:
    causes: list[Cause] = []
    for index, entry in enumerate(env):
        if not entry.get("name"):
            causes.append(required(f"{path}[{index}].name"))
        source = entry.get("valueFrom")
        if source is not None and entry.get("value"):
            text = "may not be specified when `value` is not empty"
            causes.append(invalid_value(f"{path}[{index}].valueFrom", "", text))
    return causes


def resources(found: Object, path: str) -> list[Cause]:
    causes: list[Cause] = []
    limits = found.get("limits") or {}
    for field in ("limits", "requests"):
        for name, amount in (found.get(field) or {}).items():
            here = f"{path}.{field}[{name}]"
            if not quantity.is_valid(amount):
                causes.append(invalid_value(here, amount, quantity.FORMAT))
            elif quantity.parse(str(amount)) < 0:
                causes.append(invalid_value(here, str(amount), NEGATIVE))
    if causes:
        return causes
    for name, amount in (found.get("requests") or {}).items():
        limit = limits.get(name)
        if limit is not None and quantity.parse(str(amount)) > quantity.parse(str(limit)):
            text = f"must be less than or equal to {name} limit of {limit}"
            causes.append(invalid_value(f"{path}.requests", str(amount), text))
    return causes


def _mounts(mounts: Iterable[Object], path: str, volumes: set[str]) -> list[Cause]:
    causes: list[Cause] = []
    paths: set[str] = set()
    for index, mount in enumerate(mounts):
        here = f"{path}[{index}]"
        if not mount.get("name"):
            causes.append(required(f"{here}.name"))
        elif mount["name"] not in volumes:
            causes.append(not_found_value(f"{here}.name", mount["name"]))
        where = mount.get("mountPath", "")
        if not where:
            causes.append(required(f"{here}.mountPath"))
        elif where in paths:
            causes.append(invalid_value(f"{here}.mountPath", where, "must be unique"))
        paths.add(where)
    return causes


PROBE_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")


def _probe(probe: Object, path: str) -> list[Cause]:
    causes: list[Cause] = []
    handlers = [h for h in PROBE_HANDLERS if probe.get(h) is not None]
    if not handlers:
        causes.append(required(path, "must specify a handler type"))
    for extra in handlers[1:]:
        causes.append(
            forbidden_field(f"{path}.{extra}", "may not specify more than 1 handler type")
        )
    for field in ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "failureThreshold"):
        value = probe.get(field)
        if isinstance(value, int) and value < 0:
            causes.append(invalid_value(f"{path}.{field}", value, NEGATIVE))
    return causes


def _volumes(volumes: Iterable[Object], path: str) -> list[Cause]:
    causes: list[Cause] = []
    seen: set[str] = set()
    for index, volume in enumerate(volumes):
        here, name = f"{path}[{index}]", volume.get("name", "")
        if not name:
            causes.append(required(f"{here}.name"))
        else:
            causes += [invalid_value(f"{here}.name", name, t) for t in names.label(name)]
            if name in seen:
                causes.append(duplicate(f"{here}.name", name))
            seen.add(name)
        sources = [key for key, value in volume.items() if key != "name" and value is not None]
        for extra in sources[1:]:
            text = "may not specify more than 1 volume type"
            causes.append(forbidden_field(f"{here}.{extra}", text))
    return causes


def tolerations(found: Iterable[Object], path: str) -> list[Cause]:
    causes: list[Cause] = []
    for index, toleration in enumerate(found):
        here = f"{path}[{index}]"
        operator = toleration.get("operator") or "Equal"
        if operator not in OPERATORS:
            causes.append(not_supported(f"{here}.operator", operator, OPERATORS))
        if not toleration.get("key") and operator != "Exists":
            text = (
                "operator must be Exists when `key` is empty, "
                'which means "match all values and all keys"'
            )
            causes.append(invalid_value(f"{here}.operator", operator, text))
        if operator == "Exists" and toleration.get("value"):
            text = "value must be empty when `operator` is 'Exists'"
            causes.append(invalid_value(f"{here}.operator", toleration_text(toleration), text))
        effect = toleration.get("effect")
        if effect and effect not in EFFECTS:
            causes.append(not_supported(f"{here}.effect", effect, EFFECTS))
        if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
            text = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            causes.append(invalid_value(f"{here}.effect", effect or "", text))
    return causes


def toleration_text(toleration: Object) -> Any:
    return {k: v for k, v in toleration.items() if v}
