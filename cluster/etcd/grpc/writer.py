"""The one thread that writes: what waits while a commit is under way goes into the next one.

Plain puts, the most of what clients write, need no look at the store and are committed together.
Everything else (transactions, deletions, puts that want to know what was there) is evaluated
while nobody else writes.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from cluster.etcd.api import LeaseNotFoundError, NoSpaceError, Origin, Put, Store, Txn

MOST = 200  # puts in one commit
ORIGIN = Origin("etcd", "gRPC")
T = TypeVar("T")
Refusal = LeaseNotFoundError | NoSpaceError
Outcome = int | Refusal


@dataclass(eq=False, slots=True)
class _Group:
    """Puts that will be committed together, and the one future all of their clients wait for."""

    txns: list[Txn] = field(default_factory=list)
    done: asyncio.Future[list[Outcome]] = field(init=False)


class Writer:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="write")
        self._lock = threading.Lock()  # of what follows
        self._open: _Group | None = None

    async def call(self, what: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, what)

    async def put(self, put: Put) -> int:
        """The revision at which it happened."""
        with self._lock:
            group = self._open
            if group is None or len(group.txns) >= MOST:
                group = self._open = _Group()
                run = asyncio.get_running_loop().run_in_executor
                group.done = run(self._thread, self._commit, group)
            place = len(group.txns)
            group.txns.append(Txn((), (put,), ORIGIN))
        # A client that goes away takes nobody's answer with it.
        outcome = (await asyncio.shield(group.done))[place]
        if not isinstance(outcome, int):
            raise outcome
        return outcome

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    # ---- in its thread

    def _commit(self, group: _Group) -> list[Outcome]:
        with self._lock:
            if self._open is group:
                self._open = None
        return self._try(group.txns)

    def _try(self, txns: list[Txn]) -> list[Outcome]:
        try:
            return [result.revision for result in self._store.commit(txns)]
        except (LeaseNotFoundError, NoSpaceError) as error:
            if len(txns) == 1:
                return [error]
        return [outcome for txn in txns for outcome in self._try([txn])]  # one is to blame
