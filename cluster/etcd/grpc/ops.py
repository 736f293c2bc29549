"""What KV requests mean: evaluated on a view of the store, changes collected as one transaction.

No gRPC here. Models server/etcdserver/txn and server/storage/mvcc.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from cluster.etcd.api import (
    CompactedError,
    Delete,
    FutureRevisionError,
    KeyValue,
    LeaseNotFoundError,
    Origin,
    Put,
    Store,
    Txn,
)
from cluster.etcd.grpc import errors
from cluster.etcd.grpc.protos import mvccpb, pb

# Behind every key there can be: requests are limited to 1.5 MiB, keys of 0xff bytes to good taste.
INFINITY = b"\xff" * 256
Message = Any


def bounds(key: bytes, range_end: bytes) -> tuple[bytes, bytes]:
    """[start, end) as the store takes it."""
    if not range_end:
        return key, key + b"\x00"
    return key, INFINITY if range_end == b"\x00" else range_end


def message(kv: KeyValue, keys_only: bool = False) -> Message:
    return mvccpb.KeyValue(
        key=kv.key,
        value=b"" if keys_only else kv.value,
        create_revision=kv.create_revision,
        mod_revision=kv.mod_revision,
        version=kv.version,
        lease=kv.lease,
    )


class View:
    """The store at one moment, with what the transaction at hand has changed itself."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.base = store.revision()
        self._changed: dict[bytes, KeyValue | None] = {}
        self.ops: list[Put | Delete] = []

    @property
    def revision(self) -> int:
        """What a header says: the new revision as soon as there is a change."""
        return self.base + 1 if self.ops else self.base

    def get(self, key: bytes) -> KeyValue | None:
        return self._changed[key] if key in self._changed else self._store.get(key)

    def range(self, start: bytes, end: bytes) -> list[KeyValue]:
        if start >= end:
            return []
        if end == start + b"\x00":
            found = self.get(start)
            return [found] if found is not None else []
        kvs = self._store.range(start, end).kvs
        own = {k: kv for k, kv in self._changed.items() if start <= k < end}
        if not own:
            return kvs
        merged = {**{kv.key: kv for kv in kvs}, **own}
        return [kv for _, kv in sorted(merged.items()) if kv is not None]

    def put(self, key: bytes, value: bytes, lease: int) -> KeyValue | None:
        """Returns what was there."""
        old = self.get(key)
        revision = self.base + 1
        created, version = (old.create_revision, old.version + 1) if old else (revision, 1)
        self._changed[key] = KeyValue(key, value, created, revision, version, lease)
        self.ops.append(Put(key, value, lease))
        return old

    def delete(self, start: bytes, end: bytes) -> list[KeyValue]:
        gone = self.range(start, end)
        for kv in gone:
            self._changed[kv.key] = None
            self.ops.append(Delete(kv.key))
        return gone


# ---- reading


def get_range(store: Store, request: Message, view: View | None = None) -> Message:
    """Outside a transaction without `view`. Models applyRange."""
    start, end = bounds(request.key, request.range_end)
    kvs, count, revision = _fetch(store, request, view, start, end)
    kvs = [kv for kv in kvs if _wanted(kv, request)]
    _sort(kvs, request)
    more = 0 < request.limit < len(kvs)
    if more:
        kvs = kvs[: request.limit]
    return pb.RangeResponse(
        header=pb.ResponseHeader(revision=revision),
        kvs=[] if request.count_only else [message(kv, request.keys_only) for kv in kvs],
        more=more,
        count=count,
    )


def is_of_one_key(r: Message) -> bool:
    """With no more conditions than that."""
    return not (r.range_end or r.revision or r.count_only or _needs_all(r))


