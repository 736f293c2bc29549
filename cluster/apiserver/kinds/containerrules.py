"""What a container must satisfy. Models validateContainerCommon of pkg/apis/core/validation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from cluster.apiserver.kinds import names
from cluster.apiserver.kinds.amounts import is_integer_resource
from cluster.apiserver.kinds.envrules import env, env_from
from cluster.apiserver.kinds.securityrules import container_security
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

PULL = ("Always", "IfNotPresent", "Never")
PROTOCOLS = ("SCTP", "TCP", "UDP")
PORT_RANGE = "must be between 1 and 65535, inclusive"
NEGATIVE = "must be greater than or equal to 0"
MESSAGE_POLICIES = ("FallbackToLogsOnError", "File")
PROPAGATIONS = ("Bidirectional", "HostToContainer", "None")
STANDARD = ("cpu", "memory", "ephemeral-storage")
EXTENDED = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
Volumes = Mapping[str, Object]


def container(spec: Object, path: str, volumes: Volumes, claims: set[str]) -> list[Cause]:
    causes: list[Cause] = []
    name, image = spec.get("name", ""), spec.get("image", "")
    if not name:
        causes.append(required(f"{path}.name"))
    elif texts := names.label(name):
        causes += [invalid_value(f"{path}.name", name, t) for t in texts]
    if not image:
        causes.append(required(f"{path}.image"))
    elif image != image.strip():
        text = "must not have leading or trailing whitespace"
        causes.append(invalid_value(f"{path}.image", image, text))
    policy = spec.get("terminationMessagePolicy")
    if policy not in MESSAGE_POLICIES:
        causes.append(not_supported(f"{path}.terminationMessagePolicy", policy, MESSAGE_POLICIES))
    if spec.get("ports"):
        causes += _ports(spec["ports"], f"{path}.ports")
    if spec.get("env"):
        causes += env(spec["env"], f"{path}.env")
    if spec.get("envFrom"):
        causes += env_from(spec["envFrom"], f"{path}.envFrom")
    if spec.get("volumeMounts"):
        causes += _mounts(spec, f"{path}.volumeMounts", volumes)
    if spec.get("volumeDevices"):
        causes += _devices(spec, f"{path}.volumeDevices", volumes)
    if spec.get("imagePullPolicy") not in PULL:
        causes.append(not_supported(f"{path}.imagePullPolicy", spec.get("imagePullPolicy"), PULL))
    if spec.get("resources"):
        causes += resources(spec["resources"], f"{path}.resources", claims)
    if spec.get("securityContext"):
        causes += container_security(spec["securityContext"], f"{path}.securityContext")
    return causes


def _ports(ports: Iterable[Object], path: str) -> list[Cause]:
    causes: list[Cause] = []
    named: set[str] = set()
    for index, port in enumerate(ports):
        here, name = f"{path}[{index}]", port.get("name")
        if name:
            texts = names.port_name(name)
            causes += [invalid_value(f"{here}.name", name, t) for t in texts]
            if not texts and name in named:
                causes.append(duplicate(f"{here}.name", name))
            named.add(name)
        number, host = port.get("containerPort"), port.get("hostPort")
        if not number:
            causes.append(required(f"{here}.containerPort"))
        elif not 0 < number < 65536:
            causes.append(invalid_value(f"{here}.containerPort", number, PORT_RANGE))
        if host and not 0 < host < 65536:
            causes.append(invalid_value(f"{here}.hostPort", host, PORT_RANGE))
        if port.get("protocol") not in PROTOCOLS:
            causes.append(not_supported(f"{here}.protocol", port.get("protocol"), PROTOCOLS))
    return causes


def host_port_conflicts(containers: Iterable[Object], path: str) -> list[Cause]:
    causes: list[Cause] = []
    taken: set[str] = set()
    for index, spec in enumerate(containers):
        for number, port in enumerate(spec.get("ports") or ()):
            if not port.get("hostPort"):
                continue
            text = f"{port.get('protocol')}/{port.get('hostIP', '')}/{port['hostPort']}"
            if text in taken:
                causes.append(duplicate(f"{path}[{index}].ports[{number}].hostPort", text))
            taken.add(text)
    return causes


# ---- volumes


def _mounts(spec: Object, path: str, volumes: Volumes) -> list[Cause]:
    causes: list[Cause] = []
    paths: set[str] = set()
    devices = spec.get("volumeDevices") or ()
    for index, mount in enumerate(spec["volumeMounts"]):
        here, name, where = f"{path}[{index}]", mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            causes.append(required(f"{here}.name"))
        if name not in volumes:
            causes.append(not_found_value(f"{here}.name", name))
        if not where:
            causes.append(required(f"{here}.mountPath"))
        if where in paths:
            causes.append(invalid_value(f"{here}.mountPath", where, "must be unique"))
        paths.add(where)
        if any(d.get("name") == name for d in devices):
            text = "must not already exist in volumeDevices"
            causes.append(invalid_value(f"{here}.name", name, text))
        sub, expression = mount.get("subPath"), mount.get("subPathExpr")
        if sub:
            causes += descending(sub, f"{path}.subPath")
        if expression:
            if sub:
                text = "subPathExpr and subPath are mutually exclusive"
                causes.append(invalid_value(f"{here}.subPathExpr", expression, text))
            causes += descending(expression, f"{path}.subPathExpr")
        if mount.get("mountPropagation"):
            causes += _propagation(spec, mount["mountPropagation"], f"{path}.mountPropagation")
    return causes


def descending(target: str, path: str) -> list[Cause]:
    """Models validateLocalDescendingPath."""
    causes = [invalid_value(path, target, "must be a relative path")] if target[:1] == "/" else []
    return causes + no_backsteps(target, path)


def no_backsteps(target: str, path: str) -> list[Cause]:
    return (
        [invalid_value(path, target, "must not contain '..'")] if ".." in target.split("/") else []
    )


def _propagation(spec: Object, mode: str, path: str) -> list[Cause]:
    if mode not in PROPAGATIONS:
        return [not_supported(path, mode, PROPAGATIONS)]
    if mode == "Bidirectional" and not (spec.get("securityContext") or {}).get("privileged"):
        text = "Bidirectional mount propagation is available only to privileged containers"
        return [forbidden_field(path, text)]
    return []


def _devices(spec: Object, path: str, volumes: Volumes) -> list[Cause]:
    causes: list[Cause] = []
    seen: set[str] = set()
    for index, device in enumerate(spec["volumeDevices"]):
        here, name = f"{path}[{index}]", device.get("name", "")
        if not name:
            causes.append(required(f"{here}.name"))
        if name in seen:
            causes.append(invalid_value(f"{here}.name", name, "must be unique"))
        seen.add(name)
        volume = volumes.get(name)
        if volume is None:
            causes.append(not_found_value(f"{here}.name", name))
        elif not volume.get("persistentVolumeClaim") and not volume.get("ephemeral"):
            text = (
                "can only use volume source type of PersistentVolumeClaim or Ephemeral for block "
                "mode"
            )
            causes.append(invalid_value(f"{here}.name", name, text))
        if not device.get("devicePath"):
            causes.append(required(f"{here}.devicePath"))
    return causes


# ---- resources


def resources(found: Object, path: str, claims: set[str] | None = None) -> list[Cause]:
    causes: list[Cause] = []
    limits, requests = found.get("limits") or {}, found.get("requests") or {}
    for name, amount in limits.items():
        causes += _resource(name, amount, f"{path}.limits[{name}]")
    for name, amount in requests.items():
        here = _resource(name, amount, f"{path}.requests[{name}]")
        causes += here or _against_limit(name, amount, limits.get(name), path)
    amounts = {*limits, *requests}
    pages = any(n.startswith("hugepages-") for n in amounts)
    if pages and not amounts.intersection(("cpu", "memory")):
        causes.append(forbidden_field(path, "HugePages require cpu or memory"))
    for index, claim in enumerate(found.get("claims") or ()):
        name = claim.get("name", "")
        if not name:
            causes.append(required(f"{path}.claims[{index}]"))
        elif claims is not None and name not in claims:
            causes.append(not_found_value(f"{path}.claims[{index}]", name))
    return causes


def _resource(name: str, amount: object, path: str) -> list[Cause]:
    causes: list[Cause] = []
    if "/" not in name:
        if name not in STANDARD and not name.startswith("hugepages-"):
            causes.append(invalid_value(path, name, "must be a standard resource for containers"))
    elif "kubernetes.io/" not in name and not _is_extended(name):
        text = "doesn't follow extended resource name standard"
        causes.append(invalid_value(path, name, text))
    if not quantity.is_valid(amount):
        return [*causes, invalid_value(path, amount, quantity.FORMAT)]
    exact = quantity.parse(str(amount))
    if exact < 0:
        causes.append(invalid_value(path, str(amount), NEGATIVE))
    if is_integer_resource(name) and exact != exact.to_integral_value():
        causes.append(invalid_value(path, str(amount), "must be an integer"))
    return causes


def _is_extended(name: str) -> bool:
    return EXTENDED.fullmatch(name) is not None and not name.startswith("requests.")


def _against_limit(name: str, amount: object, limit: object, path: str) -> list[Cause]:
    overcommits = "/" not in name and not name.startswith("hugepages-")
    if limit is None:
        if overcommits:
            return []
        text = "Limit must be set for non overcommitable resources"
        return [required(f"{path}.limits", text)]
    if not quantity.is_valid(limit):
        return []
    have, most = quantity.parse(str(amount)), quantity.parse(str(limit))
    if have != most and not overcommits:
        text = f"must be equal to {name} limit of {limit}"
        return [invalid_value(f"{path}.requests", str(amount), text)]
    if have > most:
        text = f"must be less than or equal to {name} limit of {limit}"
        return [invalid_value(f"{path}.requests", str(amount), text)]
    return []
