"""metrics.k8s.io: what pods and nodes use, as metrics-server would have scraped it.

The numbers themselves come from cluster.machinery.usage.
"""

from __future__ import annotations

from collections import defaultdict

from cluster.apiserver.http.server import ApiServer
from cluster.apiserver.resources import NODES, PODS, SERVICES
from cluster.machinery import quantity
from cluster.machinery.clock import format_time
from cluster.machinery.meta import Object, uid_of
from cluster.machinery.usage import Loads, container, loads, measured, moment, sway

NODE_CPU, NODE_MEMORY = 0.02, 0.06  # kubelet, runtime and kernel, as shares of the node


def _amounts(cpu: float, memory: float) -> dict[str, str]:
    return {"cpu": f"{int(cpu)}n", "memory": f"{int(memory) // 1024}Ki"}


def _loads(server: ApiServer, pods: list[Object]) -> Loads:
    services = (e.decode() for e in server.cacher.select(SERVICES, "")[0])
    return loads(services, pods)


def _header(meta: Object, now: float) -> Object:
    kept = ("name", "namespace", "labels")
    out = {k: meta[k] for k in kept if meta.get(k)}
    out["creationTimestamp"] = format_time(now)
    return {"metadata": out, "timestamp": format_time(moment(now))}


def pods(server: ApiServer, namespace: str) -> list[Object]:
    now = server.clock.now()
    found = [entry.decode() for entry in server.cacher.select(PODS, namespace)[0]]
    loaded = _loads(server, found)
    out = []
    for pod in found:
        running = measured(pod, now)
        if not running:
            continue
        load = loaded.get(uid_of(pod), 0.0)
        containers = [
            {"name": c["name"], "usage": _amounts(*container(pod, c, moment(now), load))}
            for c in running
        ]
        out.append({**_header(pod["metadata"], now), "window": "15.0s", "containers": containers})
    return out


def nodes(server: ApiServer, namespace: str) -> list[Object]:
    now = server.clock.now()
    cpu: dict[str, int] = defaultdict(int)
    memory: dict[str, int] = defaultdict(int)
    found = [entry.decode() for entry in server.cacher.select(PODS, "")[0]]
    loaded = _loads(server, found)
    for pod in found:
        node = pod["spec"].get("nodeName", "")
        for spec in measured(pod, now) if node else ():
            used = container(pod, spec, moment(now), loaded.get(uid_of(pod), 0.0))
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
        amounts = _amounts(cpu[name] + own_cpu * sway(name, moment(now)), memory[name] + own_memory)
        out.append({**_header(node_object["metadata"], now), "window": "20.0s", "usage": amounts})
    return out


def _ready(node: Object) -> bool:
    conditions = (node.get("status") or {}).get("conditions") or ()
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
