"""The websocket: snapshot, deltas, resume, credits, refusals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import AnonymousUser, User

from dashboard import consumers, door
from dashboard import hub as hubs
from dashboard.consumers import CREDITS, NO_CLUSTER, NOT_ALLOWED, StateConsumer
from dashboard.routing import SameOrigin
from tests.dashboard.toy import Toy

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
async def own_hub(toy: Toy) -> AsyncIterator[hubs.Hub]:
    """A hub of this test's event loop."""
    hubs._hub = made = hubs.Hub()
    yield made
    await made.stop()
    hubs._hub = None


@pytest.fixture
def user() -> User:
    return User.objects.create_superuser("admin", password="secret")


class Page:
    """A browser's end of the socket."""

    def __init__(self, user: Any) -> None:
        self.socket = WebsocketCommunicator(StateConsumer.as_asgi(), "/ws/state")
        self.socket.scope["user"] = user

    async def open(self, epoch: int = 0, revision: int = 0) -> dict[str, Any]:
        """Connect and resume; the first frame."""
        assert (await self.socket.connect())[0]
        await self.say("resume", epoch=epoch, revision=revision)
        return await self.frame()

    async def say(self, what: str, **more: Any) -> None:
        await self.socket.send_to(text_data=orjson.dumps({"type": what, **more}).decode())

    async def frame(self) -> dict[str, Any]:
        """The next message that is not a tick."""
        while True:
            message = orjson.loads(await self.socket.receive_from(timeout=5))
            if message["type"] != "tick":
                return message

    async def silent(self) -> bool:
        try:
            async with asyncio.timeout(0.4):
                await self.frame()
        except TimeoutError:
            return True
        return False


def rows(frame: dict[str, Any], table: str) -> set[str]:
    return {row[0] for row in frame["rows"].get(table, [])}


async def test_a_snapshot_then_what_changes(user: User, toy: Toy, own_hub: hubs.Hub) -> None:
    toy.pod("one")
    page = Page(user)
    first = await page.open()
    assert first["type"] == "snapshot"
    assert rows(first, "pods") == {"default/one"}
    toy.pod("two")
    own_hub.wake()
    second = await page.frame()
    assert second["type"] == "delta"
    assert rows(second, "pods") == {"default/two"}
    assert second["from"] == first["revision"]
    await page.socket.disconnect()


async def test_a_lost_hint_costs_a_second_not_the_change(user: User, toy: Toy) -> None:
    page = Page(user)
    await page.open()
    toy.pod("two")
    assert rows(await page.frame(), "pods") == {"default/two"}
    await page.socket.disconnect()


async def test_many_changes_at_once_come_as_one_frame(
    user: User, toy: Toy, own_hub: hubs.Hub
) -> None:
    page = Page(user)
    await page.open()
    for at in range(50):
        toy.pod(f"p{at}")
    own_hub.wake()
    assert len(rows(await page.frame(), "pods")) == 50
    await page.socket.disconnect()


async def test_after_a_lost_connection_it_continues_by_revision(user: User, toy: Toy) -> None:
    first = Page(user)
    snapshot = await first.open()
    await first.socket.disconnect()
    toy.pod("meanwhile")
    second = Page(user)
    frame = await second.open(snapshot["epoch"], snapshot["revision"])
    if not frame["rows"]:  # the state had not moved yet when the page came back
        frame = await second.frame()
    assert frame["type"] == "delta"
    assert rows(frame, "pods") == {"default/meanwhile"}
    await second.socket.disconnect()


async def test_a_page_that_does_not_acknowledge_gets_no_more(
    user: User, toy: Toy, own_hub: hubs.Hub
) -> None:
    page = Page(user)
    await page.open()
    for at in range(CREDITS - 1):
        toy.pod(f"p{at}")
        own_hub.wake()
        await page.frame()
    toy.pod("late")
    toy.pod("later")
    own_hub.wake()
    assert await page.silent()


async def test_an_acknowledgement_brings_all_that_was_missed(
    user: User, toy: Toy, own_hub: hubs.Hub
) -> None:
    page = Page(user)
    await page.open()
    for at in range(CREDITS - 1):
        toy.pod(f"p{at}")
        own_hub.wake()
        await page.frame()
    for at in range(5):
        toy.pod(f"late{at}")
    own_hub.wake()
    await asyncio.sleep(0.3)
    await page.say("ack", revision=1)
    assert len(rows(await page.frame(), "pods")) == 5
    await page.socket.disconnect()


async def test_strangers_are_turned_away() -> None:
    page = Page(AnonymousUser())
    await page.socket.connect()
    assert (await page.socket.receive_output())["code"] == NOT_ALLOWED


async def test_without_a_cluster_it_says_so(user: User) -> None:
    door.configure(None)
    page = Page(user)
    await page.socket.connect()
    assert (await page.socket.receive_output())["code"] == NO_CLUSTER


async def test_nonsense_closes_the_socket(user: User) -> None:
    page = Page(user)
    await page.socket.connect()
    await page.socket.send_to(text_data="{")
    assert (await page.socket.receive_output())["code"] == 1007


async def test_it_ticks_with_cluster_time(
    user: User, toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "TICK", 0.05)
    page = Page(user)
    await page.socket.connect()
    await page.say("resume", epoch=0, revision=0)
    ticks = []
    while len(ticks) < 3:
        message = orjson.loads(await page.socket.receive_from(timeout=5))
        if message["type"] == "tick":
            ticks.append(message)
    assert ticks[-1]["now"] == toy.clock.now()
    await page.socket.disconnect()


@pytest.mark.parametrize(
    ("origin", "host", "let_in"),
    [
        ("http://localhost:8000", "localhost:8000", True),
        ("http://evil.example", "localhost:8000", False),
        ("http://localhost:9000", "localhost:8000", False),
        ("", "localhost:8000", False),
    ],
)
async def test_only_pages_of_this_origin_may_open_it(origin: str, host: str, let_in: bool) -> None:
    reached: list[bool] = []
    closed: list[Any] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        reached.append(True)

    async def send(message: Any) -> None:
        closed.append(message)

    headers = [(b"origin", origin.encode()), (b"host", host.encode())]
    await SameOrigin(inner)({"type": "websocket", "headers": headers}, None, send)
    assert bool(reached) is let_in
    assert bool(closed) is not let_in
