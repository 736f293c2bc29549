"""Endpoints and EndpointSlices. Models pkg/apis/core and pkg/apis/discovery."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, ip_address

from cluster.apiserver.kinds import names
from cluster.apiserver.kinds.base import Kind
from cluster.apiserver.strategy import Context
from cluster.machinery.errors import Cause, duplicate, invalid_value, not_supported, required
from cluster.machinery.meta import Object

FAMILIES = ("FQDN", "IPv4", "IPv6")
PROTOCOLS = ("SCTP", "TCP", "UDP")
PORT_TEXT = "must be between 1 and 65535, inclusive"
IP_TEXT = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
MAX_ADDRESSES = 100
CONTENT = ("endpoints", "ports", "addressType")


def special_address(text: str, path: str) -> list[Cause]:
    """Models ValidateNonSpecialIP: what no endpoint may have."""
    try:
        found = ip_address(text)
    except ValueError:
        return [invalid_value(path, text, IP_TEXT)]
    why = ""
    if found.is_unspecified:
        why = f"may not be unspecified ({text})"
    elif found.is_loopback:
        why = "may not be in the loopback range (127.0.0.0/8, ::1/128)"
    elif found.is_link_local:
        why = "may not be in the link-local range (169.254.0.0/16, fe80::/10)"
    elif found.is_multicast and isinstance(found, IPv4Address) and text.startswith("224.0.0."):
        why = "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"
    return [invalid_value(path, text, why)] if why else []


class Endpoints(Kind):
    allow_create_on_update = True

    def default(self, obj: Object) -> None:
        for subset in obj.get("subsets") or ():
            for port in subset.get("ports") or ():
                port.setdefault("protocol", "TCP")

    def check(self, obj: Object) -> list[Cause]:
        causes: list[Cause] = []
        for index, subset in enumerate(obj.get("subsets") or ()):
            path = f"subsets[{index}]"
            if not subset.get("addresses") and not subset.get("notReadyAddresses"):
                text = "must specify `addresses` or `notReadyAddresses`"
                causes.append(required(path, text))
            for field in ("addresses", "notReadyAddresses"):
                for number, address in enumerate(subset.get(field) or ()):
                    here = f"{path}.{field}[{number}].ip"
                    causes += special_address(address.get("ip", ""), here)
            ports = subset.get("ports") or ()
            for number, port in enumerate(ports):
                causes += _port(port, f"{path}.ports[{number}]", len(ports) > 1)
        return causes

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        return [] if new.get("subsets") == old.get("subsets") else self.check(new)


def _port(port: Object, path: str, named: bool) -> list[Cause]:
    causes: list[Cause] = []
    name, number = port.get("name", ""), port.get("port", 0)
    if named and not name:
        causes.append(required(f"{path}.name"))
    elif name:
        causes += [invalid_value(f"{path}.name", name, t) for t in names.label(name)]
    if not 0 < number < 65536:
        causes.append(invalid_value(f"{path}.port", number, PORT_TEXT))
    if port.get("protocol") not in PROTOCOLS:
        causes.append(not_supported(f"{path}.protocol", port.get("protocol", ""), PROTOCOLS))
    return causes


class EndpointSlices(Kind):
    tracks_generation = True

    def default(self, obj: Object) -> None:
        for port in obj.get("ports") or ():
            port.setdefault("name", "")
            port.setdefault("protocol", "TCP")

    def prepare_for_update(self, ctx: Context, new: Object, old: Object) -> None:
        """Its generation counts every change of content."""
        generation = old["metadata"].get("generation", 1)
        same = all(new.get(f) == old.get(f) for f in CONTENT)
        new["metadata"]["generation"] = generation if same else generation + 1

    def check(self, obj: Object) -> list[Cause]:
        kind = obj.get("addressType")
        if not kind:
            return [required("addressType", "must specify address type: [FQDN IPv4 IPv6]")]
        if kind not in FAMILIES:
            return [not_supported("addressType", kind, FAMILIES)]
        causes: list[Cause] = []
        for index, endpoint in enumerate(obj.get("endpoints") or ()):
            causes += _endpoint(endpoint, f"endpoints[{index}]", kind)
        return causes + _slice_ports(obj.get("ports") or ())

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        if all(new.get(f) == old.get(f) for f in CONTENT):
            return []
        return self.check(new) + names.immutable(new, old, "addressType")


def _endpoint(endpoint: Object, path: str, kind: str) -> list[Cause]:
    addresses = endpoint.get("addresses") or []
    if not addresses:
        return [required(f"{path}.addresses", "must contain at least 1 address")]
    if len(addresses) > MAX_ADDRESSES:
        text = f"Too many: {len(addresses)}: must have at most {MAX_ADDRESSES} items"
        return [Cause(f"{path}.addresses", "FieldValueTooMany", text)]
    causes: list[Cause] = []
    for index, address in enumerate(addresses):
        here = f"{path}.addresses[{index}]"
        if kind == "FQDN":
            causes += [invalid_value(here, address, t) for t in names.subdomain(address)]
        else:
            causes += _family(address, here, kind)
    if name := endpoint.get("nodeName"):
        causes += [invalid_value(f"{path}.nodeName", name, t) for t in names.subdomain(name)]
    if name := endpoint.get("hostname"):
        causes += [invalid_value(f"{path}.hostname", name, t) for t in names.label(name)]
    return causes


def _family(address: str, path: str, kind: str) -> list[Cause]:
    try:
        version: int = ip_address(address).version
    except ValueError:
        version = 0
    if version != int(kind[-1]):
        return [invalid_value(path, address, f"must be a valid {kind} address")]
    return special_address(address, path)


def _slice_ports(ports: Iterable[Object]) -> list[Cause]:
    causes: list[Cause] = []
    seen: set[str] = set()
    for index, port in enumerate(ports):
        path, name = f"ports[{index}]", port.get("name") or ""
        if name:
            causes += [invalid_value(f"{path}.name", name, t) for t in names.label(name)]
        if name in seen:
            causes.append(duplicate(f"{path}.name", name))
        seen.add(name)
        number = port.get("port")
        if number is not None and not 0 < number < 65536:
            causes.append(invalid_value(f"{path}.port", number, PORT_TEXT))
        if port.get("protocol") not in PROTOCOLS:
            causes.append(not_supported(f"{path}.protocol", port.get("protocol"), PROTOCOLS))
    return causes
