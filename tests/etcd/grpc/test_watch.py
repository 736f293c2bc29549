"""The watch protocol, spoken to ours and to a real etcd: the same conversation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import grpc
import pytest
from grpc import aio

from cluster.etcd.grpc.protos import health, pb
from tests.etcd.grpc.conftest import Etcd, real_etcd

Message = Any
PUT_ONLY, DELETE_ONLY = [1], [0]  # filters name what is left out: NOPUT is 0, NODELETE 1


class Peer:
    """A channel, and one watch stream on it."""

    def __init__(self, channel: aio.Channel) -> None:
        self.channel = channel
        self.stream = channel.stream_stream(
            "/etcdserverpb.Watch/Watch",
            pb.WatchRequest.SerializeToString,
            pb.WatchResponse.FromString,
        )()

    async def kv(self, name: str, request: Message, response: Any) -> Message:
        return await self.channel.unary_unary(
            f"/etcdserverpb.KV/{name}", type(request).SerializeToString, response.FromString
        )(request)

    async def put(self, key: bytes, value: bytes) -> int:
        answer = await self.kv("Put", pb.PutRequest(key=key, value=value), pb.PutResponse)
        return int(answer.header.revision)

    async def delete(self, key: bytes) -> None:
        await self.kv("DeleteRange", pb.DeleteRangeRequest(key=key), pb.DeleteRangeResponse)

    async def compact(self, revision: int) -> None:
        request = pb.CompactionRequest(revision=revision)
        await self.kv("Compact", request, pb.CompactionResponse)

    async def create(self, **more: Any) -> Message:
        request = pb.WatchRequest(create_request=pb.WatchCreateRequest(**more))
        await self.stream.write(request)
        return await self.stream.read()

    async def events(self, count: int) -> list[Message]:
        found: list[Message] = []
        while len(found) < count:
            found += (await self.stream.read()).events
        return found


def said(response: Message) -> tuple[Any, ...]:
    return (
        response.watch_id, response.created, response.canceled, bool(response.compact_revision),
        response.cancel_reason,
    )  # fmt: skip


def told(events: list[Message]) -> list[tuple[Any, ...]]:
    return [(e.type, e.kv.key, e.kv.value, e.kv.version, e.prev_kv.value) for e in events]


Talk = Callable[[Peer], Awaitable[list[Any]]]


async def ids_and_ends(peer: Peer) -> list[Any]:
    out = [said(await peer.create(key=b"a")), said(await peer.create(key=b"a"))]
    out.append(said(await peer.create(key=b"b", watch_id=7)))
    out.append(said(await peer.create(key=b"c", watch_id=7)))
    out.append(said(await peer.create(key=b"d", range_end=b"c")))
    out.append(said(await peer.create(key=b"", range_end=b"\x00")))
    await peer.stream.write(pb.WatchRequest(cancel_request=pb.WatchCancelRequest(watch_id=1)))
    out.append(said(await peer.stream.read()))
    await peer.stream.write(pb.WatchRequest(cancel_request=pb.WatchCancelRequest(watch_id=99)))
    await peer.put(b"b", b"1")
    first, second = await peer.stream.read(), await peer.stream.read()
    out.append(
        sorted([(first.watch_id, told(first.events)), (second.watch_id, told(second.events))])
    )
    return out


async def filters_and_previous(peer: Peer) -> list[Any]:
    out: list[Any] = []
    await peer.put(b"k", b"0")
    for more in ({"filters": PUT_ONLY}, {"filters": DELETE_ONLY}, {"prev_kv": True}, {}):
        start = await peer.put(b"k", b"1")
        await peer.delete(b"k")
        await peer.put(b"k", b"2")
        await peer.delete(b"k")
        created = await peer.create(key=b"k", start_revision=start, **more)
        events = await peer.events(2 if "filters" in more else 4)
        out += [said(created)[1:], told(events)]
    return out


async def the_compacted_past(peer: Peer) -> list[Any]:
    first = await peer.put(b"z", b"1")
    await peer.put(b"z", b"2")
    third = await peer.put(b"z", b"3")
    await peer.compact(third)
    out = [said(await peer.create(key=b"z", start_revision=first))]
    out.append(said(await peer.stream.read()))
    created = await peer.create(key=b"z", start_revision=third)
    out += [said(created), told(await peer.events(1))]
    return out


async def progress(peer: Peer) -> list[Any]:
    await peer.create(key=b"p")
    revision = await peer.put(b"p", b"1")
    events = told(await peer.events(1))
    await peer.stream.write(pb.WatchRequest(progress_request=pb.WatchProgressRequest()))
    answer = await peer.stream.read()
    return [events, len(answer.events), answer.watch_id, answer.header.revision - revision]


async def fragments(peer: Peer) -> list[Any]:
    """Three large values in one transaction do not fit into one response."""
    start = await peer.put(b"f", b"")
    for number in range(4):
        await peer.put(b"f%d" % number, b"x" * 700_000)
    await peer.create(key=b"f", range_end=b"g", start_revision=start + 1, fragment=True)
    parts = [await peer.stream.read()]
    while parts[-1].fragment:
        parts.append(await peer.stream.read())
    return [[e.kv.key for part in parts for e in part.events], len(parts) > 1]


TALKS = [ids_and_ends, filters_and_previous, the_compacted_past, progress, fragments]


@pytest.fixture(scope="module")
def member(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with real_etcd(tmp_path_factory.mktemp("real") / "etcd") as endpoint:
        yield endpoint.removeprefix("http://")


def secure(etcd: Etcd) -> aio.Channel:
    credentials = grpc.ssl_channel_credentials(
        (etcd.pki / "ca.crt").read_bytes(),
        (etcd.pki / "healthcheck-client.key").read_bytes(),
        (etcd.pki / "healthcheck-client.crt").read_bytes(),
    )
    options = [("grpc.max_receive_message_length", -1)]
    return aio.secure_channel(f"127.0.0.1:{etcd.port}", credentials, options)


@pytest.mark.parametrize("talk", TALKS, ids=lambda talk: talk.__name__)
async def test_a_watch_stream_goes_as_with_etcd(etcd: Etcd, member: str, talk: Talk) -> None:
    options = [("grpc.max_receive_message_length", -1)]
    async with aio.insecure_channel(member, options) as theirs, secure(etcd) as own:
        ours = await talk(Peer(own))
        assert ours == await talk(Peer(theirs))


async def test_a_quiet_watcher_is_told_where_it_is(etcd: Etcd) -> None:
    assert etcd.server is not None
    etcd.server.watch._progress = 0.05
    async with secure(etcd) as channel:
        peer = Peer(channel)
        await peer.create(key=b"quiet", progress_notify=True)
        revision = await peer.put(b"other", b"1")
        for _ in range(3):
            answer = await peer.stream.read()
            assert not answer.events
        assert answer.header.revision == revision


async def test_health_is_served(etcd: Etcd) -> None:
    async with secure(etcd) as channel:
        answer = await channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            health.HealthCheckRequest.SerializeToString,
            health.HealthCheckResponse.FromString,
        )(health.HealthCheckRequest())
        assert answer.status == health.HealthCheckResponse.SERVING
        status = await channel.unary_unary(
            "/etcdserverpb.Auth/AuthStatus",
            pb.AuthStatusRequest.SerializeToString,
            pb.AuthStatusResponse.FromString,
        )(pb.AuthStatusRequest())
        assert not status.enabled
