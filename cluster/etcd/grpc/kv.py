"""etcdserverpb.KV."""

from __future__ import annotations

from typing import Any

from cluster.etcd.api import Put
from cluster.etcd.grpc import checks, errors, ops
from cluster.etcd.grpc.care import over_quota
from cluster.etcd.grpc.face import Face
from cluster.etcd.grpc.protos import pb
from cluster.etcd.grpc.writer import ORIGIN

Message = Any
NEAR = 0.9


class KV:
    def __init__(self, face: Face) -> None:
        self._face = face

    async def Range(self, request: Message, context: Any) -> Message:
        checks.check_range(request)
        store = self._face.store
        if ops.is_of_one_key(request):
            found = await self._face.read(lambda: ops.get_one(store, request))
            if found is not None:
                return self._face.sign(found)
        return self._face.sign(await self._face.read(lambda: ops.get_range(store, request)))

    async def Put(self, request: Message, context: Any) -> Message:
        checks.check_put(request)
        checks.check_size(request)
        if request.prev_kv or request.ignore_value or request.ignore_lease or self._is_tight():
            store = self._face.store
            evaluate = lambda view: ops.put_alone(store, view, request)  # noqa: E731
            return await self._commit(evaluate, _put_cost(request))
        put = Put(request.key, request.value, request.lease)
        return self._face.sign(pb.PutResponse(), await self._face.writer.put(put))

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

    def _is_tight(self) -> bool:
        """Near the quota each put is weighed before it is done."""
        return bool(self._face.quota) and self._face.size > self._face.quota * NEAR

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
