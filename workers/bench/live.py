"""An instance of its own in a temporary folder, driven over HTTPS like any client would."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, perf_counter, sleep, time

from django.conf import settings

from workers.bench import objects
from workers.bench.http import Api, Kubeconfig
from workers.bench.report import Figure, latencies

PODS = "/api/v1/namespaces/default/pods"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
MERGE = "application/merge-patch+json"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Instance:
    """A running Orrery: its kubeconfig and its supervisor's process id."""

    def __init__(self, data: Path, process: subprocess.Popen[bytes]) -> None:
        self.data = data
        self.process = process
        self.config = Kubeconfig(data / "kubeconfig")

    def api(self) -> Api:
        return Api(self.config)

    def pss(self) -> float:
        """Proportional memory of the whole process tree, in MB."""
        total = 0
        for pid in _tree(self.process.pid):
            with contextlib.suppress(OSError):
                for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                    if line.startswith("Pss:"):
                        total += int(line.split()[1])
        return total / 1024

    def cpu(self) -> float:
        """CPU seconds the living process tree has used so far."""
        ticks = 0
        for pid in _tree(self.process.pid):
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")


def _tree(root: int) -> list[int]:
    found = [root]
    for pid in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                found += [int(c) for c in (task / "children").read_text().split()]
    return found


