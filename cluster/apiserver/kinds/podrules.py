"""What a PodSpec must satisfy. Models ValidatePodSpec of pkg/apis/core/validation.

Causes come in upstream's order. Containers, volumes, probes, affinity and security contexts have
files of their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any

from cluster.apiserver.kinds import names
from cluster.apiserver.kinds.affinityrules import affinity, spreading
from cluster.apiserver.kinds.containerrules import (
    PROTOCOLS,
    container,
    host_port_conflicts,
    resources,
)
from cluster.apiserver.kinds.proberules import probes
from cluster.apiserver.kinds.securityrules import pod_security, shared_processes
from cluster.apiserver.kinds.volumerules import volumes as check_volumes
from cluster.machinery import selectors
from cluster.machinery.errors import (
    Cause,
    as_struct,
    duplicate,
    forbidden_field,
    invalid_value,
    not_found_value,
    not_supported,
    required,
)
from cluster.machinery.meta import Object

__all__ = ["EFFECTS", "PROTOCOLS", "pod_spec", "resources", "tolerations"]

RESTART = ("Always", "OnFailure", "Never")
DNS = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
OPERATORS = ("Equal", "Exists")
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
TOLERATION = ("key", "operator", "value", "effect")
NOT_FOR_INIT = "may not be set for init containers without restartPolicy=Always"
NOT_EPHEMERAL = "cannot be set for an Ephemeral Container"
EPHEMERAL = frozenset(
    ("name", "image", "command", "args", "workingDir", "envFrom", "env", "volumeMounts",
     "volumeDevices", "terminationMessagePath", "terminationMessagePolicy", "imagePullPolicy",
     "securityContext", "stdin", "stdinOnce", "tty", "targetContainerName", "resources")
)  # fmt: skip
IP_TEXT = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"


def pod_spec(spec: Object, path: str, restart: Iterable[str] | None = RESTART) -> list[Cause]:
    """`restart`: the policies allowed; None leaves them to the caller."""
    found = spec.get("volumes") or ()
    causes = check_volumes(found, f"{path}.volumes") if found else []
    volumes = {v.get("name", ""): v for v in found}
    claims = {c.get("name", "") for c in spec.get("resourceClaims") or ()}
    causes += _containers(spec, path, volumes, claims)
    if spec.get("hostNetwork"):
        causes += _host_network(spec, f"{path}.containers")
    policy = spec.get("restartPolicy")
    if restart is not None and policy not in tuple(restart):
        causes.append(not_supported(f"{path}.restartPolicy", policy, list(restart)))
    if spec.get("dnsPolicy") not in DNS:
        causes.append(not_supported(f"{path}.dnsPolicy", spec.get("dnsPolicy"), DNS))
    if spec.get("nodeSelector"):
        causes += names.labels(spec["nodeSelector"], f"{path}.nodeSelector")
    if spec.get("securityContext"):
        causes += pod_security(spec["securityContext"], spec, f"{path}.securityContext")
    causes += shared_processes(spec, f"{path}.securityContext")
    if spec.get("affinity"):
        causes += affinity(spec["affinity"], f"{path}.affinity")
    causes += _dns_config(spec, f"{path}.dnsConfig")
    causes += _gates(spec, path)
    if spec.get("topologySpreadConstraints"):
        constraints = spec["topologySpreadConstraints"]
        causes += spreading(constraints, f"{path}.topologySpreadConstraints")
    return causes + _names(spec, path) + _rest(spec, path)


# ---- containers


def _containers(
    spec: Object, path: str, volumes: dict[str, Object], claims: set[str]
) -> list[Cause]:
    main, grace = spec.get("containers") or (), spec.get("terminationGracePeriodSeconds") or 0
    here = f"{path}.containers"
    causes: list[Cause] = [] if main else [required(here)]
    seen: set[str] = set()
    for index, each in enumerate(main):
        where = f"{here}[{index}]"
        causes += container(each, where, volumes, claims)
        causes += _unique(each, where, seen) + probes(each, where, grace)
    causes += host_port_conflicts(main, here)
    for index, each in enumerate(spec.get("initContainers") or ()):
        where = f"{path}.initContainers[{index}]"
        causes += container(each, where, volumes, claims) + _init(each, where, seen, grace)
    targets = set(seen)
    for index, each in enumerate(spec.get("ephemeralContainers") or ()):
        where = f"{path}.ephemeralContainers[{index}]"
        causes += container(each, where, volumes, claims)
        causes += _ephemeral(each, where, seen, targets)
    return causes


def _unique(each: Object, path: str, seen: set[str]) -> list[Cause]:
    name = each.get("name", "")
    causes = [duplicate(f"{path}.name", name)] if name and name in seen else []
    seen.add(name)
    return causes


def _init(each: Object, path: str, seen: set[str], grace: int) -> list[Cause]:
    causes: list[Cause] = []
    policy = each.get("restartPolicy")
    if policy is not None and policy not in RESTART:
        causes.append(not_supported(f"{path}.restartPolicy", policy, ("Always",)))
    causes += _unique(each, path, seen)
    if policy == "Always":
        return causes + probes(each, path, grace)
    for field in ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe"):
        if each.get(field) is not None:
            causes.append(forbidden_field(f"{path}.{field}", NOT_FOR_INIT))
    return causes


def _ephemeral(each: Object, path: str, seen: set[str], targets: set[str]) -> list[Cause]:
    causes = _unique(each, path, seen)
    target = each.get("targetContainerName")
    if target and target not in targets:
        causes.append(not_found_value(f"{path}.targetContainerName", target))
    for field, value in each.items():
        if field not in EPHEMERAL or (field == "resources" and value):
            causes.append(forbidden_field(f"{path}.{field}", NOT_EPHEMERAL))
    for index, mount in enumerate(each.get("volumeMounts") or ()):
        for field in ("subPath", "subPathExpr"):
            if mount.get(field):
                where = f"{path}.volumeMounts[{index}].{field}"
                causes.append(forbidden_field(where, NOT_EPHEMERAL))
    return causes


def _host_network(spec: Object, path: str) -> list[Cause]:
    text = "must match `containerPort` when `hostNetwork` is true"
    return [
        invalid_value(f"{path}[{index}].ports[{number}].hostPort", port["hostPort"], text)
        for index, each in enumerate(spec.get("containers") or ())
        for number, port in enumerate(each.get("ports") or ())
        if port.get("hostPort") and port["hostPort"] != port.get("containerPort")
    ]


# ---- the pod itself


def _dns_config(spec: Object, path: str) -> list[Cause]:
    config = spec.get("dnsConfig")
    if spec.get("dnsPolicy") == "None":
        if config is None:
            return [required(path, "must provide `dnsConfig` when `dnsPolicy` is None")]
        if not config.get("nameservers"):
            text = "must provide at least one DNS nameserver when `dnsPolicy` is None"
            return [required(f"{path}.nameservers", text)]
    if not config:
        return []
    causes: list[Cause] = []
    servers, searches = config.get("nameservers") or [], config.get("searches") or []
    if len(servers) > 3:
        text = "must not have more than 3 nameservers"
        causes.append(invalid_value(f"{path}.nameservers", servers, text))
    for index, server in enumerate(servers):
        causes += _address(server, f"{path}.nameservers[{index}]")
    if len(searches) > 32:
        text = "must not have more than 32 search paths"
        causes.append(invalid_value(f"{path}.searches", searches, text))
    for index, search in enumerate(searches):
        bare = search.removesuffix(".")
        here = f"{path}.searches[{index}]"
        causes += [invalid_value(here, bare, t) for t in names.subdomain(bare)]
    for index, option in enumerate(config.get("options") or ()):
        if not option.get("name"):
            causes.append(required(f"{path}.options[{index}]", "must not be empty"))
    return causes


def _address(text: str, path: str) -> list[Cause]:
    try:
        ip_address(text)
    except ValueError:
        return [invalid_value(path, text, IP_TEXT)]
    return []


def _gates(spec: Object, path: str) -> list[Cause]:
    causes: list[Cause] = []
    for index, gate in enumerate(spec.get("readinessGates") or ()):
        here = f"{path}.readinessGates[{index}].conditionType"
        causes += names.qualified(gate.get("conditionType", ""), here)
    seen: set[str] = set()
    for index, gate in enumerate(spec.get("schedulingGates") or ()):
        here, name = f"{path}.schedulingGates[{index}]", gate.get("name", "")
        causes += names.qualified(name, here)
        if name in seen:
            causes.append(duplicate(here, name))
        seen.add(name)
    return causes


def _names(spec: Object, path: str) -> list[Cause]:
    causes: list[Cause] = []
    for field in ("serviceAccountName", "nodeName"):
        if value := spec.get(field):
            causes += [invalid_value(f"{path}.{field}", value, t) for t in names.subdomain(value)]
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline <= 2**31 - 1:
        text = "must be between 1 and 2147483647, inclusive"
        causes.append(invalid_value(f"{path}.activeDeadlineSeconds", deadline, text))
    for field in ("hostname", "subdomain"):
        if value := spec.get(field):
            causes += [invalid_value(f"{path}.{field}", value, t) for t in names.label(value)]
    return causes


def _rest(spec: Object, path: str) -> list[Cause]:
    causes: list[Cause] = []
    if spec.get("tolerations"):
        causes += tolerations(spec["tolerations"], f"{path}.tolerations")
    for index, alias in enumerate(spec.get("hostAliases") or ()):
        here = f"{path}.hostAliases[{index}]"
        causes += _address(alias.get("ip", ""), f"{here}.ip")
        for number, host in enumerate(alias.get("hostnames") or ()):
            where = f"{here}.hostnames[{number}]"
            causes += [invalid_value(where, host, t) for t in names.subdomain(host)]
    for field in ("priorityClassName", "runtimeClassName"):
        if value := spec.get(field):
            causes += [invalid_value(f"{path}.{field}", value, t) for t in names.subdomain(value)]
    policy = spec.get("preemptionPolicy")
    if policy is not None and policy not in ("Never", "PreemptLowerPriority"):
        supported = ("Never", "PreemptLowerPriority")
        causes.append(not_supported(f"{path}.preemptionPolicy", policy, supported))
    if spec.get("overhead"):
        causes += resources({"limits": spec["overhead"]}, f"{path}.overhead")
    system = (spec.get("os") or {}).get("name")
    if spec.get("os") and system not in ("linux", "windows"):
        causes.append(not_supported(f"{path}.os.name", system or "", ("linux", "windows")))
    return causes


def tolerations(found: Iterable[Object], path: str) -> list[Cause]:
    causes: list[Cause] = []
    for index, toleration in enumerate(found):
        here = f"{path}[{index}]"
        key, operator = toleration.get("key"), toleration.get("operator") or ""
        if key:
            causes += names.qualified(key, f"{here}.key")
        elif operator != "Exists":
            text = (
                "operator must be Exists when `key` is empty, "
                'which means "match all values and all keys"'
            )
            causes.append(invalid_value(f"{here}.operator", operator, text))
        effect, value = toleration.get("effect"), toleration.get("value") or ""
        if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
            text = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            causes.append(invalid_value(f"{here}.effect", effect or "", text))
        if operator in ("", "Equal"):
            if not selectors.is_label_value(value):
                text = names.LABEL_VALUE_TEXT
                causes.append(invalid_value(f"{here}.operator", value, text))
        elif operator == "Exists":
            if value:
                text = "value must be empty when `operator` is 'Exists'"
                causes.append(invalid_value(f"{here}.operator", toleration_text(toleration), text))
        else:
            causes.append(not_supported(f"{here}.operator", operator, OPERATORS))
        if effect and effect not in EFFECTS:
            causes.append(not_supported(f"{here}.effect", effect, EFFECTS))
    return causes


def toleration_text(toleration: Object) -> Any:
    """As upstream prints it: its internal type has no JSON names."""
    texts = {f[0].upper() + f[1:]: toleration.get(f, "") for f in TOLERATION}
    return as_struct({**texts, "TolerationSeconds": toleration.get("tolerationSeconds")})
