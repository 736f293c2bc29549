"""Operations in, transactions out: the generic part of every kind's storage.

`commit` prepares each operation against the current object, commits all of them together, and
prepares those again whose object changed meanwhile (unless the caller insisted on a version).
Models k8s.io/apiserver/pkg/registry/generic/registry/store.go.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableSequence, Sequence
from typing import cast

from cluster.apiserver import codec
from cluster.apiserver.custom.catalog import Catalog
from cluster.apiserver.custom.resource import CustomResource
from cluster.apiserver.foreign import is_known
from cluster.apiserver.kinds import strategy_for
from cluster.apiserver.leases import LeaseManager
from cluster.apiserver.managed.shapes import PREFIX
from cluster.apiserver.operations import Operation
from cluster.apiserver.policies import Policies
from cluster.apiserver.prepare import Current, Prepared, prepare
from cluster.apiserver.resources import (
    BY_KIND,
    CUSTOM_RESOURCE_DEFINITIONS,
    EVENTS,
    RESOURCE_QUOTAS,
    Resource,
)
from cluster.apiserver.strategy import Context
from cluster.etcd.api import Fence, KeyValue, NoSpaceError, Origin, Put, Store, Txn, prefix_end
from cluster.machinery import errors
from cluster.machinery.clock import Clock
from cluster.machinery.entropy import Entropy
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object

MAX_ATTEMPTS = 8
REMEMBERED = 4096  # own writes whose objects are at hand when the log is read back

# `list` is a method's name in Registry.
Objects = list[Object]
Results = list[Object | StatusError]
Indexes = list[int]
Txns = list[Txn]


class Change:
    """One committed change of one object, as informers see it. `obj` is None for a deletion; `own`
    when this process wrote it, so that others may hold it, too."""

    __slots__ = ("name", "namespace", "obj", "own", "resource", "revision")

    def __init__(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        revision: int,
        obj: Object | None,
        own: bool = False,
    ) -> None:
        self.resource = resource
        self.namespace = namespace
        self.name = name
        self.revision = revision
        self.obj = obj
        self.own = own


class Registry:
    """`fence` makes every commit conditional on this process still being the component's owner."""

    def __init__(
        self, store: Store, clock: Clock, entropy: Entropy, fence: Fence | None = None
    ) -> None:
        self.store = store
        self.clock = clock
        self.entropy = entropy
        self.fence = fence
        self.kept: set[str] = set()
        self._unkept: dict[str, bytes] = {}
        self._kept_epoch = store.epoch
        self.catalog = Catalog(store)
        self._leases = LeaseManager(store)
        self.policies = Policies(self)
        self._followed: set[Resource] = set()
        self._written: dict[tuple[int, bytes], Object] = {}

    def sibling(self) -> Registry:
        """For another thread: the same store, nothing of what this one remembers."""
        out = Registry(self.store, self.clock, self.entropy, self.fence)
        out.catalog = self.catalog
        return out

    def follow(self, resource: Resource) -> None:
        """Informers share the objects of this resource anyway: what this process has written
        itself then comes back from `changes` without being decoded."""
        self._followed.add(resource)

    # ---- reading

    def find(self, resource: Resource, namespace: str, name: str) -> Object | None:
        kv = self.store.get(resource.key(namespace, name))
        return None if kv is None else self._decode(resource, kv)

    def get(self, resource: Resource, namespace: str, name: str) -> Object:
        found = self.find(resource, namespace, name)
        if found is None:
            raise errors.not_found(resource.plural, resource.group, name)
        return found

    def list_all(self, resource: Resource, namespace: str = "") -> Objects:
        return self.list(resource, namespace)[0]

    def list(self, resource: Resource, namespace: str = "") -> tuple[Objects, int]:
        """All objects in key order, and the revision at which that is the truth."""
        prefix = resource.namespace_prefix(namespace)
        found = self.store.range(prefix, prefix_end(prefix))
        objects = (_known(kv.value, kv.mod_revision) for kv in found.kvs)
        if isinstance(resource, CustomResource):
            objects = (resource.read(obj) for obj in objects if obj is not None)
        return [obj for obj in objects if obj is not None], found.revision

    def changes(self, after: int, wanted: frozenset[Resource]) -> Iterator[Change]:
        """What happened to `wanted` resources after a revision. Raises CompactedError."""
        for event in self.store.events(after):
            resource = self.catalog.for_key(event.key)
            if resource is CUSTOM_RESOURCE_DEFINITIONS:
                self.catalog.observe(event.key, event.value, event.revision)
            if resource is None or resource not in wanted:
                continue
            try:
                namespace, name = resource.split_key(event.key)
            except UnicodeDecodeError:
                continue  # no API server wrote this
            obj, own = None, False
            if event.value is not None:
                obj = self._written.pop((event.revision, event.key), None)
                own = obj is not None
                if obj is None:
                    obj = _known(event.value, event.revision)
                    if obj is None:
                        continue
            yield Change(resource, namespace, name, event.revision, obj, own)

    def resource_for(self, api_version: str, kind: str) -> Resource | None:
        """Of the table, or a custom one."""
        return BY_KIND.get((api_version, kind)) or self.catalog.by_kind(api_version, kind)

    def lease_for(self, ttl: int) -> int:
        return self._leases.lease_for(ttl, self.clock.now())

    # ---- sets of fields (managed.shapes)

    def field_set(self, digest: str) -> bytes | None:
        kv = self.store.get(PREFIX + digest.encode())
        return None if kv is None else kv.value

    def keep_field_set(self, digest: str, text: bytes) -> None:
        """Written with the next commit, before the object that refers to it."""
        self._unkept[digest] = text

    def _new_field_sets(self) -> Txns:
        puts = [
            Put(PREFIX + digest.encode(), text)
            for digest, text in self._unkept.items()
            if self.field_set(digest) is None
        ]
        return [Txn((), tuple(puts), Origin("managed-fields"))] if puts else []

    # ---- writing

    def commit(self, operations: Sequence[Operation]) -> Results:
        """One result an operation: the object as stored (for a deletion: as it was, or as it is
        while it terminates), or the error. Raises FencedError."""
        if self.store.epoch != self._kept_epoch:
            self.kept.clear()  # another past: what was kept may not be there
            self._kept_epoch = self.store.epoch
        results: list[Object | StatusError | None] = [None] * len(operations)
        waiting = list(range(len(operations)))
        attempts = [0] * len(operations)
        while waiting:
            self.policies.refresh()
            now, later = _one_each(operations, waiting, self.policies)
            prepared: list[tuple[int, Prepared]] = []
            for index in now:
                outcome = self._try(operations[index], fresh=attempts[index] > 0)
                if isinstance(outcome, Prepared):
                    prepared.append((index, outcome))
                else:
                    results[index] = outcome
            again = self._commit(prepared, results)
            for index in again + later:
                attempts[index] += index in again or attempts[index] == 0
            exhausted = [i for i in again if attempts[i] >= MAX_ATTEMPTS]
            for index in exhausted:
                results[index] = _conflict(operations[index])
            waiting = sorted({*again, *later}.difference(exhausted))
        return cast(Results, results)

    def do(self, operation: Operation) -> Object:
        """A single operation; raises its StatusError."""
        (result,) = self.commit([operation])
        if isinstance(result, StatusError):
            raise result
        return result

    def _try(self, operation: Operation, fresh: bool) -> Prepared | Object | StatusError:
        ctx = Context(operation, self, self.clock.now(), self.entropy)
        ctx.wall = self.clock.wall()
        if operation.warnings is not None:
            ctx.warnings = operation.warnings
        try:
            prepared = prepare(ctx, strategy_for(operation.resource), self._current(ctx, fresh))
        except StatusError as error:
            return error
        if prepared.txn is None or operation.options.dry_run:
            return prepared.finish(0)
        return prepared

    def _current(self, ctx: Context, fresh: bool) -> Current | None:
        operation = ctx.operation
        if operation.base is not None and not fresh:
            return Current(operation.base, int(operation.base["metadata"]["resourceVersion"]))
        if not operation.name or (operation.verb == "create" and not operation.subresource):
            return None
        kv = self.store.get(operation.resource.key(operation.namespace, operation.name))
        if kv is None:
            return None
        return Current(self._decode(operation.resource, kv), kv.mod_revision)

    @staticmethod
    def _decode(resource: Resource, kv: KeyValue) -> Object:
        obj = codec.decode(kv.value, kv.mod_revision)
        return resource.read(obj) if isinstance(resource, CustomResource) else obj

    def _commit(
        self,
        prepared: Sequence[tuple[int, Prepared]],
        results: MutableSequence[Object | StatusError | None],
    ) -> Indexes:
        """Commits; returns the indexes to prepare again."""
        if not prepared:
            return []
        txns = [p.txn for _, p in prepared if p.txn is not None]
        again: list[int] = []
        sets = self._new_field_sets() if self._unkept else []
        try:
            outcomes = self.store.commit([*sets, *txns], self.fence)[len(sets) :]
        except NoSpaceError as error:
            return self._without_room(prepared, results, error)
        self.kept.update(self._unkept)
        self._unkept.clear()
        for (index, p), outcome in zip(prepared, outcomes, strict=True):
            if outcome.ok:
                results[index] = p.finish(outcome.revision)
                if p.ctx.operation.resource in self._followed:
                    self._remember(p, outcome.revision)
            elif p.final and outcome.failed == p.guard:
                results[index] = p.refused(outcome.actual)
            else:
                again.append(index)
        return again

    def _without_room(
        self,
        prepared: Sequence[tuple[int, Prepared]],
        results: MutableSequence[Object | StatusError | None],
        error: NoSpaceError,
    ) -> Indexes:
        """What puts something fails in etcd's words; deleting always works."""
        frees = [
            (index, p)
            for index, p in prepared
            if p.txn is not None and not any(isinstance(op, Put) for op in p.txn.ops)
        ]
        allowed = {index for index, _ in frees}
        for index, _ in prepared:
            if index not in allowed:
                results[index] = StatusError(500, "", str(error))
        return self._commit(frees, results)

    def _remember(self, prepared: Prepared, revision: int) -> None:
        if prepared.guard is None:
            return
        self._written[revision, prepared.guard.key] = prepared.result
        while len(self._written) > REMEMBERED:
            del self._written[next(iter(self._written))]


