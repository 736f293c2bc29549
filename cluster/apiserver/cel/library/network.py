"""ip("10.0.0.1"), cidr("10.0.0.0/8")."""

from __future__ import annotations

import ipaddress
from typing import Any

from cluster.apiserver.cel.library.signature import BOOL, DYN, INT, STRING, Signature, total

IP, CIDR = "$ip", "$cidr"
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _address(text: str) -> Address:
    """Raises ValueError; no zones, no IPv4 in IPv6."""
    found = ipaddress.ip_address(text)
    if "%" in text:
        raise ValueError(f'IP Address "{text}" with zone value is not allowed')
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        raise ValueError(f'IPv4-mapped IPv6 address "{text}" is not allowed')
    return found


def _ip(value: Any) -> dict[str, str]:
    if isinstance(value, dict):  # the address of a network
        return {IP: value[CIDR].partition("/")[0]}
    try:
        return {IP: str(_address(value))}
    except ValueError as error:
        raise ValueError(
            f'IP Address "{value}" parse error during conversion from string'
        ) from error


def _is_ip(text: str) -> bool:
    try:
        _address(text)
    except ValueError:
        return False
    return True


def _of(found: dict[str, str]) -> Address:
    return ipaddress.ip_address(found[IP])


def _canonical(text: str) -> bool:
    return str(_address(text)) == text


def _global(found: Any) -> bool:
    address = _of(found)
    broadcast = str(address) == "255.255.255.255"
    special = address.is_unspecified or address.is_loopback or address.is_multicast
    return not (special or address.is_link_local or broadcast)


def _link_multicast(found: Any) -> bool:
    address = _of(found)
    where = "224.0.0.0/24" if address.version == 4 else "ff02::/16"
    return address in ipaddress.ip_network(where)


def _interface(text: str) -> Any:
    if "/" not in text or not text.rpartition("/")[2].isdigit():
        raise ValueError(f'network address parse error during conversion from string: "{text}"')
    return ipaddress.ip_interface(text)


def _cidr(text: str) -> dict[str, str]:
    return {CIDR: str(_interface(text))}


def _is_cidr(text: str) -> bool:
    try:
        _interface(text)
    except ValueError:
        return False
    return True


def _network(found: dict[str, str]) -> Network:
    network: Network = ipaddress.ip_interface(found[CIDR]).network
    return network


def _contains_ip(found: Any, value: Any) -> bool:
    return _of(value if isinstance(value, dict) else _ip(value)) in _network(found)


def _contains_cidr(found: Any, value: Any) -> bool:
    inner = _network(value if isinstance(value, dict) else _cidr(value))
    outer = _network(found)
    if isinstance(inner, ipaddress.IPv4Network) and isinstance(outer, ipaddress.IPv4Network):
        return inner.subnet_of(outer)
    if isinstance(inner, ipaddress.IPv6Network) and isinstance(outer, ipaddress.IPv6Network):
        return inner.subnet_of(outer)
    return False


SIGNATURES = (
    total("ip", (STRING,), DYN, _ip),
    total("isIP", (STRING,), BOOL, _is_ip),
    total("ip.isCanonical", (STRING,), BOOL, _canonical),
    Signature("family", (DYN,), INT, lambda found: _of(found).version),
    Signature("isUnspecified", (DYN,), BOOL, lambda found: _of(found).is_unspecified),
    Signature("isLoopback", (DYN,), BOOL, lambda found: _of(found).is_loopback),
    Signature("isLinkLocalMulticast", (DYN,), BOOL, _link_multicast),
    Signature("isLinkLocalUnicast", (DYN,), BOOL, lambda found: _of(found).is_link_local),
    Signature("isGlobalUnicast", (DYN,), BOOL, _global),
    total("cidr", (STRING,), DYN, _cidr),
    total("isCIDR", (STRING,), BOOL, _is_cidr),
    Signature("containsIP", (DYN, DYN), BOOL, _contains_ip),
    Signature("containsCIDR", (DYN, DYN), BOOL, _contains_cidr),
    Signature("ip", (DYN,), DYN, _ip),
    Signature("masked", (DYN,), DYN, lambda found: {CIDR: str(_network(found))}),
    Signature("prefixLength", (DYN,), INT, lambda found: _network(found).prefixlen),
)
