"""Probes of simulated containers. Models pkg/kubelet/prober.

Whether a network probe of an image's own server succeeds follows from the image: it serves that
port and has started up, and web servers have the path. Such a probe is not asked again: nothing
could have changed. Probes by command, and of programs that have to be run, are in `live`.
"""

from __future__ import annotations

from typing import Any

from cluster.machinery.meta import Object
from cluster.runtime import Program
from cluster.runtime.images import image


def port_of(spec: Object, port: Any) -> int:
    """A named port's number."""
    if isinstance(port, int):
        return port
    for entry in spec.get("ports") or ():
        if entry.get("name") == port:
            return int(entry["containerPort"])
    return int(port) if str(port).isdigit() else 0


def target(spec: Object, probe: Object) -> int | None:
    for handler in ("httpGet", "tcpSocket", "grpc"):
        if probe.get(handler):
            return port_of(spec, probe[handler].get("port"))
    return None


def succeeds(spec: Object, probe: Object, program: Program, age: float) -> bool:
    """`age` is the seconds since the container started."""
    port = target(spec, probe)
    if port is None:
        return True
    if missing(spec, probe):
        return False
    return age >= program.start and (port in program.ports or _declared(spec, program, port))


SITES = ("nginx", "httpd")  # how servers answer that show files


def missing(spec: Object, probe: Object) -> bool:
    """Whether a web server of an image has no such page; what is mounted may have any."""
    path = (probe.get("httpGet") or {}).get("path") or "/"
    styles = [style for _, style in image(spec.get("image", "")).http]
    mounts = spec.get("volumeMounts") or ()
    mounted = any(not m["name"].startswith("kube-api-access-") for m in mounts)
    return bool(styles) and styles[0] in SITES and not mounted and path not in ("/", "/index.html")


def _declared(spec: Object, program: Program, target: int) -> bool:
    """An image we know nothing of serves what its container declares."""
    declared = any(p.get("containerPort") == target for p in spec.get("ports") or ())
    return not program.ports and declared


def failure_text(kind: str, spec: Object, probe: Object, address: str) -> str:
    port = target(spec, probe)
    get = probe.get("httpGet") or {}
    if get and missing(spec, probe):
        return f"{kind} probe failed: HTTP probe failed with statuscode: 404"
    if get:
        url = f"{get.get('scheme', 'HTTP').lower()}://{address}:{port}{get.get('path', '/')}"
        why = f'Get "{url}": dial tcp {address}:{port}: connect: connection refused'
    else:
        why = f"dial tcp {address}:{port}: connect: connection refused"
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
