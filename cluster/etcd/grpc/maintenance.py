"""etcdserverpb.Maintenance. Models server/etcdserver/api/v3rpc/maintenance.go."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from cluster.etcd.alarms import CORRUPT, NOSPACE
from cluster.etcd.grpc import errors
from cluster.etcd.grpc.face import TERM, Face
from cluster.etcd.grpc.protos import pb
from cluster.etcd.snapshot.hashes import hash_all, hash_keys
from cluster.etcd.snapshot.save import save

CHUNK = 64 * 1024
NAMES = {NOSPACE: "NOSPACE", CORRUPT: "CORRUPT"}
Message = Any


class Maintenance:
    def __init__(self, face: Face) -> None:
        self._face = face

    async def Status(self, request: Message, context: Any) -> Message:
        return await self._face.read(self._status)

    def _status(self) -> Message:
        store, identity = self._face.store, self._face.identity
        revision, size, alarms = store.revision(), store.size(), store.alarms()
        response = pb.StatusResponse(
            version=identity.version,
            dbSize=size.total,
            dbSizeInUse=size.used,
            dbSizeQuota=self._face.quota,
            leader=identity.member,
            raftIndex=revision,
            raftAppliedIndex=revision,
            raftTerm=TERM,
            storageVersion=identity.minor,
            errors=[f"memberID:{identity.member} alarm:{NAMES[a]} " for a in _each(alarms)],
        )
        return self._face.sign(response, revision)

    async def Alarm(self, request: Message, context: Any) -> Message:
        found = await self._face.write(lambda: self._alarm(request))
        member = self._face.identity.member
        alarms = [pb.AlarmMember(memberID=member, alarm=number) for number in found]
        return await self._face.signed(pb.AlarmResponse(alarms=alarms))

    def _alarm(self, request: Message) -> list[int]:
        """Those there are (of the kind asked for), or those changed."""
        store = self._face.store
        raised = store.alarms()
        asked = request.alarm
        if request.action == pb.AlarmRequest.GET:
            return [a for a in _each(raised) if asked in (0, a)]
        if asked == 0:
            return []
        if request.action == pb.AlarmRequest.ACTIVATE:
            store.set_alarms(raised | asked)
            return [asked]
        if not raised & asked:
            return []
        store.set_alarms(raised & ~asked)
        return [asked]

    async def Defragment(self, request: Message, context: Any) -> Message:
        await self._face.write(self._face.store.defragment)
        return await self._face.signed(pb.DefragmentResponse())

    async def Hash(self, request: Message, context: Any) -> Message:
        found = await self._face.read(lambda: hash_all(self._face.store))
        return await self._face.signed(pb.HashResponse(hash=found))

    async def HashKV(self, request: Message, context: Any) -> Message:
        find = lambda: hash_keys(self._face.store, request.revision)  # noqa: E731
        found, compacted, revision = await self._face.read(find)
        response = pb.HashKVResponse(
            hash=found, compact_revision=compacted or -1, hash_revision=revision
        )
        return await self._face.signed(response)

    async def MoveLeader(self, request: Message, context: Any) -> Message:
        raise errors.BAD_LEADER

    async def Snapshot(self, request: Message, context: Any) -> AsyncIterator[Message]:
        """The database and its digest, in pieces."""
        with tempfile.NamedTemporaryFile(dir=self._face.scratch, prefix=".snapshot-") as file:
            path = Path(file.name)
            revision = await self._face.read(lambda: save(self._face.store, path))
            left = path.stat().st_size
            with path.open("rb") as content:
                while chunk := await self._face.read(lambda: content.read(CHUNK)):
                    left -= len(chunk)
                    piece = pb.SnapshotResponse(
                        remaining_bytes=left, blob=chunk, version=self._face.identity.minor
                    )
                    yield self._face.sign(piece, revision)


def _each(alarms: int) -> list[int]:
    """AlarmType's numbers are bits, too."""
    return [number for number in NAMES if alarms & number]
