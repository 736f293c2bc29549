"""The fast scheduler decides as the plain one does, whatever the cluster and however it came
to be: same feasible nodes, same reasons, same scores, same choice."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
from hypothesis import HealthCheck, given, settings

from cluster.apiserver.registry import Registry
from cluster.client import Client, Env, Informers, kinds
from cluster.etcd.memory import MemoryStore
from cluster.machinery.clock import VirtualClock
from cluster.machinery.entropy import Entropy
from cluster.machinery.meta import Object, key_of, name_of
from cluster.scheduler.config import load
from cluster.scheduler.framework import CycleState, Pending
from cluster.scheduler.plugins.default_preemption import DefaultPreemption
from cluster.scheduler.profile import Choice
from cluster.scheduler.scheduler import Scheduler
from cluster.scheduler.victims import Candidate
from tests.scheduler import reference
from tests.scheduler.harness import node, pod, taint

ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
APPS = st.sampled_from(["red", "blue"])
NAMESPACES = {"default": {"team": "a"}, "other": {"team": "b"}}


@st.composite
def nodes(draw: st.DrawFn, name: str) -> Object:
    labels = {}
    if draw(st.integers(0, 4)):
        labels[ZONE] = draw(st.sampled_from(["z1", "z2", "z3"]))
    if draw(st.booleans()):
        labels["disk"] = draw(st.sampled_from(["ssd", "7", "12"]))
    taints = draw(
        st.lists(
            st.builds(
                taint,
                st.sampled_from(["k", "l"]),
                st.sampled_from(["", "v"]),
                st.sampled_from(["NoSchedule", "NoExecute", "PreferNoSchedule"]),
            ),
            max_size=2,
        )
        if draw(st.integers(0, 2)) == 0
        else st.just([])
    )
    built = node(
        name,
        draw(st.sampled_from(["2", "4", "8", "0"])),
        draw(st.sampled_from(["4Gi", "16Gi", "3000M", "0"])),
        draw(st.sampled_from([2, 5, 110])),
        labels=labels,
        taints=taints,
        unschedulable=draw(st.integers(0, 9)) == 0,
        images={"big:1": 800 * 1024**2} if draw(st.booleans()) else None,
        more={"example.com/gpu": "2"} if draw(st.booleans()) else None,
    )
    if draw(st.integers(0, 9)) == 0:
        del built["metadata"]["labels"][HOST]
    return built


REQUIREMENT = st.sampled_from(
    [
        {"key": "disk", "operator": "In", "values": ["ssd", "7"]},
        {"key": "disk", "operator": "NotIn", "values": ["ssd"]},
        {"key": "disk", "operator": "Exists"},
        {"key": ZONE, "operator": "DoesNotExist"},
        {"key": "disk", "operator": "Gt", "values": ["9"]},
        {"key": "disk", "operator": "Lt", "values": ["9"]},
    ]
)
NODE_TERM = st.builds(lambda r: {"matchExpressions": r}, st.lists(REQUIREMENT, max_size=2))
FIELD = {"matchFields": [{"key": "metadata.name", "operator": "NotIn", "values": ["n1"]}]}
SELECTOR = st.sampled_from(
    [
        {"matchLabels": {"app": "red"}},
        {"matchLabels": {"app": "blue"}},
        {"matchExpressions": [{"key": "app", "operator": "Exists"}]},
        {},
    ]
)


@st.composite
def pod_term(draw: st.DrawFn) -> Object:
    out: Object = {
        "topologyKey": draw(st.sampled_from([ZONE, HOST])),
        "labelSelector": draw(SELECTOR),
    }
    where = draw(st.integers(0, 4))
    if where == 0:
        out["namespaces"] = ["other"]
    elif where == 1:
        out["namespaceSelector"] = {"matchLabels": {"team": draw(st.sampled_from(["a", "b"]))}}
    return out


@st.composite
def affinity(draw: st.DrawFn, rare: int = 3) -> Object:
    out: Object = {}
    if draw(st.integers(0, 2)) == 0:
        terms = draw(st.lists(NODE_TERM | st.just(FIELD), min_size=1, max_size=2))
        out["nodeAffinity"] = {reference.REQUIRED: {"nodeSelectorTerms": terms}}
    if draw(st.integers(0, 2)) == 0:
        preferred = st.builds(lambda w, t: {"weight": w, "preference": t}, WEIGHT, NODE_TERM)
        out.setdefault("nodeAffinity", {})[reference.PREFERRED] = draw(
            st.lists(preferred, max_size=2)
        )
    for kind in ("podAffinity", "podAntiAffinity"):
        part: Object = {}
        if draw(st.integers(0, rare)) == 0:
            part[reference.REQUIRED] = draw(st.lists(pod_term(), min_size=1, max_size=2))
        if draw(st.integers(0, 2)) == 0:
            weighted = st.builds(
                lambda w, t: {"weight": w, "podAffinityTerm": t}, WEIGHT, pod_term()
            )
            part[reference.PREFERRED] = draw(st.lists(weighted, max_size=2))
        if part:
            out[kind] = part
    return out


WEIGHT = st.integers(1, 100)
SPREAD = st.builds(
    lambda key, skew, action, selector, more: {
        "topologyKey": key,
        "maxSkew": skew,
        "whenUnsatisfiable": action,
        "labelSelector": selector,
        **more,
    },
    st.sampled_from([ZONE, HOST]),
    st.integers(1, 3),
    st.sampled_from(["DoNotSchedule", "ScheduleAnyway"]),
    SELECTOR,
    st.sampled_from(
        [
            {},
            {"nodeTaintsPolicy": "Honor"},
            {"nodeAffinityPolicy": "Ignore"},
            {"matchLabelKeys": ["app"]},
        ]
    ),
)
TOLERATION = st.sampled_from(
    [
        {"operator": "Exists"},
        {"key": "k", "operator": "Exists"},
        {"key": "l", "value": "v", "effect": "NoSchedule"},
        {"key": "k", "operator": "Equal", "value": "v"},
    ]
)


CPU: dict[str, list[str | None]] = {
    "all": [None, "0", "100m", "900m", "3", "9"],
    "full": ["900m", "2", "3"],
}


@st.composite
def pods(draw: st.DrawFn, name: str, focus: str) -> Object:
    """`focus` is what the pods are rich in, so that rare meetings of features come up."""
    spec: dict[str, Any] = {}
    if focus == "affinity" or (focus != "full" and draw(st.booleans())):
        spec["affinity"] = draw(affinity(1 if focus == "affinity" else 3))
    if focus == "spread" or (focus == "all" and draw(st.integers(0, 2)) == 0):
        spec["topologySpreadConstraints"] = [
            {"minDomains": 3, **c} if c["whenUnsatisfiable"] == "DoNotSchedule" and i else c
            for i, c in enumerate(draw(st.lists(SPREAD, min_size=1, max_size=2)))
        ]
    if draw(st.booleans()):
        spec["tolerations"] = draw(st.lists(TOLERATION, max_size=2))
    if focus == "all" and draw(st.integers(0, 5)) == 0:
        spec["nodeSelector"] = {"disk": "ssd"}
    if draw(st.integers(0, 5)) == 0:
        spec["overhead"] = {"cpu": "250m"}
    if draw(st.integers(0, 4)) == 0:
        sidecar = {"restartPolicy": "Always"} if draw(st.booleans()) else {}
        wants = {"requests": {"cpu": draw(st.sampled_from(["100m", "3"]))}}
        spec["initContainers"] = [{"name": "i", "image": "i", "resources": wants, **sidecar}]
    return pod(
        name,
        draw(st.sampled_from(CPU.get(focus, ["100m"]))),
        draw(st.sampled_from([None, "1Gi", "200M"])),
        namespace=draw(st.sampled_from(["default", "default", "other"])),
        labels={"app": draw(APPS)} if draw(st.integers(0, 4)) else {},
        image=draw(st.sampled_from(["big:1", "small"])),
        ports=[{"containerPort": 80, "hostPort": 80}] if draw(st.integers(0, 5)) == 0 else None,
        requests={"example.com/gpu": "1"} if draw(st.integers(0, 5)) == 0 else None,
        priority=draw(st.integers(0, 2)),
        **spec,
    )


class Fast:
    """The real scheduler, fed with objects directly."""

    def __init__(self, services: list[Object]) -> None:
        clock = VirtualClock()
        registry = Registry(MemoryStore(), clock, Entropy(0))
        self.env = Env(Client(registry, "s"), Informers(registry), clock, Entropy(0))
        self.scheduler = Scheduler(self.env, load(None))
        for name, labels in NAMESPACES.items():
            self.feed(kinds.NAMESPACES, {"metadata": {"name": name, "labels": labels}})
        for service in services:
            self.feed(kinds.SERVICES, service)
        self.profile = self.scheduler.profiles["default-scheduler"]

    def feed(self, resource: Any, obj: Object) -> None:
        self.env.informers[resource].apply(key_of(obj), obj, 1)

    def decide(self, candidate: Object) -> tuple[Choice, CycleState]:
        spec, pinned = self.scheduler.cache.specs.of(candidate)
        state = CycleState()
        return self.profile.attempt(state, Pending(candidate, spec, pinned)), state


def compare(fast: Fast, plain: reference.Cluster, candidate: Object) -> str:
    """Both decide; returns the chosen node."""
    expected = reference.decide(plain, candidate)
    choice, _ = fast.decide(candidate)
    names = fast.scheduler.cache.nodes.names
    if choice.diagnosis is not None:
        assert not expected.feasible
        counted: dict[str, int] = {}
        for reasons in expected.reasons.values():
            for reason in reasons:
                counted[reason] = counted.get(reason, 0) + 1
        assert choice.diagnosis.reasons == counted
        hopeless = {names[s] for s in np.flatnonzero(choice.diagnosis.unresolvable)}
        assert hopeless & set(expected.reasons) == expected.unresolvable
        compare_preemption(fast, plain, candidate, choice)
        return ""
    assert choice.totals is not None
    scored = {names[s]: int(t) for s, t in enumerate(choice.totals) if t >= 0}
    assert set(scored) == expected.feasible
    if len(scored) > 1:
        assert scored == expected.totals
        assert names[choice.slot] in expected.best
    return names[choice.slot]


def compare_preemption(
    fast: Fast, plain: reference.Cluster, candidate: Object, choice: Choice
) -> None:
    """Both look for victims: the same ones on the chosen node, and no node is cheaper."""
    spec, pinned = fast.scheduler.cache.specs.of(candidate)
    pending = Pending(candidate, spec, pinned)
    plugin = fast.profile.plugins["DefaultPreemption"]
    assert isinstance(plugin, DefaultPreemption) and choice.diagnosis is not None
    nodes = fast.scheduler.cache.nodes
    potential = np.flatnonzero(nodes.valid & ~choice.diagnosis.unresolvable)
    order = potential[::-1] if plain.pods else potential
    filters = fast.profile.questions(CycleState(), pending)
    expected = {v.node: v for v in reference.preempt(plain, candidate)}
    found = plugin.searcher.search(pending, order, len(order), filters, 0) if len(order) else []
    if not isinstance(found, Candidate):
        assert not expected
        return
    chosen = expected[nodes.names[found.slot]]
    assert sorted(r.key.split("/")[1] for r in found.victims) == chosen.pods
    assert chosen.cost == min(v.cost for v in expected.values())


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_the_fast_scheduler_decides_as_the_plain_one(data: st.DataObject) -> None:
    service = {
        "metadata": {"name": "red", "namespace": "default"},
        "spec": {"selector": {"app": "red"}},
    }
    services = [service] if data.draw(st.booleans()) else []
    fast = Fast(services)
    plain = reference.Cluster([], [], services, NAMESPACES)
    for index in range(data.draw(st.integers(2, 5))):
        add_node(fast, plain, data.draw(nodes(f"n{index}")))
    focus = data.draw(st.sampled_from(["all", "affinity", "spread", "full"]))
    templates = [data.draw(pods(f"t{i}", focus)) for i in range(3)]
    for step in range(data.draw(st.integers(4, 18))):
        template = templates[data.draw(st.integers(0, 2))]
        meta = {**template["metadata"], "name": f"p{step}", "uid": f"u{step}"}
        candidate = {**template, "metadata": meta}
        chosen = compare(fast, plain, candidate)
        if chosen:
            bind(fast, plain, candidate, chosen)
        disturb(fast, plain, data)


def add_node(fast: Fast, plain: reference.Cluster, built: Object) -> None:
    plain.nodes[:] = [n for n in plain.nodes if name_of(n) != name_of(built)]
    plain.nodes.append(built)
    plain.nodes.sort(key=name_of)
    fast.feed(kinds.NODES, built)


def bind(fast: Fast, plain: reference.Cluster, candidate: Object, where: str) -> None:
    bound = {**candidate, "spec": {**candidate["spec"], "nodeName": where}}
    plain.pods.append(bound)
    fast.feed(kinds.PODS, bound)


def disturb(fast: Fast, plain: reference.Cluster, data: st.DataObject) -> None:
    """Something else happens to the cluster."""
    what = data.draw(st.integers(0, 9))
    if what == 0 and plain.pods:
        gone = plain.pods.pop(data.draw(st.integers(0, len(plain.pods) - 1)))
        fast.env.informers[kinds.PODS].apply(key_of(gone), None, 1)
    elif what == 1 and plain.nodes:
        index = data.draw(st.integers(0, len(plain.nodes) - 1))
        add_node(fast, plain, data.draw(nodes(name_of(plain.nodes[index]))))
    elif what == 2 and len(plain.nodes) > 1:
        gone = plain.nodes.pop(data.draw(st.integers(0, len(plain.nodes) - 1)))
        fast.env.informers[kinds.NODES].apply(key_of(gone), None, 1)
    elif what == 3 and plain.pods:
        index = data.draw(st.integers(0, len(plain.pods) - 1))
        old = plain.pods[index]
        meta = {**old["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}
        plain.pods[index] = {**old, "metadata": meta}
        fast.feed(kinds.PODS, plain.pods[index])
    elif what == 4:
        add_node(fast, plain, data.draw(nodes(f"n{len(plain.nodes) + 5}")))
