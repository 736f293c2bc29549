"""How fast the algorithm alone is, on upstream's scheduler_perf cases.

    python -m tests.scheduler.perf [case...]

Pods come in through the informer's handlers and leave at the binding; nothing is stored. Prints
pods per CPU second beside five times upstream's threshold.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import process_time
from typing import Any

from cluster.client import kinds
from cluster.machinery.meta import Object, key_of
from cluster.scheduler.plugins.default_preemption import DefaultPreemption
from tests.scheduler.harness import node, pod
from tests.scheduler.test_reference import Fast

ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


class Sink:
    """Takes the writes; remembers bindings and deletions."""

    def __init__(self) -> None:
        self.bound: list[tuple[Object, str]] = []
        self.deleted: list[Object] = []

    def bind(self, obj: Object, where: str, **_: Any) -> None:
        self.bound.append((obj, where))

    def delete(self, obj: Object, **_: Any) -> None:
        self.deleted.append(obj)

    def __getattr__(self, _: str) -> Callable[..., None]:
        return lambda *args, **kwargs: None


@dataclass
class Case:
    """`make` builds the pods to place, `before` those that are there (bound in turn)."""

    threshold: int  # upstream's, pods a second
    make: Callable[[int], Object]
    nodes: int = 5000
    pods: int = 5000
    before: Callable[[int], Object] | None = None
    existing: int = 0
    services: list[Object] = field(default_factory=list)


def basic(_: int = 0, **more: Any) -> Object:
    return pod("p", "100m", "500Mi", labels={"app": "a"}, **more)


def term(key: str, **more: Any) -> Object:
    return {"topologyKey": key, "labelSelector": {"matchLabels": {"app": "a"}}, **more}


def near(kind: str, rule: str, key: str, **more: Any) -> Callable[[int], Object]:
    entry = term(key, **more)
    listed = entry if rule == REQUIRED else {"weight": 1, "podAffinityTerm": entry}
    return lambda _: pod("p", "10m", "50Mi", labels={"app": "a"}, affinity={kind: {rule: [listed]}})


def on_nodes(term: Callable[[int], Object]) -> Callable[[int], Object]:
    def made(i: int) -> Object:
        return basic(affinity={"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [term(i)]}}})

    return made


def spread(action: str) -> Callable[[int], Object]:
    rule = {**term(ZONE), "maxSkew": 5, "whenUnsatisfiable": action}
    return lambda _: basic(topologySpreadConstraints=[rule])


ZONES = {"matchExpressions": [{"key": ZONE, "operator": "In", "values": ["z1", "z2"]}]}
SERVICE = {"metadata": {"name": "s", "namespace": "default"}, "spec": {"selector": {"app": "a"}}}
CASES = {
    "SchedulingBasic": Case(680, lambda _: pod("p", "100m", "500Mi"), pods=10_000),
    "SchedulingBasic/100": Case(680, lambda _: pod("p", "20m", "50Mi"), nodes=100),
    "ServicePods/100": Case(680, basic, nodes=100, pods=4000, services=[SERVICE]),
    "ServicePods": Case(680, basic, services=[SERVICE]),
    "Templates/200": Case(680, lambda i: pod("p", f"{50 + i % 200}m", "500Mi")),
    "TopologySpreading": Case(460, spread("DoNotSchedule")),
    "PreferredTopologySpreading": Case(340, spread("ScheduleAnyway")),
    "NodeAffinity": Case(220, on_nodes(lambda _: ZONES)),
    "PreferredPodAffinity": Case(90, near("podAffinity", PREFERRED, HOST), pods=2000),
    "PodAntiAffinity": Case(60, near("podAntiAffinity", REQUIRED, HOST), pods=2000),
    "PodAffinity": Case(35, near("podAffinity", REQUIRED, ZONE), pods=2000),
    "RequiredPodAntiAffinityWithNSSelector": Case(
        24, near("podAntiAffinity", REQUIRED, HOST, namespaceSelector={}), pods=2000
    ),
    "Unschedulable": Case(590, lambda i: pod("p", "100" if i % 2 else "100m")),
    "PreemptionAsync": Case(
        570, lambda _: pod("p", "3", priority=10), pods=2000, existing=20_000,
        before=lambda _: pod("p", "900m", "500Mi"),
    ),
    "Daemonset": Case(
        1100,
        on_nodes(lambda i: {"matchFields": [{"key": "metadata.name", "operator": "In",
                                             "values": [f"n{i}"]}]}),
        nodes=15_000,
    ),
    "Gated": Case(910, lambda i: basic(schedulingGates=[{"name": "g"}] if i % 2 else [])),
}  # fmt: skip


def named(made: Object, name: str, where: str = "") -> Object:
    meta = {**made["metadata"], "name": name, "uid": name, "resourceVersion": "1", "generation": 1}
    spec = {**made["spec"], "nodeName": where} if where else made["spec"]
    return {**made, "metadata": meta, "spec": spec}


def prepared(case: Case) -> tuple[Fast, Sink]:
    fast, sink = Fast(case.services), Sink()
    for i in range(case.nodes):
        fast.feed(kinds.NODES, node(f"n{i}", "4", "32Gi", labels={ZONE: f"z{i % 10}"}))
    for i in range(case.existing):
        assert case.before is not None
        fast.feed(kinds.PODS, named(case.before(i), f"e{i}", f"n{i % case.nodes}"))
    fast.env.client = sink  # type: ignore[assignment]
    fast.scheduler.verdicts._client = sink  # type: ignore[assignment]
    fast.profile.recorder._client = sink  # type: ignore[assignment]
    preemption = fast.profile.plugins["DefaultPreemption"]
    assert isinstance(preemption, DefaultPreemption)
    preemption.client = sink  # type: ignore[assignment]
    preemption._recorders["default-scheduler"] = fast.profile.recorder
    return fast, sink


def work(fast: Fast, sink: Sink) -> None:
    """Until quiet; who is preempted goes at once."""
    informer = fast.env.informers[kinds.PODS]
    busy = True
    while busy:
        busy = fast.scheduler.process(fast.env.clock.now()) or bool(sink.deleted)
        gone, sink.deleted = sink.deleted, []
        for obj in gone:
            informer.apply(key_of(obj), None, 3)


def measure(case: Case) -> Iterator[float]:
    """CPU seconds to enqueue, to place, to see the bound pods."""
    fast, sink = prepared(case)
    waiting = [named(case.make(i), f"p{i}") for i in range(case.pods)]
    gc.collect()
    start = process_time()
    for obj in waiting:
        fast.feed(kinds.PODS, obj)
    yield process_time() - start
    start = process_time()
    work(fast, sink)
    yield process_time() - start
    arrived = [named(obj, obj["metadata"]["name"], where) for obj, where in sink.bound]
    start = process_time()
    for obj in arrived:
        fast.feed(kinds.PODS, obj)
    yield process_time() - start


def main(wanted: list[str]) -> None:
    print(f"{'case':40}{'pods/s':>9}{'5x':>7}   us a pod: in, place, arrived")
    for name in wanted or CASES:
        case = CASES[name]
        parts = list(measure(case))
        each = "".join(f"{1e6 * p / case.pods:8.1f}" for p in parts)
        print(f"{name:40}{case.pods / sum(parts):9.0f}{5 * case.threshold:7}{each}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