def _known(value: bytes, revision: int) -> Object | None:
    """For components: None for what somebody put into the store past the API."""
    try:
        obj = codec.decode(value, revision)
    except StatusError:
        return None
    return obj if is_known(obj) else None


def _one_each(
    operations: Sequence[Operation], waiting: list[int], policies: Policies
) -> tuple[list[int], list[int]]:
    """Splits off operations on an object that an earlier one of the batch touches (be it a quota):
    they must see what it did."""
    touched: set[tuple[Resource, str, str]] = set()
    now: list[int] = []
    later: list[int] = []
    for index in waiting:
        operation = operations[index]
        target = (operation.resource, operation.namespace, operation.name)
        if _counted(operation) and policies.list(RESOURCE_QUOTAS, operation.namespace):
            target = (RESOURCE_QUOTAS, operation.namespace, "")
            if target in touched:
                later.append(index)
                continue
        if operation.name and target in touched:
            later.append(index)
            continue
        touched.add(target)
        now.append(index)
    return now, later


def _counted(operation: Operation) -> bool:
    """May count against a quota of its namespace."""
    return (
        operation.verb == "create"
        and bool(operation.namespace)
        and operation.resource is not EVENTS
        and not operation.subresource
    )


def _conflict(operation: Operation) -> StatusError:
    resource = operation.resource
    return errors.conflict(resource.plural, resource.group, operation.name)
