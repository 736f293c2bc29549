"""A page that lived through every change shows what a fresh page shows."""

from __future__ import annotations

import random
from typing import Any

import orjson
import pytest

from cluster.client import Informers, Options, kinds
from cluster.machinery.errors import StatusError
from dashboard.projection.projector import Projector
from dashboard.state import GONE_KEPT, State
from tests.dashboard.toy import Toy, endpoint

Tables = dict[str, dict[str, list[Any]]]


class Page:
    """What the browser does with frames (store.js)."""

    def __init__(self) -> None:
        self.epoch = self.revision = 0
        self.tables: Tables = {}

    def take(self, frame: bytes) -> None:
        message = orjson.loads(frame)
        if message["type"] == "snapshot":
            self.epoch, self.tables = message["epoch"], {}
        else:
            assert message["from"] == self.revision
        for table, rows in message["rows"].items():
            self.tables.setdefault(table, {}).update({row[0]: row[1:] for row in rows})
        for table, keys in message.get("gone", {}).items():
            for key in keys:
                self.tables.get(table, {}).pop(key, None)
        self.revision = message["revision"]

    def shown(self) -> Tables:
        return {name: rows for name, rows in self.tables.items() if rows}


def follower(toy: Toy) -> tuple[Projector, State]:
    return Projector(Informers(toy.registry), lambda: toy.registry.store.epoch), State()


def fresh(toy: Toy) -> Tables:
    projector, state = follower(toy)
    state.apply(projector.advance())
    page = Page()
    page.take(state.frame(0, 0))
    return page.shown()


class Chaos:
    """Random operations of all kinds on a toy cluster."""

    def __init__(self, toy: Toy, seed: int) -> None:
        self.toy, self.random = toy, random.Random(seed)
        self.nodes = ["n1", "n2", "n3"]
        for at, name in enumerate(self.nodes):
            toy.node(name, f"192.168.49.{at + 2}")
        self.deployment = toy.deployment("web", 3)
        self.set = toy.replica_set(self.deployment)
        self.made = 0
        toy.service("web", {"app": "web"})

    def step(self) -> None:
        actions = [
            self.create, self.create, self.create, self.remove, self.bind, self.event, self.fail,
            self.lose, self.slice, self.cordon, self.repair, self.status, self.orphan,
        ]  # fmt: skip
        try:
            self.random.choice(actions)()
        except StatusError as error:
            assert error.code in (404, 409), error

    def pods(self) -> list[Any]:
        return self.toy.admin.list(kinds.PODS, "default")

    def create(self) -> None:
        self.made += 1
        node = self.random.choice(["", *self.nodes])
        owner = self.random.choice([None, self.set])
        self.toy.pod(f"p{self.made}", node, owner=owner, cpu="100m")

    def remove(self) -> None:
        if pods := self.pods():
            pod = self.random.choice(pods)
            self.toy.admin.do_delete(
                kinds.PODS, "default", pod["metadata"]["name"], Options(grace=0)
            )

    def bind(self) -> None:
        waiting = [p for p in self.pods() if not p["spec"].get("nodeName")]
        if waiting:
            self.toy.admin.bind(self.random.choice(waiting), self.random.choice(self.nodes))
            self.toy.admin.flush()

    def status(self) -> None:
        if pods := self.pods():
            self.toy.running(self.random.choice(pods), ready=self.random.random() < 0.7)

    def event(self) -> None:
        if pods := self.pods():
            self.toy.event(self.random.choice(pods), "Pulled", f"message {self.made}")

    def fail(self) -> None:
        self.toy.silence(self.random.choice(self.nodes))

    def lose(self) -> None:
        self.toy.lose(self.random.choice(self.nodes))

    def repair(self) -> None:
        name = self.random.choice(self.nodes)

        def clean(node: Any) -> Any:
            spec = {k: v for k, v in node["spec"].items() if k != "taints"}
            return {**node, "spec": spec}

        self.toy.admin.do_patch(kinds.NODES, "", name, clean)
        node = self.toy.admin.get(kinds.NODES, "", name)
        self.toy.status(node, conditions=self.toy.node_conditions("True"))

    def cordon(self) -> None:
        flag = self.random.random() < 0.5

        def change(node: Any) -> Any:
            return {**node, "spec": {**node["spec"], "unschedulable": flag}}

        self.toy.admin.do_patch(kinds.NODES, "", self.random.choice(self.nodes), change)

    def slice(self) -> None:
        chosen = [endpoint(p) for p in self.pods() if self.random.random() < 0.5]

        def change(each: Any) -> Any:
            return {**each, "endpoints": chosen}

        self.toy.admin.do_patch(kinds.ENDPOINT_SLICES, "default", "web-x2k4p", change)

    def orphan(self) -> None:
        """The ReplicaSet between pods and Deployment goes and comes back."""
        self.toy.admin.do_delete(kinds.REPLICA_SETS, "default", self.set["metadata"]["name"])
        self.set = self.toy.replica_set(self.deployment)


