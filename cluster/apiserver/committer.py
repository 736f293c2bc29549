"""One thread writes for all requests of the process: what waits is committed together.

Requests under way share a transaction, which is what makes concurrent creates cheap; a single
one waits for nobody.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from cluster.apiserver.operations import Operation
from cluster.apiserver.registry import Registry
from cluster.machinery.errors import StatusError, unavailable
from cluster.machinery.meta import Object

MAX_TOGETHER = 64


@dataclass(slots=True)
class _Request:
    operation: Operation
    future: Future[Object | StatusError]


class Committer:
    """`after_commit` is called in the writer thread (the watch cache catches up there)."""

    def __init__(self, registry: Registry, after_commit: Callable[[], object]) -> None:
        self._registry = registry
        self._after_commit = after_commit
        self._requests: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)
        self._closed = False
        self._thread.start()

    def submit(self, operation: Operation) -> Future[Object | StatusError]:
        future: Future[Object | StatusError] = Future()
        if self._closed:
            future.set_result(unavailable("the server is shutting down"))
        else:
            self._requests.put(_Request(operation, future))
        return future

    def close(self) -> None:
        self._closed = True
        self._requests.put(None)
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while (first := self._requests.get()) is not None:
            batch = [first]
            while len(batch) < MAX_TOGETHER:
                try:
                    more = self._requests.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    self._commit(batch)
                    return
                batch.append(more)
            self._commit(batch)

    def _commit(self, batch: list[_Request]) -> None:
        try:
            results = self._registry.commit([r.operation for r in batch])
            for request, result in zip(batch, results, strict=True):
                if _answers_at_once(request.operation):
                    request.future.set_result(result)
            self._after_commit()
        except BaseException as error:
            # Whatever went wrong is the answer of every request of the batch; HTTP turns it into
            # a Status, and the thread lives on.
            for request in batch:
                if not request.future.done():
                    request.future.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        for request, result in zip(batch, results, strict=True):
            if not request.future.done():
                request.future.set_result(result)


def _answers_at_once(operation: Operation) -> bool:
    """The result says it all; the answer to others is looked up in the watch cache, which during
    a rollout takes a while to catch up."""
    return operation.verb != "delete" and not operation.subresource
