"""Which endpoints a node should prefer: hints in EndpointSlices.

spec.trafficDistribution gives each endpoint its own zone (and node); the annotation topology-mode:
Auto shares endpoints out among zones in proportion to their CPU, if that can be done safely.
Pure functions. Models k8s.io/endpointslice/trafficdist and topologycache.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from cluster.machinery import quantity
from cluster.machinery.meta import Object, annotations_of, condition, labels_of

MODES = ("service.kubernetes.io/topology-mode", "service.kubernetes.io/topology-aware-hints")
ZONE = "topology.kubernetes.io/zone"
CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
OVERLOAD = 0.20
NO_NODES = (
    "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes"
)
FEW_ZONES = "Nodes only ready in one zone"
FEW_ENDPOINTS = (
    "Insufficient number of endpoints ({}), impossible to safely allocate proportionally"
)
OVERLOADED = (
    "Minimum allocation of required endpoints exceeds available endpoints ({} required, {} "
    "available)"
)
Endpoint = dict[str, Any]


def is_auto(service: Object) -> bool:
    return any(annotations_of(service).get(mode) in ("Auto", "auto") for mode in MODES)


def distribution(service: Object) -> str:
    return str(service["spec"].get("trafficDistribution") or "")


def near(how: str, endpoint: Endpoint) -> Endpoint | None:
    """The hint of one endpoint under spec.trafficDistribution."""
    if not endpoint["conditions"]["ready"] or not how:
        return None
    zone = [{"name": endpoint["zone"]}] if endpoint.get("zone") else []
    if how == "PreferSameNode":
        node = [{"name": endpoint["nodeName"]}] if endpoint.get("nodeName") else []
        return {k: v for k, v in (("forZones", zone), ("forNodes", node)) if v} or None
    return {"forZones": zone} if zone else None


def cpu_shares(nodes: Iterable[Object]) -> dict[str, float]:
    """Of all CPUs, the share of each zone; empty when a node does not say what it has."""
    cpus: dict[str, int] = {}
    for node in nodes:
        ready = condition((node.get("status") or {}).get("conditions"), "Ready")
        outside = any(label in labels_of(node) for label in CONTROL_PLANE)
        if outside or ready is None or ready["status"] != "True":
            continue
        zone = labels_of(node).get(ZONE, "")
        cpu = quantity.milli((node["status"].get("allocatable") or {}).get("cpu", 0))
        if not zone or not cpu:
            return {}
        cpus[zone] = cpus.get(zone, 0) + cpu
    total = sum(cpus.values())
    return {zone: cpu / total for zone, cpu in sorted(cpus.items())}


def share_out(endpoints: list[Endpoint], shares: dict[str, float]) -> dict[str, str] | str:
    """The zone of each endpoint by address, or why it cannot be done."""
    ready = [e for e in endpoints if e["conditions"]["ready"]]
    if not shares:
        return NO_NODES
    if len(shares) < 2:
        return FEW_ZONES
    if len(ready) < len(shares):
        return FEW_ENDPOINTS.format(len(ready))
    least = {z: math.ceil(s * len(ready) / (1 + OVERLOAD)) for z, s in shares.items()}
    if sum(least.values()) > len(ready):
        return OVERLOADED.format(sum(least.values()), len(ready))
    if any(not e.get("zone") for e in ready):
        return NO_NODES
    most = {zone: max(least[zone], math.ceil(s * len(ready))) for zone, s in shares.items()}
    return _allocate(ready, least, most)


def _allocate(ready: list[Endpoint], least: dict[str, int], most: dict[str, int]) -> dict[str, str]:
    """Endpoints stay in their own zone, unless it has too many and another too few."""
    out: dict[str, str] = {}
    counts = dict.fromkeys(least, 0)
    spare: list[Endpoint] = []
    for endpoint in ready:
        zone = endpoint["zone"]
        if zone in counts and counts[zone] < most[zone]:
            out[endpoint["addresses"][0]] = zone
            counts[zone] += 1
        else:
            spare.append(endpoint)
    for endpoint in spare:
        zone = min(counts, key=lambda z: (counts[z] - least[z], z))
        out[endpoint["addresses"][0]] = zone
        counts[zone] += 1
    for needy in counts:
        while counts[needy] < least[needy]:
            rich = max(counts, key=lambda z: counts[z] - least[z])
            address = next(a for a, z in out.items() if z == rich)
            out[address] = needy
            counts[rich] -= 1
            counts[needy] += 1
    return out
