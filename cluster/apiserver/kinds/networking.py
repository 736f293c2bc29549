"""NetworkPolicies, ServiceCIDRs and IPAddresses. Models pkg/apis/networking."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

from cluster.apiserver.kinds import names
from cluster.apiserver.kinds.base import Kind, WithStatus
from cluster.apiserver.kinds.selectorrules import check_label_selector
from cluster.apiserver.strategy import Context
from cluster.machinery.clock import format_time
from cluster.machinery.errors import Cause, forbidden_field, invalid_value, not_supported, required
from cluster.machinery.meta import Object

PROTOCOLS = ("SCTP", "TCP", "UDP")
TYPES = ("Egress", "Ingress")
PORT_TEXT = "must be between 1 and 65535, inclusive"
ONE_A_FAMILY = (
    "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"
)
CIDR_TEXT = 'must be a valid CIDR value, (e.g. "10.9.8.0/24" or "2001:db8::/64")'


class NetworkPolicies(Kind):
    tracks_generation = True

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        spec.setdefault("podSelector", {})
        if not spec.get("policyTypes"):
            spec["policyTypes"] = ["Ingress", *(["Egress"] if spec.get("egress") else [])]
        for rule in [*(spec.get("ingress") or ()), *(spec.get("egress") or ())]:
            for port in rule.get("ports") or ():
                port.setdefault("protocol", "TCP")

    def check(self, obj: Object) -> list[Cause]:
        spec = obj["spec"]
        causes = check_label_selector(spec["podSelector"], "spec.podSelector")
        for field, side in (("ingress", "from"), ("egress", "to")):
            for index, rule in enumerate(spec.get(field) or ()):
                path = f"spec.{field}[{index}]"
                for number, port in enumerate(rule.get("ports") or ()):
                    causes += _port(port, f"{path}.ports[{number}]")
                for number, peer in enumerate(rule.get(side) or ()):
                    causes += _peer(peer, f"{path}.{side}[{number}]")
        types = spec["policyTypes"]
        if len(types) > 2:
            text = "may not specify more than two policyTypes"
            return [*causes, invalid_value("spec.policyTypes", types, text)]
        for index, kind in enumerate(types):
            if kind not in TYPES:
                causes.append(not_supported(f"spec.policyTypes[{index}]", kind, TYPES))
        return causes


def _port(port: Object, path: str) -> list[Cause]:
    causes: list[Cause] = []
    if port["protocol"] not in PROTOCOLS:
        causes.append(not_supported(f"{path}.protocol", port["protocol"], PROTOCOLS))
    number, end = port.get("port"), port.get("endPort")
    if isinstance(number, int):
        if not 0 < number < 65536:
            causes.append(invalid_value(f"{path}.port", number, PORT_TEXT))
        if end is not None and end < number:
            text = "must be greater than or equal to `port`"
            causes.append(invalid_value(f"{path}.endPort", end, text))
        if end is not None and not 0 < end < 65536:
            causes.append(invalid_value(f"{path}.endPort", end, PORT_TEXT))
        return causes
    if end is not None:
        text = "may not be specified when `port` is " + ("not specified" if number is None else
                                                         "non-numeric")  # fmt: skip
        causes.append(invalid_value(f"{path}.endPort", end, text))
    if number is not None:
        causes += [invalid_value(f"{path}.port", number, t) for t in names.port_name(number)]
    return causes


def _peer(peer: Object, path: str) -> list[Cause]:
    causes: list[Cause] = []
    found = [f for f in ("podSelector", "namespaceSelector", "ipBlock") if peer.get(f) is not None]
    for field in ("podSelector", "namespaceSelector"):
        if peer.get(field) is not None:
            causes += check_label_selector(peer[field], f"{path}.{field}")
    if peer.get("ipBlock") is not None:
        causes += _block(peer["ipBlock"], f"{path}.ipBlock")
    if not found:
        causes.append(required(path, "must specify a peer"))
    elif "ipBlock" in found and len(found) > 1:
        text = "may not specify both ipBlock and another peer"
        causes.append(forbidden_field(path, text))
    return causes


def _block(block: Object, path: str) -> list[Cause]:
    cidr = block.get("cidr", "")
    if not cidr:
        return [required(f"{path}.cidr")]
    whole = _network(cidr)
    if whole is None:
        return [invalid_value(f"{path}.cidr", cidr, CIDR_TEXT)]
    causes: list[Cause] = []
    for index, text in enumerate(block.get("except") or ()):
        part, here = _network(text), f"{path}.except[{index}]"
        if part is None:
            causes.append(invalid_value(here, text, CIDR_TEXT))
        elif part.version != whole.version or part == whole or not part.subnet_of(whole):
            why = f"must be a strict subset of `cidr`: {cidr}"
            causes.append(invalid_value(here, text, why))
    return causes


def _network(text: str) -> Any:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


class ServiceCIDRs(WithStatus):
    tracks_generation = False

    def prepare_for_create(self, ctx: Context, obj: Object) -> None:
        """Its controller would find it ready at once."""
        ready = {"type": "Ready", "status": "True", "reason": ""}
        ready["message"] = "Kubernetes Service CIDR is ready"
        obj["status"] = {"conditions": [{**ready, "lastTransitionTime": format_time(ctx.now)}]}

    def check(self, obj: Object) -> list[Cause]:
        cidrs = (obj.get("spec") or {}).get("cidrs") or []
        if not cidrs:
            return [required("spec.cidrs", "at least one CIDR required")]
        if len(cidrs) > 2:
            text = "may only hold up to 2 values"
            return [invalid_value("spec", obj["spec"], text)]
        causes = []
        for index, text in enumerate(cidrs):
            if _network(text) is None:
                causes.append(invalid_value(f"spec.cidrs[{index}]", text, CIDR_TEXT))
        pair = [_network(text) for text in cidrs] if len(cidrs) == 2 and not causes else []
        if pair and pair[0].version == pair[1].version:
            causes.append(invalid_value("spec", obj["spec"], ONE_A_FAMILY))
        return causes

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        before = (old.get("spec") or {}).get("cidrs") or []
        after = (new.get("spec") or {}).get("cidrs") or []
        grown = len(before) == 1 and len(after) == 2 and after[0] == before[0]
        if after == before:
            return []
        if grown:
            return self.check(new)
        return names.immutable_as("spec.cidrs", new, old, "spec.cidrs")


class IPAddresses(Kind):
    """Named by the address; made by whoever allocates it."""

    def check(self, obj: Object) -> list[Cause]:
        causes: list[Cause] = []
        name = obj["metadata"].get("name", "")
        try:
            canonical = str(ip_address(name))
        except ValueError:
            canonical = ""
        if canonical != name:
            text = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
            causes.append(invalid_value("metadata.name", name, text))
        ref = (obj.get("spec") or {}).get("parentRef")
        if ref is None:
            return [*causes, required("spec.parentRef")]
        for field in ("resource", "name"):
            if not ref.get(field):
                causes.append(required(f"spec.parentRef.{field}"))
        return causes

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        return self.check(new) + names.immutable(new, old, "spec.parentRef")

    def fields(self, obj: Object) -> dict[str, str]:
        ref = (obj.get("spec") or {}).get("parentRef") or {}
        kept = ("group", "resource", "namespace", "name")
        return {f"spec.parentRef.{field}": ref.get(field, "") for field in kept}
