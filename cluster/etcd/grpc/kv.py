"""etcdserverpb.KV."""

from __future__ import annotations

from typing import Any

from cluster.etcd.grpc import checks, errors, ops
from cluster.etcd.grpc.care import over_quota
from cluster.etcd.grpc.face import ORIGIN, Face
from cluster.etcd.grpc.protos import pb

Message = Any


class KV:
    def __init__(self, face: Face) -> None:
        self._face = face

    async def Range(self, request: Message, context: Any) -> Message:
        checks.check_range(request)
        store = self._face.store
        return self._face.sign(await self._face.read(lambda: ops.get_range(store, request)))

    async def Put(self, request: Message, context: Any) -> Message:
        checks.check_put(request)
        checks.check_size(request)
        return await self._commit(lambda view: ops.put(view, request), _put_cost(request))

    async def DeleteRange(self, request: Message, context: Any) -> Message:
        checks.check_delete(request)
        return await self._commit(lambda view: ops.delete_range(view, request))

    async def Txn(self, request: Message, context: Any) -> Message:
        checks.check_txn(request)
        checks.check_size(request)
        store = self._face.store
        return await self._commit(lambda view: ops.txn(store, view, request), _txn_cost(request))

    async def Compact(self, request: Message, context: Any) -> Message:
        store = self._face.store
        await self._face.write(lambda: store.compact(request.revision))
        return await self._face.signed(pb.CompactionResponse())

    async def _commit(self, evaluate: Any, cost: int = 0) -> Message:
        return self._face.sign(await self._face.write(lambda: self._do(evaluate, cost)))

    def _do(self, evaluate: Any, cost: int) -> Message:
        """`cost`: bytes it will take; what frees some always may."""
        if cost and over_quota(self._face.store, self._face.quota, cost):
            raise errors.NO_ROOM
        return ops.commit(self._face.store, evaluate, ORIGIN)


def _put_cost(request: Message) -> int:
    """Models costPut: what a key and its metadata take."""
    return 256 + len(request.key) + len(request.value)


def _txn_cost(request: Message) -> int:
    """Of the dearer branch."""
    return max(
        sum(
            _put_cost(op.request_put)
            if op.HasField("request_put")
            else _txn_cost(op.request_txn) * op.HasField("request_txn")
            for op in branch
        )
        for branch in (request.success, request.failure)
    )
