"""The run loop: dirty keys, batches, failures, causes."""

from __future__ import annotations

import pytest

from cluster.apiserver.registry import Registry
from cluster.client import Client, Component, Controller, Env, Informers, kinds
from cluster.etcd.memory import MemoryStore
from cluster.machinery.clock import VirtualClock
from cluster.machinery.entropy import Entropy
from cluster.machinery.meta import Object


class Stamper(Controller):
    """Writes data.stamp into every ConfigMap, ten seconds after it has seen it."""

    name = "stamper"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.seen: dict[str, float] = {}
        self.stale: Object | None = None
        env.informers[kinds.CONFIG_MAPS].add_handler(lambda e: self.enqueue(e.key, e.revision))

    def reconcile(self, key: str) -> None:
        obj = self.informers.lister(kinds.CONFIG_MAPS).get(key)
        if obj is None or "stamp" in obj.get("data", {}):
            return
        due = self.seen.setdefault(key, self.clock.now() + 10)
        if self.clock.now() < due:
            self.queue.add_at(key, due)
            return
        base, self.stale = self.stale or obj, None
        self.client.update({**base, "data": {"stamp": "1"}}, base=base)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def registry(clock: VirtualClock) -> Registry:
    return Registry(MemoryStore(), clock, Entropy(1))


@pytest.fixture
def stamper(registry: Registry, clock: VirtualClock) -> Stamper:
    return Stamper(Env(Client(registry, "c"), Informers(registry), clock, Entropy(2)))


@pytest.fixture
def user(registry: Registry) -> Client:
    client = Client(registry, "user")
    client.do_create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "d"}})
    return client


def make(user: Client, name: str) -> Object:
    meta = {"name": name, "namespace": "d"}
    return user.do_create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta})


def test_run_returns_the_next_deadline_and_works_when_it_is_due(
    stamper: Stamper, user: Client, clock: VirtualClock
) -> None:
    component = Component("x", stamper.env, [stamper])
    make(user, "a")
    start = clock.now()
    assert component.run(start) == start + 10
    clock.advance_to(start + 10)
    assert component.run(clock.now()) is None
    assert user.get(kinds.CONFIG_MAPS, "d", "a")["data"] == {"stamp": "1"}


def test_a_conflicting_write_is_tried_again_after_its_back_off(
    stamper: Stamper, user: Client, clock: VirtualClock
) -> None:
    component = Component("x", stamper.env, [stamper])
    old = make(user, "a")
    component.run(clock.now())
    user.do_patch(kinds.CONFIG_MAPS, "d", "a", lambda o: {**o, "data": {"by": "user"}})
    stamper.stale = old
    clock.advance_to(clock.now() + 10)
    again = component.run(clock.now())
    assert user.get(kinds.CONFIG_MAPS, "d", "a")["data"] == {"by": "user"}
    assert again is not None and again > clock.now()
    clock.advance_to(again)
    component.run(clock.now())
    assert user.get(kinds.CONFIG_MAPS, "d", "a")["data"] == {"stamp": "1"}


def test_every_write_names_its_component_its_key_and_the_revision_that_caused_it(
    stamper: Stamper, user: Client, registry: Registry, clock: VirtualClock
) -> None:
    stamper.seen["d/a"] = 0
    created = make(user, "a")
    Component("x", stamper.env, [stamper]).run(clock.now())
    origin = registry.store.events(0)[-1].origin
    assert (origin.component, origin.reconcile) == ("stamper", "d/a")
    assert origin.cause == int(created["metadata"]["resourceVersion"])


def test_a_batch_of_many_writes_is_committed_whole(user: Client, registry: Registry) -> None:
    for index in range(450):
        meta = {"name": f"c{index}", "namespace": "d"}
        user.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta})
    user.flush()
    assert len(user.list(kinds.CONFIG_MAPS, "d")) == 450


def test_repeated_events_count_up(stamper: Stamper, user: Client, clock: VirtualClock) -> None:
    pod = make(user, "a")
    for _ in range(3):
        stamper.recorder.event(pod, "Warning", "BackOff", "again")
        clock.advance_to(clock.now() + 5)
    stamper.client.flush()
    (event,) = user.list(kinds.EVENTS, "d")
    assert event["count"] == 3
    assert event["firstTimestamp"] < event["lastTimestamp"]
    assert event["source"] == {"component": "stamper"}


class Stubborn(Controller):
    """Creates two ConfigMaps in a namespace that does not exist, for ever."""

    name = "stubborn"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.tries: list[float] = []

    def reconcile(self, key: str) -> None:
        self.tries.append(self.clock.now())
        for name in ("a", "b"):
            meta = {"name": name, "namespace": "nowhere"}
            self.client.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta})


def test_the_back_off_doubles_with_every_reconcile_whose_writes_fail(
    registry: Registry, clock: VirtualClock
) -> None:
    stubborn = Stubborn(Env(Client(registry, "c"), Informers(registry), clock, Entropy(2)))
    component = Component("x", stubborn.env, [stubborn])
    stubborn.enqueue("k")
    deadline = component.run(clock.now())
    for _ in range(3):
        assert deadline is not None
        clock.advance_to(deadline)
        deadline = component.run(clock.now())
    gaps = [round(b - a, 3) for a, b in zip(stubborn.tries, stubborn.tries[1:])]
    assert gaps == [0.005, 0.01, 0.02]
