"""Services with how many of their endpoints are ready."""

from __future__ import annotations

from cluster.machinery.meta import Object, key_of
from dashboard.projection.world import Row, World, seconds

COLUMNS = ("type", "ip", "ports", "ready", "total", "selector", "created")


def row(world: World, service: Object) -> Row:
    spec = service.get("spec") or {}
    ready, total = endpoints(world, key_of(service))
    selector = spec.get("selector") or {}
    return [
        spec.get("type", "ClusterIP"),
        spec.get("clusterIP", ""),
        [port_text(p) for p in spec.get("ports") or ()],
        ready,
        total,
        ",".join(f"{k}={v}" for k, v in selector.items()),
        seconds(service["metadata"].get("creationTimestamp")),
    ]


def port_text(port: Object) -> str:
    """As kubectl's PORT(S) column: `80:30080/TCP`."""
    outside = f":{port['nodePort']}" if port.get("nodePort") else ""
    return f"{port.get('port')}{outside}/{port.get('protocol', 'TCP')}"


def endpoints(world: World, key: str) -> tuple[int, int]:
    """(ready, all) over the service's slices. No `ready` means yes, as upstream."""
    ready: set[str] = set()
    every: set[str] = set()
    for each in world.slices.by_index("service", key):
        for endpoint in each.get("endpoints") or ():
            address = str((endpoint.get("addresses") or [""])[0])
            every.add(address)
            if (endpoint.get("conditions") or {}).get("ready") is not False:
                ready.add(address)
    return len(ready), len(every)
