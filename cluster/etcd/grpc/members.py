"""etcdserverpb.Cluster, Auth and grpc.health: one healthy member, without users."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from cluster.etcd.grpc import errors
from cluster.etcd.grpc.face import Face, Identity
from cluster.etcd.grpc.protos import health, pb

Message = Any


def member(identity: Identity) -> Message:
    return pb.Member(
        ID=identity.member,
        name=identity.name,
        peerURLs=identity.peer_urls,
        clientURLs=identity.client_urls,
    )


class Cluster:
    """The list of one. A second member would not be started by anybody: adding one is refused as
    by a cluster that would lose its quorum."""

    def __init__(self, face: Face) -> None:
        self._face = face

    def _check(self, request: Message) -> None:
        own = self._face.identity.member
        if own != request.ID:
            raise errors.MEMBER_NOT_FOUND

    async def MemberList(self, request: Message, context: Any) -> Message:
        found = pb.MemberListResponse(members=[member(self._face.identity)])
        return await self._face.signed(found)

    async def MemberAdd(self, request: Message, context: Any) -> Message:
        raise errors.UNHEALTHY

    async def MemberRemove(self, request: Message, context: Any) -> Message:
        self._check(request)
        raise errors.UNHEALTHY

    async def MemberUpdate(self, request: Message, context: Any) -> Message:
        self._check(request)
        raise errors.UNHEALTHY

    async def MemberPromote(self, request: Message, context: Any) -> Message:
        self._check(request)
        raise errors.NOT_LEARNER


class Auth:
    """Disabled, as kubeadm leaves it: who has a certificate may do everything."""

    def __init__(self, face: Face) -> None:
        self._face = face

    async def AuthStatus(self, request: Message, context: Any) -> Message:
        return await self._face.signed(pb.AuthStatusResponse(enabled=False, authRevision=1))

    async def AuthEnable(self, request: Message, context: Any) -> Message:
        raise errors.NO_ROOT_USER

    async def AuthDisable(self, request: Message, context: Any) -> Message:
        return await self._face.signed(pb.AuthDisableResponse())

    async def Authenticate(self, request: Message, context: Any) -> Message:
        raise errors.AUTH_NOT_ENABLED

    async def UserList(self, request: Message, context: Any) -> Message:
        return await self._face.signed(pb.AuthUserListResponse())

    async def RoleList(self, request: Message, context: Any) -> Message:
        return await self._face.signed(pb.AuthRoleListResponse())


class Health:
    async def Check(self, request: Message, context: Any) -> Message:
        return health.HealthCheckResponse(status=health.HealthCheckResponse.SERVING)

    async def Watch(self, request: Message, context: Any) -> AsyncIterator[Message]:
        yield health.HealthCheckResponse(status=health.HealthCheckResponse.SERVING)
        await asyncio.Event().wait()
