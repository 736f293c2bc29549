"""What simulated containers use: a plausible curve over time, and the load that is put on them.

Simulated containers burn nothing by themselves, so usage is a share of what was requested (a
little when nothing was), swaying slowly and differently for each container. Two annotations put
load on top:

  orrery.sim/load-cpu: "2"      on a Service: so many cores, shared by its ready pods
  orrery.sim/cpu, .../memory    on a pod: exactly this, whatever else is true

The same moment gives the same answer. Pure functions; the API server shows this as metrics.k8s.io
and the autoscaler scales by it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from zlib import crc32

from cluster.machinery import quantity, selectors
from cluster.machinery.clock import parse_time
from cluster.machinery.meta import Object, annotations_of, is_true, labels_of, namespace_of, uid_of

RESOLUTION = 15  # --metric-resolution
WARM_UP = 20  # a container needs two samples
WINDOW = 15
IDLE_CPU, IDLE_MEMORY = 1_000_000, 12 * 2**20  # nanocores and bytes without any request
SHARE_CPU, SHARE_MEMORY = 0.35, 0.6
LOAD = "orrery.sim/load-cpu"
FIXED_CPU, FIXED_MEMORY = "orrery.sim/cpu", "orrery.sim/memory"
NANO = 1_000_000  # nanocores in a millicore

Loads = dict[str, float]  # nanocores by the UID of a pod


def sway(seed: str, now: float) -> float:
    """Between 0.7 and 1.3, with a period of some minutes."""
    number = crc32(seed.encode())
    period = 240 + number % 360
    return 1 + 0.3 * math.sin(2 * math.pi * (now / period + (number >> 12) / 4096))


def moment(now: float) -> float:
    """When the sample was taken that is shown at `now`."""
    return now // RESOLUTION * RESOLUTION


def loads(services: Iterable[Object], pods: Iterable[Object]) -> Loads:
    """What the load on Services means for each pod behind them."""
    loaded = [s for s in services if LOAD in annotations_of(s) and s["spec"].get("selector")]
    out: Loads = {}
    if not loaded:
        return out
    listed = [p for p in pods if is_true((p.get("status") or {}).get("conditions"), "Ready")]
    for service in loaded:
        text = annotations_of(service)[LOAD]
        selector = selectors.from_map(service["spec"]["selector"])
        behind = [
            p
            for p in listed
            if namespace_of(p) == namespace_of(service) and selector.matches(labels_of(p))
        ]
        if behind and quantity.is_valid(text):
            share = quantity.milli(text) * NANO / len(behind)
            for pod in behind:
                out[uid_of(pod)] = out.get(uid_of(pod), 0.0) + share
    return out


def measured(pod: Object, now: float) -> list[Object]:
    """The specs of its containers that have run long enough to be measured."""
    found = set()
    for status in (pod.get("status") or {}).get("containerStatuses") or ():
        since = ((status.get("state") or {}).get("running") or {}).get("startedAt")
        if since and now - parse_time(since) >= WARM_UP:
            found.add(status["name"])
    return [c for c in pod["spec"].get("containers") or () if c["name"] in found]


def container(pod: Object, spec: Object, now: float, load: float = 0.0) -> tuple[int, int]:
    """(nanocores, bytes) of one running container; a pod's load is its first container's."""
    resources = spec.get("resources") or {}
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    seed = f"{uid_of(pod)}/{spec['name']}"
    cpu, memory = _cpu(requests, f"{seed}/cpu", now), _memory(requests, f"{seed}/memory", now)
    first = spec["name"] == pod["spec"]["containers"][0]["name"]
    if first:
        cpu += load
    if limits.get("cpu"):
        cpu = min(cpu, quantity.milli(limits["cpu"]) * NANO)
    if limits.get("memory"):
        memory = min(memory, quantity.value(limits["memory"]) * 0.95)
    if first:
        fixed = annotations_of(pod)
        if quantity.is_valid(fixed.get(FIXED_CPU)):
            cpu = quantity.milli(fixed[FIXED_CPU]) * NANO
        if quantity.is_valid(fixed.get(FIXED_MEMORY)):
            memory = quantity.value(fixed[FIXED_MEMORY])
    return int(cpu), int(memory)


def _cpu(requests: Object, seed: str, now: float) -> float:
    wanted = requests.get("cpu")
    base = quantity.milli(wanted) * NANO * SHARE_CPU if wanted else IDLE_CPU
    return base * sway(seed, now)


def _memory(requests: Object, seed: str, now: float) -> float:
    wanted = requests.get("memory")
    base = quantity.value(wanted) * SHARE_MEMORY if wanted else IDLE_MEMORY
    return base * (1 + (sway(seed, now) - 1) / 5)
