"""Services: addresses and node ports. Models pkg/registry/core/service.

An allocated address is an IPAddress object, created in the Service's own transaction and only if
it does not exist: two Services never get the same one, whichever process creates them.
"""

from __future__ import annotations

import orjson

from cluster.apiserver.kinds import names
from cluster.apiserver.kinds.base import Kind
from cluster.apiserver.kinds.servicerules import NETWORK, NODE_PORTS, check_service
from cluster.apiserver.resources import IP_ADDRESSES, SERVICES
from cluster.apiserver.strategy import Context
from cluster.etcd.api import Delete, Guard, Put
from cluster.machinery import errors
from cluster.machinery.clock import format_time
from cluster.machinery.errors import Cause, invalid_value
from cluster.machinery.meta import Object

# Dynamic allocation starts behind the band kept for addresses people choose
# (KEP-3070): min(max(16, size/16), 256).
FIRST_DYNAMIC = 256
NODE_PORT_PREFIX = "/orrery/nodeports/"


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
        _drop_for_type(spec, before)
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
        return check_service(obj["spec"])

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


def _drop_for_type(spec: Object, before: Object) -> None:
    """What the former type needed and the new one does not, unless it was changed as well.

    Models dropTypeDependentFields.
    """
    kind, was = spec["type"], before["type"]
    if kind == was:
        return
    gone: list[str] = []
    if was == "LoadBalancer":
        gone += ["allocateLoadBalancerNodePorts", "loadBalancerClass", "healthCheckNodePort"]
    if kind in ("ClusterIP", "ExternalName"):
        gone.append("externalTrafficPolicy")
    if was == "ExternalName":
        gone.append("externalName")
    if kind == "ExternalName":
        gone += ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"]
        gone.append("internalTrafficPolicy")
    for field in gone:
        if field in spec and spec[field] == before.get(field):
            del spec[field]
    if kind in ("ClusterIP", "ExternalName"):
        old = {p.get("nodePort") for p in before.get("ports") or ()}
        for port in spec.get("ports") or ():
            if port.get("nodePort") in old:
                port.pop("nodePort", None)


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
