"""What the handlers share: registry, watch cache, writer, clock, and who tells them of news."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from cluster.apiserver import conversion
from cluster.apiserver.authn import Authenticator, ServiceAccountTokens, TokenKey
from cluster.apiserver.authn.bootstraptokens import BootstrapTokens
from cluster.apiserver.authz import Authorizer
from cluster.apiserver.authz.source import CacherSource
from cluster.apiserver.cacher import Cacher
from cluster.apiserver.committer import Committer
from cluster.apiserver.custom.resource import CustomResource
from cluster.apiserver.http.logs import LogSource
from cluster.apiserver.http.request import find_static
from cluster.apiserver.http.streams import Streams
from cluster.apiserver.managed.shapes import SHAPES
from cluster.apiserver.operations import Operation
from cluster.apiserver.registry import Registry
from cluster.apiserver.resources import (
    CLOCKS,
    MUTATING_WEBHOOKS,
    VALIDATING_WEBHOOKS,
    Resource,
)
from cluster.machinery.clock import Anchor, LiveClock
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object

if TYPE_CHECKING:
    from cluster.apiserver.http.questions import Questions

T = TypeVar("T")
OUTSIDE = 16  # writes that wait for webhooks at a time
GIT_VERSION = "v1.35.0"


class ApiServer:
    """One listening process. `hint` may be called from any thread when the log has grown."""

    def __init__(
        self,
        registry: Registry,
        authenticator: Authenticator,
        logs: LogSource | None = None,
        address: str = "127.0.0.1:6443",
        token_key: TokenKey | None = None,
    ) -> None:
        self.registry = registry
        self.catalog = registry.catalog
        self.clock = registry.clock
        self.authenticator = authenticator
        self.logs = logs
        self.streams: Streams | None = None
        self.address = address
        self.questions: Questions | None = None
        self.cacher = Cacher(registry.store, registry.catalog)
        self.authorizer = Authorizer(CacherSource(self.cacher))
        authenticator.sources.append(BootstrapTokens(self, self.clock.now))
        self.tokens: ServiceAccountTokens | None = None
        if token_key is not None:
            self.tokens = ServiceAccountTokens(token_key, self, self.clock.now)
            authenticator.sources.append(self.tokens)
        self._outside = ThreadPoolExecutor(OUTSIDE, thread_name_prefix="webhooks")
        self._local = threading.local()
        self.committer = Committer(registry, self.cacher.refresh)
        self.requests: dict[tuple[str, str, int], int] = {}
        self.on_refresh: list[Callable[[], None]] = []
        self._follow_clock()

    def find(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """As the watch cache has it; what it does not have is looked for in the log's news."""
        entry = self.cacher.get(resource, namespace, name)
        if entry is None:
            self.cacher.refresh()
            entry = self.cacher.get(resource, namespace, name)
        return None if entry is None else entry.decode()

    def find_resource(self, group: str, version: str, plural: str) -> Resource | None:
        """The resource of a path; one that is not in the table may have been defined just now."""
        found = find_static(group, version, plural)
        if found is not None or "." not in group:
            return found
        found = self.catalog.find(group, version, plural)
        if found is None:
            self.cacher.refresh()
            found = self.catalog.find(group, version, plural)
        return found

    def hint(self) -> None:
        self.cacher.refresh()
        self._follow_clock()

    def _follow_clock(self) -> None:
        """Clock/cluster in the log is the truth about how fast time passes."""
        if not isinstance(self.clock, LiveClock):
            return
        entry = self.cacher.get(CLOCKS, "", "cluster")
        anchor = (entry.decode().get("status") or {}).get("anchor") if entry is not None else None
        if anchor and Anchor(**anchor) != self.clock.anchor:
            self.clock.set_anchor(Anchor(**anchor))

    def _asks_outside(self, operation: Operation) -> bool:
        """A webhook may take its time, and may write itself: the writer does not wait for it."""
        if isinstance(operation.resource, CustomResource) and operation.resource.asks_outside:
            return True
        shelf = self.cacher.shelf
        return bool(shelf(MUTATING_WEBHOOKS).entries or shelf(VALIDATING_WEBHOOKS).entries)

    def _commit_alone(self, operation: Operation) -> Object | StatusError:
        registry: Registry | None = getattr(self._local, "registry", None)
        if registry is None:
            registry = self._local.registry = self.registry.sibling()
        (result,) = registry.commit([operation])
        self.cacher.refresh()
        return result

    async def outside(self, handler: Callable[[], T]) -> T:
        """What may wait for a webhook, past the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._outside, handler)

    async def commit(self, operation: Operation) -> Object:
        """The object as stored; raises StatusError."""
        operation.authorizer = self.authorizer
        if operation.resource.stored_as:
            version = operation.resource
            try:
                kept = await self.commit(conversion.stored(operation))
            except StatusError as error:
                raise conversion.refused(version, error) from error
            return conversion.shown(version, kept)
        if self._asks_outside(operation):
            loop = asyncio.get_running_loop()
            result = await loop.run_in_executor(self._outside, self._commit_alone, operation)
        else:
            result = await asyncio.wrap_future(self.committer.submit(operation))
        if isinstance(result, StatusError):
            raise result
        result = SHAPES.expanded(result)
        if operation.resource is CLOCKS:
            self._follow_clock()
        return result

    def close(self) -> None:
        self.committer.close()
        self._outside.shutdown(wait=False, cancel_futures=True)
