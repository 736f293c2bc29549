"""Many clients at once, over gRPC and past it: compare-and-swap holds, watches miss nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
from grpc import aio

from cluster.etcd.api import Guard, Put, Txn
from cluster.etcd.grpc.protos import pb
from tests.etcd.grpc.conftest import Etcd

CLIENTS, ROUNDS = 6, 25
Message = Any


class Client:
    def __init__(self, etcd: Etcd) -> None:
        pki = etcd.pki
        credentials = grpc.ssl_channel_credentials(
            (pki / "ca.crt").read_bytes(),
            (pki / "healthcheck-client.key").read_bytes(),
            (pki / "healthcheck-client.crt").read_bytes(),
        )
        options = [("grpc.use_local_subchannel_pool", 1)]
        self.channel = aio.secure_channel(f"127.0.0.1:{etcd.port}", credentials, options)

    def call(self, name: str, request: Message, response: Any) -> Any:
        serialize = type(request).SerializeToString
        return self.channel.unary_unary(f"/etcdserverpb.KV/{name}", serialize, response.FromString)(
            request
        )

    async def get(self, key: bytes) -> Message:
        return await self.call("Range", pb.RangeRequest(key=key), pb.RangeResponse)

    async def swap(self, key: bytes, revision: int, value: bytes) -> Message:
        compare = pb.Compare(target=pb.Compare.MOD, key=key, mod_revision=revision)
        put = pb.RequestOp(request_put=pb.PutRequest(key=key, value=value))
        request = pb.TxnRequest(compare=[compare], success=[put])
        return await self.call("Txn", request, pb.TxnResponse)


async def count_up(client: Client, key: bytes) -> int:
    """ROUNDS successful increments; returns how many attempts that took."""
    attempts = done = 0
    while done < ROUNDS:
        found = await client.get(key)
        value = int(found.kvs[0].value) if found.kvs else 0
        revision = found.kvs[0].mod_revision if found.kvs else 0
        assert found.header.revision >= revision
        attempts += 1
        done += (await client.swap(key, revision, b"%d" % (value + 1))).succeeded
    return attempts


def past_grpc(etcd: Etcd, key: bytes) -> None:
    """As the API server does it."""
    done = 0
    while done < ROUNDS:
        kv = etcd.store.get(key)
        value, revision = (int(kv.value), kv.mod_revision) if kv is not None else (0, 0)
        put = Put(key, b"%d" % (value + 1))
        done += etcd.store.commit([Txn((Guard(key, revision),), (put,))])[0].ok


async def watched(client: Client, key: bytes, start: int, until: int) -> list[Message]:
    stream = client.channel.stream_stream(
        "/etcdserverpb.Watch/Watch",
        pb.WatchRequest.SerializeToString,
        pb.WatchResponse.FromString,
    )()
    create = pb.WatchCreateRequest(key=key, start_revision=start, prev_kv=True)
    await stream.write(pb.WatchRequest(create_request=create))
    found: list[Message] = []
    while len(found) < until:
        found += (await stream.read()).events
    stream.cancel()
    return found


async def test_no_increment_is_lost_and_every_watcher_sees_each_once(etcd: Etcd) -> None:
    clients = [Client(etcd) for _ in range(CLIENTS)]
    total = (CLIENTS + 1) * ROUNDS
    first = etcd.store.revision() + 1
    watching = [asyncio.create_task(watched(c, b"n", first, total)) for c in clients[:2]]
    counting = [count_up(client, b"n") for client in clients]
    past = asyncio.to_thread(past_grpc, etcd, b"n")
    await asyncio.wait_for(asyncio.gather(past, *counting), 60)
    late = asyncio.create_task(watched(clients[2], b"n", first, total))
    histories = await asyncio.wait_for(asyncio.gather(*watching, late), 20)
    for history in histories:
        assert [int(e.kv.value) for e in history] == list(range(1, total + 1))
        revisions = [e.kv.mod_revision for e in history]
        assert revisions == list(range(first, first + total))
        assert [e.prev_kv.mod_revision for e in history[1:]] == revisions[:-1]
    for client in clients:
        await client.channel.close()


async def test_a_watch_in_the_middle_of_it_joins_without_a_gap(etcd: Etcd) -> None:
    clients = [Client(etcd) for _ in range(4)]
    first = etcd.store.revision() + 1
    writing = asyncio.gather(*(count_up(client, b"n") for client in clients))
    joined = []
    for _ in range(5):
        await asyncio.sleep(0.03)
        joined.append(asyncio.create_task(watched(clients[0], b"n", first, 4 * ROUNDS)))
    await asyncio.wait_for(writing, 60)
    for history in await asyncio.wait_for(asyncio.gather(*joined), 20):
        assert [int(e.kv.value) for e in history] == list(range(1, 4 * ROUNDS + 1))
    for client in clients:
        await client.channel.close()
