"""A component in its worker: it drains all there is, survives takeovers, and starts over."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cluster.apiserver.registry import Registry
from cluster.client import Client, Component, Controller, Env, Informers, kinds
from cluster.etcd.api import Fence, Hint
from cluster.etcd.memory import MemoryStore
from cluster.machinery.clock import VirtualClock
from cluster.machinery.entropy import Entropy
from cluster.machinery.meta import Object, labels_of
from tests.workers.conftest import Board
from workers.host import Host

TOY = "toy"


class Labeller(Controller):
    """Labels every ConfigMap; wants to look again ten seconds later."""

    name = TOY
    hook: Callable[[], None] | None = None

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.maps = env.informers[kinds.CONFIG_MAPS]
        self.maps.add_handler(lambda event: self.enqueue(event.key))

    def reconcile(self, key: str) -> None:
        if self.hook is not None:
            self.hook()
        found = self.maps.lister.get(key)
        if found is None or labels_of(found).get("seen"):
            return
        metadata = {**found["metadata"], "labels": {"seen": "yes"}}
        self.client.update({**found, "metadata": metadata}, base=found)
        self.queue.add_at(key, self.clock.now() + 10)


class World:
    """A store whose hints go to the board, as in the live mode."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.store = MemoryStore(hints=lambda hint: self.hear(hint))
        self.clock = VirtualClock()
        self.registry = Registry(self.store, self.clock, Entropy(1))
        self.user = Client(self.registry, "somebody")
        self.user.do_create(thing("Namespace", "default"))
        self.built: list[Component] = []

    def hear(self, hint: Hint) -> None:
        self.board.announce(hint)

    def build(self) -> Component:
        fence: Fence = self.store.acquire_fence(TOY)
        registry = Registry(self.store, self.clock, Entropy(2), fence)
        env = Env(Client(registry, TOY), Informers(registry), self.clock, Entropy(3))
        self.built.append(Component(TOY, env, [Labeller(env)]))
        return self.built[-1]

    def host(self) -> Host:
        return Host(TOY, self.build, self.board)

    def add(self, name: str) -> None:
        self.user.do_create(thing("ConfigMap", name, "default"))

    def unseen(self) -> list[str]:
        found = self.user.list(kinds.CONFIG_MAPS)
        return [o["metadata"]["name"] for o in found if not labels_of(o).get("seen")]


def thing(kind: str, name: str, namespace: str = "") -> Object:
    metadata = {"name": name, "namespace": namespace} if namespace else {"name": name}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata}


@pytest.fixture
def world(board: Board) -> World:
    return World(board)


def test_the_first_task_works_off_what_was_there_before(world: World) -> None:
    world.add("old")
    world.host().drain()
    assert world.unseen() == []
    assert world.board.mark(TOY) == 0


def test_a_change_sends_a_task_which_drains_it(world: World) -> None:
    host = world.host()
    host.drain()
    world.board.sent.clear()
    world.add("new")
    assert world.board.sent == [TOY]
    host.drain()
    assert world.unseen() == []
    assert len(world.built) == 1  # informers are kept


def test_the_next_deadline_is_left_with_the_timekeeper(world: World) -> None:
    world.add("one")
    world.host().drain()
    assert world.board.next_deadline() == world.clock.now() + 10


def test_a_late_message_finds_nothing_to_do(world: World) -> None:
    host = world.host()
    host.drain()
    world.built[0].parts.clear()  # would be noticed if it ran
    before = world.store.revision()
    host.drain()
    assert world.store.revision() == before


def test_a_change_in_the_middle_of_a_drain_is_drained_too(world: World) -> None:
    host = world.host()
    host.drain()
    late = iter(["late"])

    def meanwhile() -> None:
        for name in late:
            world.add(name)

    Labeller.hook = staticmethod(meanwhile)
    try:
        world.add("early")
        host.drain()
    finally:
        Labeller.hook = None
    assert world.unseen() == []
    assert world.board.mark(TOY) == 0


def test_a_twin_that_lost_its_token_writes_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = world.host(), world.host()
    first.drain()
    second.drain()
    world.add("contested")
    first.drain()
    assert world.unseen() == ["contested"]
    assert "runs elsewhere now" in caplog.text
    assert world.board.mark(TOY) > 0  # left for whoever is next
    second.drain()
    assert world.unseen() == []


def test_an_error_leaves_the_mark_and_a_new_component_tries_again(world: World) -> None:
    host = world.host()
    host.drain()

    def broken() -> None:
        raise ZeroDivisionError

    Labeller.hook = staticmethod(broken)
    try:
        world.add("poison")
        with pytest.raises(ZeroDivisionError):
            host.drain()
    finally:
        Labeller.hook = None
    assert world.board.mark(TOY) > 0
    host.drain()
    assert world.unseen() == []
    assert len(world.built) == 2


def test_after_redis_was_restarted_it_enlists_again(world: World) -> None:
    host = world.host()
    host.drain()
    world.board.redis.flushall()
    world.board.wake(TOY)  # as the timekeeper does then
    host.drain()
    world.board.sent.clear()
    world.add("after")
    assert world.board.sent == [TOY]
