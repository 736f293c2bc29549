"""etcdserverpb.Lease, on cluster time. Models server/lease/lessor.go."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

from django.db import Error as DatabaseError

from cluster.etcd.api import Lease as StoreLease
from cluster.etcd.api import LeaseNotFoundError, Store
from cluster.etcd.grpc import errors
from cluster.etcd.grpc.face import Face
from cluster.etcd.grpc.protos import pb
from cluster.etcd.grpc.writer import ORIGIN

log = logging.getLogger(__name__)
MIN_TTL = 2  # one and a half times the longest election, in whole seconds
MAX_TTL = 9_000_000_000
# Ids we make up lie below those the store counts up itself.
FIRST_ID, IDS = 0x694C_0000_0000_0000, 1 << 48
LONGEST_WAIT = 1.0
Message = Any


class Lease:
    def __init__(self, face: Face) -> None:
        self._face = face

    async def LeaseGrant(self, request: Message, context: Any) -> Message:
        if request.TTL > MAX_TTL:
            raise errors.TTL_TOO_LARGE
        lease = await self._face.write(lambda: self._grant(request.ID, max(MIN_TTL, request.TTL)))
        return await self._face.signed(pb.LeaseGrantResponse(ID=lease.id, TTL=lease.ttl))

    def _grant(self, wanted: int, ttl: int) -> StoreLease:
        store = self._face.store
        if wanted and store.lease(wanted) is not None:
            raise errors.LEASE_EXISTS
        return store.grant(ttl, self._face.clock.now(), wanted or FIRST_ID + secrets.randbelow(IDS))

    async def LeaseRevoke(self, request: Message, context: Any) -> Message:
        store = self._face.store
        revision = await self._face.write(lambda: store.revoke(request.ID, ORIGIN))
        return self._face.sign(pb.LeaseRevokeResponse(), revision)

    async def LeaseKeepAlive(self, requests: Any, context: Any) -> AsyncIterator[Message]:
        async for request in requests:
            ttl = await self._face.write(partial(self._renew, request.ID))
            yield await self._face.signed(pb.LeaseKeepAliveResponse(ID=request.ID, TTL=ttl))

    def _renew(self, wanted: int) -> int:
        """0: there is no such lease (any more)."""
        try:
            return self._face.store.keep_alive(wanted, self._face.clock.now()).ttl
        except LeaseNotFoundError:
            return 0

    async def LeaseTimeToLive(self, request: Message, context: Any) -> Message:
        lease = await self._face.read(lambda: self._face.store.lease(request.ID))
        if lease is None:
            return await self._face.signed(pb.LeaseTimeToLiveResponse(ID=request.ID, TTL=-1))
        left = max(0, int(lease.expires_at - self._face.clock.now()))
        response = pb.LeaseTimeToLiveResponse(ID=lease.id, TTL=left, grantedTTL=lease.ttl)
        if request.keys:
            response.keys.extend(lease.keys)
        return await self._face.signed(response)

    async def LeaseLeases(self, request: Message, context: Any) -> Message:
        found = await self._face.read(self._face.store.leases)
        leases = [pb.LeaseStatus(ID=lease.id) for lease in found]
        return await self._face.signed(pb.LeaseLeasesResponse(leases=leases))


def expire(store: Store, now: float) -> None:
    """Revoke what has run out; others may be at it too."""
    for lease in store.expired(now):
        try:
            store.revoke(lease, ORIGIN)
        except LeaseNotFoundError:
            continue


async def expire_in_time(face: Face, wall_until: Callable[[float], float | None]) -> None:
    """For ever. `wall_until` says how many seconds outside the cluster it takes until a moment of
    cluster time, None while that stands still; it is asked again every second, since the pace of
    time may change and other processes grant leases."""
    while True:
        try:
            now = face.clock.now()
            due = await face.read(face.store.next_expiry)
            if due is not None and due <= now:
                await face.write(partial(expire, face.store, now))
                continue
            wait = wall_until(due) if due is not None else None
        except DatabaseError as error:
            log.warning("leases wait for the database: %s", error)
            wait = None
        await asyncio.sleep(LONGEST_WAIT if wait is None else min(LONGEST_WAIT, max(0.005, wait)))