def get_one(store: Store, request: Message) -> Message | None:
    """Two statements without a transaction: a value newer than the revision read before is that of
    its own revision. None: there is no such key, at a revision we do not know."""
    revision = store.revision()
    kv = store.get(request.key)
    if kv is None:
        return None
    header = pb.ResponseHeader(revision=max(revision, kv.mod_revision))
    return pb.RangeResponse(header=header, kvs=[message(kv, request.keys_only)], count=1)


def _fetch(
    store: Store, request: Message, view: View | None, start: bytes, end: bytes
) -> tuple[list[KeyValue], int, int]:
    """(keys and values, how many there are, the newest revision)."""
    if view is not None and not request.revision:
        found = view.range(start, end)
        return found, len(found), view.revision
    end = max(start, end)  # an empty range has its revision checked, too
    limit = 1 if request.count_only else 0
    if request.limit and not _needs_all(request):
        limit = request.limit + 1
    result = store.range(start, end, limit=limit, revision=request.revision)
    revision = result.revision
    if view is not None:
        revision = view.revision
    elif request.revision:
        revision = store.revision()
    return result.kvs, result.count, revision


def _needs_all(request: Message) -> bool:
    return bool(
        request.sort_order
        or request.sort_target
        or request.min_mod_revision
        or request.max_mod_revision
        or request.min_create_revision
        or request.max_create_revision
    )


def _wanted(kv: KeyValue, r: Message) -> bool:
    return not (
        (r.max_mod_revision and kv.mod_revision > r.max_mod_revision)
        or (r.min_mod_revision and kv.mod_revision < r.min_mod_revision)
        or (r.max_create_revision and kv.create_revision > r.max_create_revision)
        or (r.min_create_revision and kv.create_revision < r.min_create_revision)
    )


SORT_KEYS: dict[int, Callable[[KeyValue], Any]] = {
    pb.RangeRequest.KEY: lambda kv: kv.key,
    pb.RangeRequest.VERSION: lambda kv: kv.version,
    pb.RangeRequest.CREATE: lambda kv: kv.create_revision,
    pb.RangeRequest.MOD: lambda kv: kv.mod_revision,
    pb.RangeRequest.VALUE: lambda kv: kv.value,
}


def _sort(kvs: list[KeyValue], request: Message) -> None:
    descending = request.sort_order == pb.RangeRequest.DESCEND
    if request.sort_target != pb.RangeRequest.KEY or descending:
        kvs.sort(key=SORT_KEYS[request.sort_target], reverse=descending)


# ---- writing


def put_alone(store: Store, view: View, request: Message) -> Message:
    """Outside a transaction etcd asks for the lease first."""
    _check_lease(store, request)
    return put(view, request)


def _check_lease(store: Store, request: Message) -> None:
    if request.lease and store.lease(request.lease) is None:
        raise LeaseNotFoundError


def put(view: View, request: Message) -> Message:
    value, lease = request.value, request.lease
    if request.ignore_value or request.ignore_lease:
        old = view.get(request.key)
        if old is None:
            raise errors.KEY_NOT_FOUND
        value = old.value if request.ignore_value else value
        lease = old.lease if request.ignore_lease else lease
    before = view.put(request.key, value, lease)
    response = pb.PutResponse(header=pb.ResponseHeader(revision=view.revision))
    if request.prev_kv and before is not None:
        response.prev_kv.CopyFrom(message(before))
    return response


def delete_range(view: View, request: Message) -> Message:
    gone = view.delete(*bounds(request.key, request.range_end))
    return pb.DeleteRangeResponse(
        header=pb.ResponseHeader(revision=view.revision),
        deleted=len(gone),
        prev_kvs=[message(kv) for kv in gone] if request.prev_kv else [],
    )


def txn(store: Store, view: View, request: Message) -> Message:
    """Compares first, all of the nested ones too, as etcd does; then the operations in turn."""
    paths = _paths(view, request)
    _check(store, view, list(_taken(request, list(paths))))
    response = _run(store, view, request, paths)
    response.header.revision = view.revision
    return response


