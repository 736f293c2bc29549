"""What a ServiceSpec must satisfy. Models ValidateService of pkg/apis/core/validation."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, ip_network
from typing import Any

from cluster.apiserver.kinds import names
from cluster.apiserver.kinds.endpoints import special_address
from cluster.machinery.errors import (
    Cause,
    as_struct,
    duplicate,
    forbidden_field,
    invalid_value,
    not_supported,
    required,
)
from cluster.machinery.meta import Object

NETWORK = IPv4Network("10.96.0.0/12")
NODE_PORTS = range(30000, 32768)
TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
PROTOCOLS = ("SCTP", "TCP", "UDP")
AFFINITIES = ("ClientIP", "None")
POLICIES = ("Cluster", "Local")
FAMILIES = ("IPv4", "IPv6")
FAMILY_POLICIES = ("PreferDualStack", "RequireDualStack", "SingleStack")
DISTRIBUTIONS = ("PreferClose", "PreferSameNode", "PreferSameZone")
PORT_TEXT = "must be between 1 and 65535, inclusive"
MAX_SECONDS = 86400
ONLY_BALANCED = "may only be used when `type` is 'LoadBalancer'"


def check_service(spec: Object) -> list[Cause]:
    kind, causes = spec["type"], []
    headless = spec.get("clusterIP") == "None"
    if not spec.get("ports") and not headless and kind != "ExternalName":
        causes.append(required("spec.ports"))
    causes += _check_type(spec, kind, headless)
    for index, port in enumerate(spec.get("ports") or ()):
        causes += _port(port, f"spec.ports[{index}]", len(spec["ports"]) > 1)
    causes += names.labels(spec.get("selector"), "spec.selector")
    causes += _affinity(spec)
    if kind not in TYPES:
        causes.append(not_supported("spec.type", kind, TYPES))
    for index, address in enumerate(spec.get("externalIPs") or ()):
        causes += special_address(address, f"spec.externalIPs[{index}]")
    causes += _named_twice(spec) + _node_ports(spec, kind) + _policies(spec, kind)
    causes += _balancer(spec, kind)
    return causes + _address(spec) + _families(spec)


def _check_type(spec: Object, kind: str, headless: bool) -> list[Cause]:
    if kind in ("LoadBalancer", "NodePort") and headless:
        text = f"may not be set to 'None' for {kind} services"
        return [invalid_value("spec.clusterIPs[0]", "None", text)]
    if kind != "ExternalName":
        return []
    causes: list[Cause] = []
    name = (spec.get("externalName") or "").removesuffix(".")
    if spec.get("clusterIP"):
        text = "may not be set for ExternalName services"
        causes.append(forbidden_field("spec.clusterIPs", text))
    if not name:
        causes.append(required("spec.externalName"))
    else:
        causes += [invalid_value("spec.externalName", name, t) for t in names.subdomain(name)]
    return causes


def _port(port: Object, path: str, named: bool) -> list[Cause]:
    causes: list[Cause] = []
    name, number, target = port.get("name", ""), port.get("port") or 0, port.get("targetPort")
    if named and not name:
        causes.append(required(f"{path}.name"))
    elif name:
        causes += [invalid_value(f"{path}.name", name, t) for t in names.label(name)]
    if not 0 < number < 65536:
        causes.append(invalid_value(f"{path}.port", number, PORT_TEXT))
    if port.get("protocol") not in PROTOCOLS:
        causes.append(not_supported(f"{path}.protocol", port.get("protocol"), PROTOCOLS))
    if isinstance(target, int) and not 0 < target < 65536:
        causes.append(invalid_value(f"{path}.targetPort", target, PORT_TEXT))
    elif isinstance(target, str):
        causes += [invalid_value(f"{path}.targetPort", target, t) for t in names.port_name(target)]
    return causes


def _affinity(spec: Object) -> list[Cause]:
    kind = spec["sessionAffinity"]
    if kind not in AFFINITIES:
        return [not_supported("spec.sessionAffinity", kind, AFFINITIES)]
    config, path = spec.get("sessionAffinityConfig"), "spec.sessionAffinityConfig"
    if kind == "None":
        text = "must not be set when session affinity is None"
        return [forbidden_field(path, text)] if config else []
    seconds = ((config or {}).get("clientIP") or {}).get("timeoutSeconds")
    if seconds is not None and not 0 < seconds <= MAX_SECONDS:
        text = f"must be greater than 0 and less than {MAX_SECONDS}"
        return [invalid_value(f"{path}.clientIP.timeoutSeconds", seconds, text)]
    return []


def _named_twice(spec: Object) -> list[Cause]:
    causes: list[Cause] = []
    named: set[str] = set()
    pairs: set[tuple[Any, Any]] = set()
    for index, port in enumerate(spec.get("ports") or ()):
        name, pair = port.get("name", ""), (port.get("protocol"), port.get("port"))
        if name and name in named:
            causes.append(duplicate(f"spec.ports[{index}].name", name))
        named.add(name)
        if pair in pairs:
            shown = as_struct(
                {"Name": "", "Protocol": pair[0], "AppProtocol": None, "Port": pair[1],
                 "TargetPort": 0, "NodePort": 0}
            )  # fmt: skip
            causes.append(duplicate(f"spec.ports[{index}]", shown))
        pairs.add(pair)
    return causes


def _node_ports(spec: Object, kind: str) -> list[Cause]:
    causes: list[Cause] = []
    for index, port in enumerate(spec.get("ports") or ()):
        path, number = f"spec.ports[{index}].nodePort", port.get("nodePort")
        if not number:
            continue
        if kind == "ClusterIP":
            text = "may not be used when `type` is 'ClusterIP'"
            causes.append(forbidden_field(path, text))
        elif number not in NODE_PORTS:
            text = "provided port is not in the valid range. The range of valid ports is "
            causes.append(invalid_value(path, number, f"{text}30000-32767"))
    return causes


def _policies(spec: Object, kind: str) -> list[Cause]:
    causes: list[Cause] = []
    inside, outside = spec.get("internalTrafficPolicy"), spec.get("externalTrafficPolicy")
    if outside is not None:
        path = "spec.externalTrafficPolicy"
        if kind == "ExternalName" or (kind == "ClusterIP" and not spec.get("externalIPs")):
            text = "may only be set for externally-accessible services"
            causes.append(invalid_value(path, outside, text))
        elif outside not in POLICIES:
            causes.append(not_supported(path, outside, POLICIES))
    if spec.get("healthCheckNodePort") and not (kind == "LoadBalancer" and outside == "Local"):
        text = (
            "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        )
        value = spec["healthCheckNodePort"]
        causes.append(invalid_value("spec.healthCheckNodePort", value, text))
    if inside is not None and inside not in POLICIES:
        causes.append(not_supported("spec.internalTrafficPolicy", inside, POLICIES))
    wish = spec.get("trafficDistribution")
    if wish is not None and wish not in DISTRIBUTIONS:
        causes.append(not_supported("spec.trafficDistribution", wish, DISTRIBUTIONS))
    return causes


def _balancer(spec: Object, kind: str) -> list[Cause]:
    causes: list[Cause] = []
    if kind != "LoadBalancer":
        for field in ("loadBalancerSourceRanges", "allocateLoadBalancerNodePorts"):
            if spec.get(field):
                causes.append(forbidden_field(f"spec.{field}", ONLY_BALANCED))
        if spec.get("loadBalancerClass"):
            causes.append(forbidden_field("spec.loadBalancerClass", ONLY_BALANCED))
        return causes
    for index, text in enumerate(spec.get("loadBalancerSourceRanges") or ()):
        try:
            ip_network(text.strip(), strict=False)
        except ValueError:
            why = 'must be a valid CIDR value, (e.g. "10.9.8.0/24" or "2001:db8::/64")'
            causes.append(invalid_value(f"spec.loadBalancerSourceRanges[{index}]", text, why))
    if name := spec.get("loadBalancerClass"):
        causes += names.qualified(name, "spec.loadBalancerClass")
    return causes


def _address(spec: Object) -> list[Cause]:
    wanted = spec.get("clusterIP")
    if not wanted or wanted == "None" or spec["type"] == "ExternalName":
        return []
    try:
        inside = IPv4Address(wanted) in NETWORK
    except ValueError:
        text = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
        return [invalid_value("spec.clusterIPs[0]", wanted, text)]
    if not inside:
        text = (
            f"failed to allocate IP {wanted}: the provided IP ({wanted}) is not in the valid "
            f"range. The range of valid IPs is {NETWORK}"
        )
        return [invalid_value("spec.clusterIPs", [wanted], text)]
    return []


def _families(spec: Object) -> list[Cause]:
    causes: list[Cause] = []
    for index, family in enumerate(spec.get("ipFamilies") or ()):
        if family not in FAMILIES:
            causes.append(not_supported(f"spec.ipFamilies[{index}]", family, FAMILIES))
        elif family == "IPv6":
            text = "not configured on this cluster"
            causes.append(invalid_value(f"spec.ipFamilies[{index}]", family, text))
    policy = spec.get("ipFamilyPolicy")
    if policy is not None and policy not in FAMILY_POLICIES:
        causes.append(not_supported("spec.ipFamilyPolicy", policy, FAMILY_POLICIES))
    elif policy == "RequireDualStack":
        text = "this cluster is not configured for dual-stack services"
        causes.append(invalid_value("spec.ipFamilyPolicy", policy, text))
    return causes
