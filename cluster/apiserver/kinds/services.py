"""Services: addresses and node ports. Models pkg/registry/core/service.

An allocated address is an IPAddress object, created in the Service's own transaction and only if
it does not exist: two Services never get the same one, whichever process creates them.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import orjson

from cluster.apiserver.kinds import names
from cluster.apiserver.kinds.base import Kind
from cluster.apiserver.resources import IP_ADDRESSES, SERVICES
from cluster.apiserver.strategy import Context
from cluster.etcd.api import Delete, Guard, Put
from cluster.machinery import errors
from cluster.machinery.clock import format_time
from cluster.machinery.errors import Cause, duplicate, invalid_value, not_supported, required
from cluster.machinery.meta import Object

NETWORK = IPv4Network("10.96.0.0/12")
# Dynamic allocation starts behind the band kept for addresses people choose
# (KEP-3070): min(max(16, size/16), 256).
FIRST_DYNAMIC = 256
NODE_PORTS = range(30000, 32768)
NODE_PORT_PREFIX = "/orrery/nodeports/"
TYPES = ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName")
PROTOCOLS = ("TCP", "UDP", "SCTP")
AFFINITIES = ("ClientIP", "None")
PORT_TEXT = "must be between 1 and 65535, inclusive"


class Services(Kind):
    has_status = True
    name_rule = staticmethod(names.label_1035)

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        spec.setdefault("sessionAffinity", "None")
        spec.setdefault("type", "ClusterIP")
        for port in spec.get("ports") or ():
            port.setdefault("protocol", "TCP")
            if port.get("targetPort") in (None, "", 0):
                port["targetPort"] = port.get("port")
        if spec["sessionAffinity"] == "ClientIP":
            spec.setdefault("sessionAffinityConfig", {"clientIP": {"timeoutSeconds": 10800}})
        if spec["type"] != "ExternalName":
            spec.setdefault("internalTrafficPolicy", "Cluster")
            spec.setdefault("ipFamilies", ["IPv4"])
            spec.setdefault("ipFamilyPolicy", "SingleStack")
        if spec["type"] in ("NodePort", "LoadBalancer"):
            spec.setdefault("externalTrafficPolicy", "Cluster")
        if spec["type"] == "LoadBalancer":
            spec.setdefault("allocateLoadBalancerNodePorts", True)

    def prepare_for_create(self, ctx: Context, obj: Object) -> None:
        obj["status"] = {"loadBalancer": {}}
        if self.check(obj):
            return  # allocate nothing for what validation is about to refuse
        self._allocate_address(ctx, obj)
        self._allocate_ports(ctx, obj, frozenset())

    def prepare_for_update(self, ctx: Context, new: Object, old: Object) -> None:
        self._keep(new, old, "status")
        spec, before = new["spec"], old["spec"]
        if spec["type"] != "ExternalName" and before["type"] != "ExternalName":
            for field in ("clusterIP", "clusterIPs"):
                if not spec.get(field) and before.get(field):
                    spec[field] = before[field]
        _reuse_ports(spec, before)
        if self.check(new):
            return
        if spec["type"] != "ExternalName" and not spec.get("clusterIP"):
            self._allocate_address(ctx, new)
        elif spec["type"] == "ExternalName" and before.get("clusterIP"):
            spec.pop("clusterIP", None)
            spec.pop("clusterIPs", None)
            _release_address(ctx, before)
        have = frozenset(p["nodePort"] for p in before.get("ports") or () if p.get("nodePort"))
        self._allocate_ports(ctx, new, have)

    def prepare_for_delete(self, ctx: Context, old: Object) -> None:
        _release_address(ctx, old["spec"])
        for port in old["spec"].get("ports") or ():
            if port.get("nodePort"):
                ctx.ops.append(Delete(_port_key(port["nodePort"])))

    def _allocate_address(self, ctx: Context, obj: Object) -> None:
        spec = obj["spec"]
        if spec["type"] == "ExternalName":
            return
        wanted = spec.get("clusterIP") or ""
        if wanted == "None":
            spec["clusterIPs"] = ["None"]
            return
        address = wanted or str(
            NETWORK[FIRST_DYNAMIC + ctx.entropy.below(NETWORK.num_addresses - FIRST_DYNAMIC - 1)]
        )
        if wanted and ctx.lookup.find(IP_ADDRESSES, "", wanted) is not None:
            text = f"failed to allocate IP {wanted}: provided IP is already allocated"
            cause = invalid_value("spec.clusterIPs", [wanted], text)
            raise errors.invalid("Service", "", obj["metadata"]["name"], [cause])
        spec["clusterIP"], spec["clusterIPs"] = address, [address]
        key = IP_ADDRESSES.key("", address)
        ctx.guards.append(Guard(key, 0))
        ctx.ops.append(Put(key, orjson.dumps(_ip_address(ctx, obj, address))))

    def _allocate_ports(self, ctx: Context, obj: Object, have: frozenset[int]) -> None:
        spec = obj["spec"]
        wants = spec["type"] == "NodePort" or (
            spec["type"] == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts", True)
        )
        used: set[int] = set()
        for index, port in enumerate(spec.get("ports") or () if wants else ()):
            number = port.get("nodePort")
            if number and number not in have and number not in used:
                _refuse_taken(ctx, obj, index, number)
            port["nodePort"] = number = number or _free_port(ctx, used | have)
            if number not in have and number not in used:
                ctx.guards.append(Guard(_port_key(number), 0))
                ctx.ops.append(Put(_port_key(number), b"{}"))
            used.add(number)
        ctx.ops += [Delete(_port_key(n)) for n in sorted(have - used)]

    def check(self, obj: Object) -> list[Cause]:
        spec = obj["spec"]
        causes: list[Cause] = []
        if spec["type"] not in TYPES:
            causes.append(not_supported("spec.type", spec["type"], TYPES))
        headless = spec.get("clusterIP") == "None"
        if spec["type"] == "ExternalName":
            if not spec.get("externalName"):
                causes.append(required("spec.externalName"))
        elif not spec.get("ports") and not headless:
            causes.append(required("spec.ports"))
        causes += _check_ports(spec)
        if spec["sessionAffinity"] not in AFFINITIES:
            causes.append(
                not_supported("spec.sessionAffinity", spec["sessionAffinity"], AFFINITIES)
            )
        causes += names.labels(spec.get("selector"), "spec.selector")
        causes += _check_address(spec)
        return causes

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        causes = self.check(new)
        before, after = old["spec"].get("clusterIP"), new["spec"].get("clusterIP")
        same_type = old["spec"]["type"] == new["spec"]["type"]
        if before and after != before and (same_type or new["spec"]["type"] != "ExternalName"):
            path, text = "spec.clusterIPs[0]", "may not change once set"
            causes.append(invalid_value(path, [after or ""], text))
        return causes

    def fields(self, obj: Object) -> dict[str, str]:
        spec = obj.get("spec", {})
        return {"spec.clusterIP": spec.get("clusterIP", ""), "spec.type": spec.get("type", "")}


def _check_ports(spec: Object) -> list[Cause]:
    causes: list[Cause] = []
    ports = spec.get("ports") or ()
    named: set[str] = set()
    pairs: set[tuple[object, object]] = set()
    for index, port in enumerate(ports):
        path, name = f"spec.ports[{index}]", port.get("name", "")
        if not name and len(ports) > 1:
            causes.append(required(f"{path}.name"))
        elif name:
            causes += [invalid_value(f"{path}.name", name, t) for t in names.label(name)]
            if name in named:
                causes.append(duplicate(f"{path}.name", name))
            named.add(name)
        number = port.get("port") or 0
        if not 0 < number < 65536:
            causes.append(invalid_value(f"{path}.port", number, PORT_TEXT))
        target = port.get("targetPort")
        if isinstance(target, int) and not 0 < target < 65536:
            causes.append(invalid_value(f"{path}.targetPort", target, PORT_TEXT))
        if port.get("protocol") not in PROTOCOLS:
            causes.append(not_supported(f"{path}.protocol", port.get("protocol"), PROTOCOLS))
        node_port = port.get("nodePort")
        if node_port and spec["type"] == "ClusterIP":
            text = "may not be used when `type` is 'ClusterIP'"
            causes.append(errors.forbidden_field(f"{path}.nodePort", text))
        elif node_port and node_port not in NODE_PORTS:
            text = (
                "provided port is not in the valid range. The range of valid ports is 30000-32767"
            )
            causes.append(invalid_value(f"{path}.nodePort", node_port, text))
        pair = (port.get("protocol"), number)
        if pair in pairs:
            causes.append(duplicate(path, {"protocol": pair[0], "port": pair[1]}))
        pairs.add(pair)
    return causes


def _check_address(spec: Object) -> list[Cause]:
    wanted = spec.get("clusterIP")
    if not wanted or wanted == "None":
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


def _reuse_ports(spec: Object, before: Object) -> None:
    """A port that had a node port keeps it. Models patchAllocatedValues."""
    if spec["type"] not in ("NodePort", "LoadBalancer"):
        return
    old = {(p.get("protocol"), p.get("port")): p.get("nodePort") for p in before.get("ports") or ()}
    for port in spec.get("ports") or ():
        number = old.get((port.get("protocol"), port.get("port")))
        if not port.get("nodePort") and number:
            port["nodePort"] = number


def _release_address(ctx: Context, spec: Object) -> None:
    address = spec.get("clusterIP")
    if address and address != "None":
        ctx.ops.append(Delete(IP_ADDRESSES.key("", address)))


def _port_key(number: int) -> bytes:
    return f"{NODE_PORT_PREFIX}{number}".encode()


def _free_port(ctx: Context, used: frozenset[int] | set[int]) -> int:
    """A random one; the guard in the transaction says whether it really is free."""
    while True:
        number = NODE_PORTS[ctx.entropy.below(len(NODE_PORTS))]
        if number not in used:
            return number


def _refuse_taken(ctx: Context, obj: Object, index: int, number: int) -> None:
    for other in ctx.lookup.list_all(SERVICES):
        if any(p.get("nodePort") == number for p in other["spec"].get("ports") or ()):
            cause = invalid_value(
                f"spec.ports[{index}].nodePort", number, "provided port is already allocated"
            )
            raise errors.invalid("Service", "", obj["metadata"]["name"], [cause])


def _ip_address(ctx: Context, service: Object, address: str) -> Object:
    meta = service["metadata"]
    return {
        "apiVersion": IP_ADDRESSES.api_version,
        "kind": IP_ADDRESSES.kind,
        "metadata": {
            "name": address,
            "uid": ctx.entropy.uid(),
            "creationTimestamp": format_time(ctx.now),
            "labels": {
                "ipaddress.kubernetes.io/ip-family": "IPv4",
                "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
            },
        },
        "spec": {
            "parentRef": {
                "group": "",
                "resource": "services",
                "namespace": meta["namespace"],
                "name": meta["name"],
            }
        },
    }
