"""What all services share: the store, the clock, who we are, and threads to reach the store from.

The event loop never waits for the store. Reads run in a few threads, writes in one, so that a
client's writes do not queue for the database behind each other's locks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from cluster.etcd.archive import Archive
from cluster.etcd.grpc.protos import pb
from cluster.etcd.grpc.writer import Writer
from cluster.machinery.clock import Clock

T = TypeVar("T")
READERS = 4  # a snapshot or a checksum of everything keeps one busy for a while
TERM = 2


@dataclass(frozen=True, slots=True)
class Identity:
    """One member, as minikube's: ids are hashes of its peer address and of the cluster's token."""

    client_urls: tuple[str, ...]
    peer_urls: tuple[str, ...] = ("https://192.168.49.2:2380",)
    name: str = "minikube"
    cluster: int = 0xFA54960EA34D58BE
    member: int = 0xAEC36ADC501070CC
    version: str = "3.6.6"

    @property
    def minor(self) -> str:
        return self.version.rpartition(".")[0] + ".0"


class Face:
    """`quota`: bytes the database may have, 0 for any number; `scratch`: where snapshots lie on
    their way out."""

    def __init__(
        self,
        store: Archive,
        clock: Clock,
        identity: Identity,
        quota: int = 0,
        scratch: Path | None = None,
    ) -> None:
        self.store = store
        self.clock = clock
        self.identity = identity
        self.quota = quota
        self.scratch = scratch
        self.size = 0  # of the database, at the last look
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="read")
        self.writer = Writer(store)

    async def read(self, what: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, what)

    async def write(self, what: Callable[[], T]) -> T:
        found: T = await self.writer.call(what)
        return found

    def sign(self, response: Any, revision: int = 0) -> Any:
        """Fill in the header; its revision too unless the response has it."""
        header = response.header
        header.cluster_id = self.identity.cluster
        header.member_id = self.identity.member
        header.raft_term = TERM
        if revision:
            header.revision = revision
        return response

    async def signed(self, response: Any) -> Any:
        """With the store's newest revision."""
        return self.sign(response, await self.read(self.store.revision))

    def header(self, revision: int) -> Any:
        return pb.ResponseHeader(
            cluster_id=self.identity.cluster,
            member_id=self.identity.member,
            raft_term=TERM,
            revision=revision,
        )

    def close(self) -> None:
        self._readers.shutdown(wait=False, cancel_futures=True)
        self.writer.close()