def _paths(view: View, request: Message) -> list[bool]:
    """Which branch each transaction takes, depth first. Models compareToPath."""
    taken = all(_holds(view, compare) for compare in request.compare)
    path = [taken]
    for op in request.success if taken else request.failure:
        if op.WhichOneof("request") == "request_txn":
            path += _paths(view, op.request_txn)
    return path


def _taken(request: Message, paths: list[bool]) -> Iterator[Message]:
    """The operations that will be done, those of nested transactions in their place."""
    for op in request.success if paths.pop(0) else request.failure:
        if op.WhichOneof("request") == "request_txn":
            yield from _taken(op.request_txn, paths)
        else:
            yield op


def _check(store: Store, view: View, ops: list[Message]) -> None:
    """What could fail, before anything is done; puts before ranges. Models checkRequests."""
    for op in ops:
        if op.HasField("request_put"):
            wanted = op.request_put
            if (wanted.ignore_value or wanted.ignore_lease) and view.get(wanted.key) is None:
                raise errors.KEY_NOT_FOUND
            _check_lease(store, wanted)
    for op in ops:
        if op.HasField("request_range") and op.request_range.revision:
            if op.request_range.revision > view.base:
                raise FutureRevisionError
            if op.request_range.revision < store.compacted():
                raise CompactedError(store.compacted())


def _run(store: Store, view: View, request: Message, paths: list[bool]) -> Message:
    taken = paths.pop(0)
    response = pb.TxnResponse(header=pb.ResponseHeader(), succeeded=taken)
    for op in request.success if taken else request.failure:
        kind = op.WhichOneof("request")
        if kind == "request_range":
            answer = get_range(store, op.request_range, view)
            response.responses.add().response_range.CopyFrom(answer)
        elif kind == "request_put":
            response.responses.add().response_put.CopyFrom(put(view, op.request_put))
        elif kind == "request_delete_range":
            answer = delete_range(view, op.request_delete_range)
            response.responses.add().response_delete_range.CopyFrom(answer)
        elif kind == "request_txn":
            answer = _run(store, view, op.request_txn, paths)
            response.responses.add().response_txn.CopyFrom(answer)
        else:
            response.responses.add()
    return response


COMPARED: dict[int, Callable[[KeyValue, Message], tuple[Any, Any]]] = {
    pb.Compare.VERSION: lambda kv, c: (kv.version, c.version),
    pb.Compare.CREATE: lambda kv, c: (kv.create_revision, c.create_revision),
    pb.Compare.MOD: lambda kv, c: (kv.mod_revision, c.mod_revision),
    pb.Compare.VALUE: lambda kv, c: (kv.value, c.value),
    pb.Compare.LEASE: lambda kv, c: (kv.lease, c.lease),
}
VERDICTS: dict[int, Callable[[Any, Any], bool]] = {
    pb.Compare.EQUAL: lambda a, b: a == b,
    pb.Compare.NOT_EQUAL: lambda a, b: a != b,
    pb.Compare.GREATER: lambda a, b: a > b,
    pb.Compare.LESS: lambda a, b: a < b,
}


def _holds(view: View, compare: Message) -> bool:
    """For all keys of its range. A missing key has zeros, but no value."""
    kvs = view.range(*bounds(compare.key, compare.range_end))
    if not kvs:
        if compare.target == pb.Compare.VALUE:
            return False
        kvs = [KeyValue(b"", b"", 0, 0, 0)]
    verdict = VERDICTS.get(compare.result, lambda a, b: True)
    return all(verdict(*COMPARED[compare.target](kv, compare)) for kv in kvs)


def commit(store: Store, evaluate: Callable[[View], Message], origin: Origin) -> Message:
    """Evaluate while nobody else writes, and commit what came of it."""
    found: list[Message] = []

    def decide() -> Txn:
        view = View(store)
        found[:] = [evaluate(view)]
        return Txn((), tuple(view.ops), origin)

    store.transact(decide)
    return found[0]
