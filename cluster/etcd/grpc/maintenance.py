"""etcdserverpb.Maintenance."""

from __future__ import annotations

from typing import Any

from cluster.etcd.grpc.face import TERM, Face
from cluster.etcd.grpc.protos import pb

Message = Any


class Maintenance:
    def __init__(self, face: Face) -> None:
        self._face = face

    async def Status(self, request: Message, context: Any) -> Message:
        identity = self._face.identity
        revision = await self._face.read(self._face.store.revision)
        response = pb.StatusResponse(
            version=identity.version,
            leader=identity.member,
            raftIndex=revision,
            raftAppliedIndex=revision,
            raftTerm=TERM,
            storageVersion=identity.version.rpartition(".")[0] + ".0",
        )
        return self._face.sign(response, revision)

    async def Alarm(self, request: Message, context: Any) -> Message:
        return await self._face.signed(pb.AlarmResponse())
