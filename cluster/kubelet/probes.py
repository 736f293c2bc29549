"""Probes of simulated containers. Models pkg/kubelet/prober.

Whether a probe succeeds follows from the program: an HTTP, TCP or gRPC one when the container
serves that port and has started up; an exec one always (there is no shell in it yet). A probe
that succeeds is not asked again: nothing could have changed.
"""

from __future__ import annotations

from typing import Any

from cluster.machinery.meta import Object
from cluster.runtime import Program


def port_of(spec: Object, port: Any) -> int:
    """A named port's number."""
    if isinstance(port, int):
        return port
    for entry in spec.get("ports") or ():
        if entry.get("name") == port:
            return int(entry["containerPort"])
    return int(port) if str(port).isdigit() else 0


def _target(spec: Object, probe: Object) -> int | None:
    for handler in ("httpGet", "tcpSocket", "grpc"):
        if probe.get(handler):
            return port_of(spec, probe[handler].get("port"))
    return None


def succeeds(spec: Object, probe: Object, program: Program, age: float) -> bool:
    """`age` is the seconds since the container started."""
    target = _target(spec, probe)
    if target is None:
        return True
    return age >= program.start and (target in program.ports or _declared(spec, program, target))


def _declared(spec: Object, program: Program, target: int) -> bool:
    """An image we know nothing of serves what its container declares."""
    declared = any(p.get("containerPort") == target for p in spec.get("ports") or ())
    return not program.ports and declared


def failure_text(kind: str, spec: Object, probe: Object, address: str) -> str:
    target = _target(spec, probe)
    get = probe.get("httpGet") or {}
    if get:
        url = f"{get.get('scheme', 'HTTP').lower()}://{address}:{target}{get.get('path', '/')}"
        why = f'Get "{url}": dial tcp {address}:{target}: connect: connection refused'
    else:
        why = f"dial tcp {address}:{target}: connect: connection refused"
    return f"{kind} probe failed: {why}"


def first_at(probe: Object, started_at: float) -> float:
    return started_at + float(probe.get("initialDelaySeconds") or 0)


def ready_after(probe: Object, program: Program) -> float:
    """Seconds from the start until a probe that succeeds has made the container ready."""
    delay = float(probe.get("initialDelaySeconds") or 0)
    period = float(probe.get("periodSeconds") or 10)
    while delay < program.start:
        delay += period
    return delay + (int(probe.get("successThreshold") or 1) - 1) * period
