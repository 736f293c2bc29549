"""Rows of core/v1, coordination, discovery and networking."""

from __future__ import annotations

from typing import Any

from cluster.apiserver.tables.formats import (
    NONE,
    UNKNOWN,
    UNSET,
    age,
    human_duration,
    joined,
    pairs,
    since,
)
from cluster.machinery.clock import parse_time
from cluster.machinery.meta import Object, condition, labels_of, name_of

ROLE = "node-role.kubernetes.io/"


def namespace(obj: Object, now: float) -> list[Any]:
    return [name_of(obj), obj.get("status", {}).get("phase", ""), age(obj, now)]


def node(obj: Object, now: float) -> list[Any]:
    status = obj.get("status", {})
    ready = condition(status.get("conditions"), "Ready")
    state = "Unknown" if ready is None else "Ready" if ready["status"] == "True" else "NotReady"
    if obj["spec"].get("unschedulable"):
        state += ",SchedulingDisabled"
    roles = {k[len(ROLE) :] for k in labels_of(obj) if k.startswith(ROLE) and len(k) > len(ROLE)}
    if legacy := labels_of(obj).get("kubernetes.io/role"):
        roles.add(legacy)
    by_type = {a["type"]: a["address"] for a in reversed(status.get("addresses", ()))}
    info = status.get("nodeInfo", {})
    return [
        name_of(obj),
        state,
        joined(sorted(roles)),
        age(obj, now),
        info.get("kubeletVersion", ""),
        by_type.get("InternalIP", NONE),
        by_type.get("ExternalIP", NONE),
        info.get("osImage") or UNKNOWN,
        info.get("kernelVersion") or UNKNOWN,
        info.get("containerRuntimeVersion") or UNKNOWN,
    ]


def service(obj: Object, now: float) -> list[Any]:
    spec = obj["spec"]
    ports = [
        f"{p['port']}:{p['nodePort']}/{p.get('protocol', 'TCP')}"
        if p.get("nodePort")
        else f"{p['port']}/{p.get('protocol', 'TCP')}"
        for p in spec.get("ports") or ()
    ]
    return [
        name_of(obj),
        spec.get("type", ""),
        spec.get("clusterIP") or NONE,
        _external(obj),
        joined(ports),
        age(obj, now),
        pairs(spec.get("selector")),
    ]


def _external(obj: Object) -> str:
    spec = obj["spec"]
    own = spec.get("externalIPs") or []
    if spec.get("type") == "ExternalName":
        return str(spec.get("externalName") or NONE)
    if spec.get("type") != "LoadBalancer":
        return joined(own)
    given = (obj.get("status", {}).get("loadBalancer") or {}).get("ingress") or ()
    found = [i.get("ip") or i.get("hostname", "") for i in given] + own
    return ",".join(found) if found else "<pending>"


def endpoints(obj: Object, now: float) -> list[Any]:
    found: list[str] = []
    for subset in obj.get("subsets") or ():
        addresses = [a["ip"] for a in subset.get("addresses") or ()]
        ports = subset.get("ports") or ()
        if not ports:
            found += addresses
        for port in ports:
            found += [f"{a}:{port['port']}" for a in addresses]
    return [name_of(obj), joined(found, 3), age(obj, now)]


def endpoint_slice(obj: Object, now: float) -> list[Any]:
    ports = [str(p["port"]) if p.get("port") else "*" for p in obj.get("ports") or ()]
    addresses = [a for e in obj.get("endpoints") or () for a in e["addresses"]]
    shown = joined(addresses, 3) if addresses else UNSET
    listed = joined(ports, 3) if ports else UNSET
    return [name_of(obj), obj.get("addressType", ""), listed, shown, age(obj, now)]


def config_map(obj: Object, now: float) -> list[Any]:
    count = len(obj.get("data") or {}) + len(obj.get("binaryData") or {})
    return [name_of(obj), str(count), age(obj, now)]


def secret(obj: Object, now: float) -> list[Any]:
    return [name_of(obj), obj.get("type", ""), len(obj.get("data") or {}), age(obj, now)]


def service_account(obj: Object, now: float) -> list[Any]:
    return [name_of(obj), len(obj.get("secrets") or ()), age(obj, now)]


def lease(obj: Object, now: float) -> list[Any]:
    return [name_of(obj), (obj.get("spec") or {}).get("holderIdentity", ""), age(obj, now)]


def ip_address(obj: Object, now: float) -> list[Any]:
    ref = (obj.get("spec") or {}).get("parentRef") or {}
    return [name_of(obj), f"{ref.get('resource')}/{ref.get('namespace')}/{ref.get('name')}"]


def event(obj: Object, now: float) -> list[Any]:
    first, last = obj.get("firstTimestamp"), obj.get("lastTimestamp")
    last = last or first or obj.get("eventTime")
    count = obj.get("count") or 1
    seen = since(last, now)
    if count > 1 and first:
        seen = f"{seen} (x{count} over {human_duration(now - parse_time(first))})"
    about = obj.get("involvedObject") or {}
    what = (about.get("kind") or "").lower()
    if about.get("name"):
        what = f"{what}/{about['name']}"
    source = obj.get("source") or {}
    origin = source.get("component") or obj.get("reportingComponent", "")
    if host := source.get("host") or obj.get("reportingInstance"):
        origin = f"{origin}, {host}"
    return [
        seen,
        obj.get("type", ""),
        obj.get("reason", ""),
        what,
        about.get("fieldPath", ""),
        origin,
        (obj.get("message") or "").strip(),
        since(first or obj.get("eventTime"), now),
        count,
        name_of(obj),
    ]