@pytest.mark.parametrize("seed", range(6))
def test_after_any_changes_deltas_equal_a_fresh_snapshot(toy: Toy, seed: int) -> None:
    chaos = Chaos(toy, seed)
    projector, state = follower(toy)
    state.apply(projector.advance())
    quick, slow = Page(), Page()
    for page in (quick, slow):
        page.take(state.frame(0, 0))
    for _ in range(60):
        for _ in range(chaos.random.randrange(1, 8)):
            chaos.step()
        state.apply(projector.advance())
        quick.take(state.frame(quick.epoch, quick.revision))
        if chaos.random.random() < 0.15:
            slow.take(state.frame(slow.epoch, slow.revision))
    slow.take(state.frame(slow.epoch, slow.revision))
    assert quick.shown() == slow.shown() == fresh(toy)


def test_only_the_newest_events_are_shown_even_when_some_are_deleted(toy: Toy) -> None:
    node = toy.node("n1", "192.168.49.2")
    projector, state = follower(toy)
    for at in range(230):
        toy.event(node, "Tick", f"number {at}")
    state.apply(projector.advance())
    for event in toy.admin.list(kinds.EVENTS)[100:160]:
        meta = event["metadata"]
        toy.admin.do_delete(kinds.EVENTS, meta["namespace"], meta["name"])
    state.apply(projector.advance())
    page = Page()
    page.take(state.frame(0, 0))
    assert page.shown() == fresh(toy)
    assert len(page.tables["events"]) == 170


def test_a_page_that_is_up_to_date_gets_an_empty_delta(toy: Toy) -> None:
    projector, state = follower(toy)
    state.apply(projector.advance())
    message = orjson.loads(state.frame(state.epoch, state.revision))
    assert message["type"] == "delta"
    assert message["rows"] == message["gone"] == {}


def test_a_page_from_before_a_restart_or_a_restore_gets_a_snapshot(toy: Toy) -> None:
    projector, state = follower(toy)
    state.apply(projector.advance())
    state.floor = state.revision
    for epoch, revision in ((state.epoch, state.revision - 1), (state.epoch + 1, state.revision)):
        assert orjson.loads(state.frame(epoch, revision))["type"] == "snapshot"


def test_one_encoding_serves_all_pages_at_the_same_revision(toy: Toy) -> None:
    projector, state = follower(toy)
    state.apply(projector.advance())
    before = state.revision
    toy.pod("web")
    state.apply(projector.advance())
    assert state.frame(state.epoch, before) is state.frame(state.epoch, before)


def test_what_was_removed_is_not_remembered_for_ever(toy: Toy) -> None:
    _, state = follower(toy)
    state.revision = 10
    for at in range(GONE_KEPT + 5):
        state._set(("pods", str(at)), None)
    state._forget()
    assert len(state._gone) == GONE_KEPT
    assert state.floor == 10
