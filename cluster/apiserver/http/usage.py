"""metrics.k8s.io: what pods and nodes use, as metrics-server would have scraped it.

Simulated containers burn nothing, so usage is a plausible curve: a share of what was requested
(a little when nothing was), swaying slowly with the time and differently for each pod; nothing
for a pod that does not run. The same moment gives the same answer.
"""

from __future__ import annotations

import math
from collections import defaultdict
from zlib import crc32

from cluster.apiserver.http.server import ApiServer
from cluster.apiserver.resources import NODES, PODS
from cluster.machinery import quantity
from cluster.machinery.clock import format_time, parse_time
from cluster.machinery.meta import Object

RESOLUTION = 15  # --metric-resolution
WARM_UP = 20  # a container needs two samples
IDLE_CPU, IDLE_MEMORY = 1_000_000, 12 * 2**20  # nanocores and bytes without any request
NODE_CPU, NODE_MEMORY = 0.02, 0.06  # kubelet, runtime and kernel, as shares of the node
SHARE_CPU, SHARE_MEMORY = 0.35, 0.6


def _sway(seed: str, now: float) -> float:
    """Between 0.7 and 1.3, with a period of some minutes."""
    number = crc32(seed.encode())
    period = 240 + number % 360
    return 1 + 0.3 * math.sin(2 * math.pi * (now / period + (number >> 12) / 4096))


def container(uid: str, spec: Object, now: float) -> tuple[int, int]:
    """(nanocores, bytes) of one running container."""
    resources = spec.get("resources") or {}
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    wanted_cpu, wanted_memory = requests.get("cpu"), requests.get("memory")
    cpu = quantity.milli(wanted_cpu) * 1_000_000 * SHARE_CPU if wanted_cpu else IDLE_CPU
    memory = quantity.value(wanted_memory) * SHARE_MEMORY if wanted_memory else IDLE_MEMORY
    seed = f"{uid}/{spec['name']}"
    cpu *= _sway(f"{seed}/cpu", now)
    memory *= 1 + (_sway(f"{seed}/memory", now) - 1) / 5
    if limits.get("cpu"):
        cpu = min(cpu, quantity.milli(limits["cpu"]) * 1_000_000)
    if limits.get("memory"):
        memory = min(memory, quantity.value(limits["memory"]) * 0.95)
    return int(cpu), int(memory)


def _amounts(cpu: float, memory: float) -> dict[str, str]:
    return {"cpu": f"{int(cpu)}n", "memory": f"{int(memory) // 1024}Ki"}


def _running(pod: Object, now: float) -> list[Object]:
    """The specs of its containers that have run long enough to be measured."""
    found = set()
    for status in (pod.get("status") or {}).get("containerStatuses") or ():
        since = ((status.get("state") or {}).get("running") or {}).get("startedAt")
        if since and now - parse_time(since) >= WARM_UP:
            found.add(status["name"])
    return [c for c in pod["spec"].get("containers") or () if c["name"] in found]


def _header(meta: Object, now: float) -> Object:
    kept = ("name", "namespace", "labels")
    out = {k: meta[k] for k in kept if meta.get(k)}
    out["creationTimestamp"] = format_time(now)
    moment = now // RESOLUTION * RESOLUTION
    return {"metadata": out, "timestamp": format_time(moment)}


def pods(server: ApiServer, namespace: str) -> list[Object]:
    now = server.clock.now()
    moment = now // RESOLUTION * RESOLUTION
    out = []
    for entry in server.cacher.select(PODS, namespace)[0]:
        pod = entry.decode()
        measured = _running(pod, now)
        if not measured:
            continue
        uid = pod["metadata"].get("uid", "")
        containers = [
            {"name": c["name"], "usage": _amounts(*container(uid, c, moment))} for c in measured
        ]
        out.append({**_header(pod["metadata"], now), "window": "15.0s", "containers": containers})
    return out


def nodes(server: ApiServer, namespace: str) -> list[Object]:
    now = server.clock.now()
    moment = now // RESOLUTION * RESOLUTION
    cpu: dict[str, int] = defaultdict(int)
    memory: dict[str, int] = defaultdict(int)
    for entry in server.cacher.select(PODS, "")[0]:
        pod = entry.decode()
        node = pod["spec"].get("nodeName", "")
        for spec in _running(pod, now) if node else ():
            used = container(pod["metadata"].get("uid", ""), spec, moment)
            cpu[node] += used[0]
            memory[node] += used[1]
    out = []
    for entry in server.cacher.select(NODES, "")[0]:
        node_object = entry.decode()
        if not _ready(node_object):
            continue
        name, capacity = entry.name, node_object["status"].get("capacity") or {}
        own_cpu = quantity.milli(capacity.get("cpu", 0)) * 1_000_000 * NODE_CPU
        own_memory = quantity.value(capacity.get("memory", 0)) * NODE_MEMORY
        amounts = _amounts(cpu[name] + own_cpu * _sway(name, moment), memory[name] + own_memory)
        out.append({**_header(node_object["metadata"], now), "window": "20.0s", "usage": amounts})
    return out


def _ready(node: Object) -> bool:
    conditions = (node.get("status") or {}).get("conditions") or ()
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
