"""The same requests to ours and to a real etcd: the same answers, operation by operation."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from itertools import count
from typing import Any

import grpc
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cluster.etcd.grpc.errors import answering
from cluster.etcd.grpc.face import Face, Identity
from cluster.etcd.grpc.kv import KV
from cluster.etcd.grpc.lease import Lease
from cluster.etcd.grpc.protos import METHODS, pb
from cluster.etcd.memoryarchive import MemoryArchive
from cluster.machinery.clock import VirtualClock
from tests.etcd.grpc.conftest import real_etcd

Message = Any
Operation = tuple[str, Message]
RELATIVE = {
    "revision", "create_revision", "mod_revision", "min_mod_revision", "max_mod_revision",
    "min_create_revision", "max_create_revision", "compact_revision",
}  # fmt: skip
OURS_ONLY = {"cluster_id", "member_id", "raft_term"}
lease_ids = count(1000)
EXAMPLES = int(os.environ.get("ORRERY_EXAMPLES", "100"))


def shifted(message: Message, by: int) -> Message:
    """A copy whose revisions count from elsewhere; what names the member is left out."""
    out = type(message)()
    out.CopyFrom(message)
    _shift(out, by)
    return out


def _shift(message: Message, by: int) -> None:
    for field, value in message.ListFields():
        if field.name in OURS_ONLY:
            message.ClearField(field.name)
        elif field.name in RELATIVE and field.message_type is None:
            if value:
                setattr(message, field.name, value + by)
        elif field.message_type is not None:
            for one in value if field.is_repeated else [value]:
                _shift(one, by)


class Real:
    """A real member; each example starts with an empty one, as far as it can see."""

    def __init__(self, endpoint: str) -> None:
        self._channel = grpc.insecure_channel(endpoint.removeprefix("http://"))
        self._calls = {
            m.name: self._channel.unary_unary(
                f"/{m.service}/{m.name}",
                request_serializer=m.request.SerializeToString,
                response_deserializer=m.response.FromString,
            )
            for m in METHODS
            if not m.streams_in and not m.streams_out
        }
        self.offset = 0

    def start_over(self) -> None:
        self.call("Put", pb.PutRequest(key=b"fresh"))
        gone = self._calls["DeleteRange"](pb.DeleteRangeRequest(key=b"\x00", range_end=b"\x00"))
        self.offset = gone.header.revision - 1

    def call(self, name: str, request: Message) -> Message | tuple[str, str]:
        try:
            return shifted(self._calls[name](shifted(request, self.offset)), -self.offset)
        except grpc.RpcError as error:
            return error.code().name, error.details()


class Ours:
    def __init__(self) -> None:
        self._face = Face(MemoryArchive(), VirtualClock(), Identity(()))
        kv, lease = KV(self._face), Lease(self._face)
        self._handlers = {
            **{n: getattr(kv, n) for n in ("Range", "Put", "DeleteRange", "Txn", "Compact")},
            **{n: getattr(lease, n) for n in ("LeaseGrant", "LeaseRevoke", "LeaseTimeToLive")},
        }

    def call(self, name: str, request: Message) -> Message | tuple[str, str]:
        return asyncio.run(self._call(name, request))

    async def _call(self, name: str, request: Message) -> Message | tuple[str, str]:
        refused: list[tuple[str, str]] = []

        class Context:
            async def abort(self, code: grpc.StatusCode, text: str) -> None:
                refused.append((code.name, text))

        response = await answering(self._handlers[name])(request, Context())
        return refused[0] if refused else shifted(response, 0)

    def close(self) -> None:
        self._face.close()


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    with real_etcd(tmp_path_factory.mktemp("real") / "etcd") as endpoint:
        yield Real(endpoint)


KEY = st.sampled_from([b"a", b"ab", b"b", b"c", b"c\x00"])
END = st.sampled_from([b"", b"", b"c", b"d", b"\x00", b"a"])
VALUE = st.sampled_from([b"", b"1", b"2", b"33"])
REVISION = st.integers(0, 9)
FLAG = st.booleans()
RANGE = st.builds(
    pb.RangeRequest, key=KEY, range_end=END, limit=st.integers(0, 3),
    revision=st.one_of(st.just(0), REVISION), sort_order=st.integers(0, 2),
    sort_target=st.integers(0, 4), keys_only=FLAG, count_only=st.sampled_from([False, False, True]),
    min_mod_revision=st.one_of(st.just(0), REVISION),
    max_create_revision=st.one_of(st.just(0), REVISION),
)  # fmt: skip
PUT = st.builds(
    pb.PutRequest, key=st.one_of(KEY, KEY, KEY, st.just(b"")), value=VALUE, prev_kv=FLAG,
    ignore_value=st.sampled_from([False, False, False, True]), ignore_lease=st.just(False),
    lease=st.sampled_from([0, 0, 0, 7]),
)  # fmt: skip
DELETE = st.builds(pb.DeleteRangeRequest, key=KEY, range_end=END, prev_kv=FLAG)
COMPARE = st.one_of(
    st.builds(
        lambda n, **more: pb.Compare(target=pb.Compare.VERSION, version=n, **more),
        st.integers(0, 3), key=KEY, range_end=END, result=st.integers(0, 3),
    ),
    st.builds(
        lambda n, **more: pb.Compare(target=pb.Compare.MOD, mod_revision=n, **more),
        REVISION, key=KEY, range_end=END, result=st.integers(0, 3),
    ),
    st.builds(
        lambda n, **more: pb.Compare(target=pb.Compare.CREATE, create_revision=n, **more),
        REVISION, key=KEY, result=st.integers(0, 3),
    ),
    st.builds(
        lambda v, **more: pb.Compare(target=pb.Compare.VALUE, value=v, **more),
        VALUE, key=KEY, range_end=END, result=st.integers(0, 3),
    ),
)  # fmt: skip


def ops(inner: st.SearchStrategy[Message] | None = None) -> st.SearchStrategy[list[Message]]:
    kinds = [
        RANGE.map(lambda r: pb.RequestOp(request_range=r)),
        PUT.map(lambda r: pb.RequestOp(request_put=r)),
        PUT.map(lambda r: pb.RequestOp(request_put=r)),
        DELETE.map(lambda r: pb.RequestOp(request_delete_range=r)),
    ]
    if inner is not None:
        kinds.append(inner.map(lambda r: pb.RequestOp(request_txn=r)))
    return st.lists(st.one_of(kinds), max_size=3)


def txns(branch: st.SearchStrategy[list[Message]]) -> st.SearchStrategy[Message]:
    compares = st.lists(COMPARE, max_size=2)
    return st.builds(pb.TxnRequest, compare=compares, success=branch, failure=branch)


TXN = txns(ops(txns(ops())))
COMPACT = st.builds(pb.CompactionRequest, revision=st.integers(1, 9))
OPERATION = st.one_of(
    st.tuples(st.just("Range"), RANGE),
    st.tuples(st.just("Put"), PUT),
    st.tuples(st.just("Put"), PUT),
    st.tuples(st.just("DeleteRange"), DELETE),
    st.tuples(st.just("Txn"), TXN),
    st.tuples(st.just("Txn"), TXN),
    st.tuples(st.just("Compact"), COMPACT),
)


@settings(
    deadline=None, max_examples=EXAMPLES, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(st.lists(OPERATION, min_size=1, max_size=12))
def test_every_answer_is_etcds(real: Real, operations: list[Operation]) -> None:
    real.start_over()
    ours = Ours()
    everything = ("Range", pb.RangeRequest(key=b"\x00", range_end=b"\x00"))
    try:
        for name, request in [*operations, everything]:
            theirs, own = real.call(name, request), ours.call(name, request)
            assert own == theirs, f"{name} {request}"
    finally:
        ours.close()


def test_leases_answer_as_etcds_do(real: Real) -> None:
    real.start_over()
    ours = Ours()
    try:
        lease = next(lease_ids)
        requests: list[Operation] = [
            ("LeaseGrant", pb.LeaseGrantRequest(ID=lease, TTL=1000)),
            ("LeaseGrant", pb.LeaseGrantRequest(ID=lease, TTL=1000)),
            ("LeaseGrant", pb.LeaseGrantRequest(ID=lease + 1, TTL=10**10)),
            ("Put", pb.PutRequest(key=b"a", value=b"1", lease=lease)),
            ("Put", pb.PutRequest(key=b"a", value=b"2", ignore_lease=True)),
            ("Put", pb.PutRequest(key=b"b", value=b"2", lease=lease)),
            ("Put", pb.PutRequest(key=b"b", value=b"3")),
            ("LeaseRevoke", pb.LeaseRevokeRequest(ID=lease)),
            ("LeaseRevoke", pb.LeaseRevokeRequest(ID=lease)),
            ("LeaseTimeToLive", pb.LeaseTimeToLiveRequest(ID=lease)),
            ("Range", pb.RangeRequest(key=b"\x00", range_end=b"\x00")),
        ]
        for name, request in requests:
            assert ours.call(name, request) == real.call(name, request), f"{name} {request}"
    finally:
        ours.close()
