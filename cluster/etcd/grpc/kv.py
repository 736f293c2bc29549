"""etcdserverpb.KV."""

from __future__ import annotations

from typing import Any

from cluster.etcd.grpc import checks, ops
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
        return await self._commit(lambda view: ops.put(view, request))

    async def DeleteRange(self, request: Message, context: Any) -> Message:
        checks.check_delete(request)
        return await self._commit(lambda view: ops.delete_range(view, request))

    async def Txn(self, request: Message, context: Any) -> Message:
        checks.check_txn(request)
        checks.check_size(request)
        store = self._face.store
        return await self._commit(lambda view: ops.txn(store, view, request))

    async def Compact(self, request: Message, context: Any) -> Message:
        store = self._face.store
        await self._face.write(lambda: store.compact(request.revision))
        return await self._face.signed(pb.CompactionResponse())

    async def _commit(self, evaluate: Any) -> Message:
        store = self._face.store
        return self._face.sign(await self._face.write(lambda: ops.commit(store, evaluate, ORIGIN)))