@contextlib.contextmanager
def instance(nodes: int) -> Iterator[Instance]:
    """A fresh instance with that many nodes, all Ready; stopped and removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="orrery-bench-") as folder:
        data = Path(folder)
        ports = ("ORRERY_PORT", "ORRERY_API_PORT", "ORRERY_ETCD_PORT")
        env = {**os.environ, "ORRERY_DATA": folder, **{p: str(free_port()) for p in ports}}
        command = [sys.executable, "manage.py", "up", "--nodes", str(nodes)]
        with (data / "up.log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=settings.BASE_DIR, env=env, stdout=log, stderr=log
            )
        try:
            _wait_for(lambda: (data / "kubeconfig").exists(), 60, "the kubeconfig")
            running = Instance(data, process)
            api = running.api()
            _wait_for(lambda: _ready_nodes(api) >= nodes, 120, "the nodes")
            _wait_for(lambda: _settled(api), 120, "the system pods")
            yield running
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)


def _wait_for(reached: object, seconds: float, what: str) -> None:
    assert callable(reached)
    end = monotonic() + seconds
    while not reached():
        if monotonic() > end:
            raise RuntimeError(f"{what} did not come within {seconds:.0f} s")
        sleep(0.02)


def _ready_nodes(api: Api) -> int:
    items = api.call("GET", "/api/v1/nodes")["items"]
    return sum(
        any(
            c["type"] == "Ready" and c["status"] == "True"
            for c in n["status"].get("conditions", ())
        )
        for n in items
    )


def _settled(api: Api) -> bool:
    items = api.call("GET", "/api/v1/namespaces/kube-system/pods")["items"]
    return bool(items) and all(p["status"].get("phase") == "Running" for p in items)


def rollout(running: Instance, pods: int, label: str) -> list[Figure]:
    """A Deployment from POST to all Ready, then deleted; API creates are timed meanwhile."""
    api, name = running.api(), f"bench-{pods}"
    samples: list[float] = []
    done = threading.Event()
    prober = threading.Thread(target=_probe_creates, args=(running, samples, done, name))
    prober.start()
    cpu, start = running.cpu(), perf_counter()
    created = api.call("POST", DEPLOYMENTS, objects.deployment(name, pods))
    version = created["metadata"]["resourceVersion"]
    path = f"{DEPLOYMENTS}?watch=1&fieldSelector=metadata.name%3D{name}&resourceVersion={version}"
    for _, obj in api.watch(path):
        if obj.get("status", {}).get("readyReplicas") == pods:
            break
    up, cost = perf_counter() - start, running.cpu() - cpu
    done.set()
    prober.join()
    down = _delete(api, name)
    title = f"{pods} pods, {label}, live"
    return [
        Figure(f"{title}: up", pods / up, "pods/s"),
        Figure(f"{title}: CPU a pod", cost / pods * 1000, "ms"),
        Figure(f"{title}: down", pods / down, "pods/s"),
        *latencies(f"{title}: API create meanwhile", samples, f"{len(samples)} creates"),
    ]


def _probe_creates(
    running: Instance, samples: list[float], done: threading.Event, name: str
) -> None:
    api = running.api()
    while not done.is_set() or len(samples) < 2:
        start = perf_counter()
        api.raw("POST", CONFIG_MAPS, objects.config_map(f"{name}-{len(samples)}"))
        samples.append(perf_counter() - start)
        done.wait(0.02)


def _delete(api: Api, name: str) -> float:
    start = perf_counter()
    api.call("DELETE", f"{DEPLOYMENTS}/{name}")
    while api.call("GET", f"{PODS}?limit=1&labelSelector=app%3D{name}")["items"]:
        sleep(0.05)
    return perf_counter() - start


def one_pod(running: Instance, rounds: int = 60) -> list[Figure]:
    """A single pod on an idle cluster, from POST to Ready as a watcher sees it."""
    api, samples = running.api(), []
    for index in range(rounds):
        name = f"one-{index}"
        start = perf_counter()
        created = api.call("POST", PODS, objects.pod(name))
        version = created["metadata"]["resourceVersion"]
        path = f"{PODS}?watch=1&fieldSelector=metadata.name%3D{name}&resourceVersion={version}"
        for _, obj in api.watch(path):
            conditions = obj.get("status", {}).get("conditions", ())
            if any(c["type"] == "Ready" and c["status"] == "True" for c in conditions):
                break
        samples.append(perf_counter() - start)
        sleep(0.05)
    for index in range(rounds):
        api.call("DELETE", f"{PODS}/one-{index}?gracePeriodSeconds=0")
    return latencies("one pod, create to Ready, live", samples)


def verbs(running: Instance, count: int = 400) -> list[Figure]:
    """Requests a second on one connection."""
    api = running.api()
    api.call("POST", CONFIG_MAPS, objects.config_map("verbs"))
    out = []
    for title, work in (
        ("GET", lambda i: api.raw("GET", f"{CONFIG_MAPS}/verbs")),
        ("create", lambda i: api.raw("POST", CONFIG_MAPS, objects.config_map(f"verbs-{i}"))),
        (
            "patch",
            lambda i: api.raw("PATCH", f"{CONFIG_MAPS}/verbs", {"data": {"n": str(i)}}, MERGE),
        ),
    ):
        start = perf_counter()
        for index in range(count):
            work(index)
        rate = count / (perf_counter() - start)
        out.append(Figure(f"{title}, one connection, live", rate, "/s"))
    return out


def watchers(running: Instance, number: int, writes: int = 40) -> list[Figure]:
    """From the moment before a write to the moment each of `number` watchers has its event."""
    api, samples = running.api(), []
    version = api.call("GET", CONFIG_MAPS + "?limit=1")["metadata"]["resourceVersion"]
    ready = threading.Barrier(number + 1)

    def follow() -> None:
        events = running.api().watch(f"{CONFIG_MAPS}?watch=1&resourceVersion={version}")
        ready.wait()
        left = writes
        for _, obj in events:
            sent = obj.get("data", {}).get("sent")
            if sent is None:
                continue
            samples.append(time() - float(sent))
            left -= 1
            if not left:
                return

    threads = [threading.Thread(target=follow) for _ in range(number)]
    for thread in threads:
        thread.start()
    ready.wait()
    sleep(1)  # the watch requests go out with the first read
    for index in range(writes):
        body = objects.config_map(f"watch-{number}-{index}")
        body["data"] = {"sent": repr(time())}
        api.raw("POST", CONFIG_MAPS, body)
        sleep(0.05)
    for thread in threads:
        thread.join()
    return latencies(f"watch latency, {number} watchers, live", samples)


def list_pods(running: Instance, pods: int) -> list[Figure]:
    """LIST of that many pods (they exist), and the memory of everything with them."""
    api = running.api()
    samples, size = [], 0
    for _ in range(5):
        start = perf_counter()
        size = len(api.raw("GET", PODS))
        samples.append(perf_counter() - start)
    return [
        Figure(f"LIST {pods} pods, live", min(samples) * 1000, "ms", f"{size / 1e6:.1f} MB"),
        Figure(f"memory of all processes with {pods} pods (PSS)", running.pss(), "MB"),
    ]


def large(nodes: int, pods: int) -> list[Figure]:
    """LIST and memory on a large cluster."""
    with instance(nodes) as running:
        api = running.api()
        api.call("POST", DEPLOYMENTS, objects.deployment("large", pods))
        start = perf_counter()
        path = f"{DEPLOYMENTS}?watch=1&fieldSelector=metadata.name%3Dlarge"
        for _, obj in api.watch(path):
            if obj.get("status", {}).get("readyReplicas") == pods:
                break
        up = Figure(
            f"{pods} pods, {nodes} nodes, live: up", pods / (perf_counter() - start), "pods/s"
        )
        return [up, *list_pods(running, pods)]


def all_figures() -> Iterator[Figure]:
    """Everything, figure by figure as it is measured."""
    with instance(100) as running:
        yield from one_pod(running)
        yield from verbs(running)
        yield from watchers(running, 1)
        yield from watchers(running, 100)
        yield from rollout(running, 500, "100 nodes")
        yield from rollout(running, 2000, "100 nodes")
    yield from large(1000, 5000)
