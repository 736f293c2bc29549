"""What a KV request must look like. Models server/etcdserver/api/v3rpc/key.go."""

from __future__ import annotations

from typing import Any

from cluster.etcd.grpc import errors
from cluster.etcd.grpc.protos import pb

MAX_OPS = 128
MAX_REQUEST = 1536 * 1024
Message = Any
Span = tuple[bytes, bytes]


def check_range(request: Message) -> None:
    if not request.key:
        raise errors.EMPTY_KEY
    if request.sort_order not in pb.RangeRequest.SortOrder.values():
        raise errors.INVALID_SORT
    if request.sort_target not in pb.RangeRequest.SortTarget.values():
        raise errors.INVALID_SORT


def check_put(request: Message) -> None:
    if not request.key:
        raise errors.EMPTY_KEY
    if request.ignore_value and request.value:
        raise errors.VALUE_PROVIDED
    if request.ignore_lease and request.lease:
        raise errors.LEASE_PROVIDED


def check_delete(request: Message) -> None:
    if not request.key:
        raise errors.EMPTY_KEY


def check_size(request: Message) -> None:
    if request.ByteSize() > MAX_REQUEST:
        raise errors.TOO_LARGE


def check_txn(request: Message) -> None:
    """The form of all that is nested in it first, then whether a branch names a key twice."""
    _check_form(request, MAX_OPS)
    _changes(request.success)
    _changes(request.failure)


def _check_form(request: Message, budget: int) -> None:
    if max(len(request.compare), len(request.success), len(request.failure)) > budget:
        raise errors.TOO_MANY_OPS
    if any(not compare.key for compare in request.compare):
        raise errors.EMPTY_KEY
    for op in (*request.success, *request.failure):
        kind = op.WhichOneof("request")
        if kind == "request_range":
            check_range(op.request_range)
        elif kind == "request_put":
            check_put(op.request_put)
        elif kind == "request_delete_range":
            check_delete(op.request_delete_range)
        elif kind == "request_txn":
            _check_form(op.request_txn, budget - len(request.compare))
        else:
            raise errors.KEY_NOT_FOUND


def _changes(ops: Any) -> tuple[set[bytes], list[Span]]:
    """The keys put and the ranges deleted by one branch: no key twice. Models checkIntervals."""
    puts: set[bytes] = set()
    deletes: list[Span] = []
    for op in ops:
        if op.HasField("request_delete_range"):
            request = op.request_delete_range
            # As etcd, taken by the letter: an end that means infinity meets nothing.
            deletes.append((request.key, request.range_end or request.key + b"\x00"))
    for op in ops:
        if not op.HasField("request_txn"):
            continue
        inner = op.request_txn
        branches = [_changes(inner.success), _changes(inner.failure)]
        for own, spans in branches:
            if own & puts or _meet(own, deletes) or _meet(puts, spans):
                raise errors.DUPLICATE_KEY
        for own, spans in branches:
            puts |= own
            deletes += spans
    for op in ops:
        if op.HasField("request_put"):
            key = op.request_put.key
            if key in puts or _meet({key}, deletes):
                raise errors.DUPLICATE_KEY
            puts.add(key)
    return puts, deletes


def _meet(keys: set[bytes], spans: list[Span]) -> bool:
    return any(start <= key < end for key in keys for start, end in spans)
