"""Ownership after an update, and the merge of an apply. Models structured-merge-diff/merge.

Both get the live value and the managers' sets and return what they become; nothing given is
changed. Values are those of one kind; `Versions` converts them to the version a set speaks of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from cluster.apiserver.managed.compare import Comparison, compare
from cluster.apiserver.managed.fieldpath import EMPTY, FieldSet, Path
from cluster.apiserver.managed.merge import merge
from cluster.apiserver.managed.reconcile import reconcile
from cluster.apiserver.managed.remove import remove
from cluster.apiserver.managed.typed import to_set, with_named_fields
from cluster.apiserver.managed.types import Type


class ManagerId(NamedTuple):
    """What tells managers apart. An applier has one entry whatever version it applied."""

    name: str
    operation: str
    api_version: str = ""
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class Owned:
    """A manager's set, in terms of one version."""

    fields: FieldSet
    api_version: str
    applied: bool = False


Managers = dict[ManagerId, Owned]
Ignored = Mapping[str, FieldSet]


class Conflict(NamedTuple):
    manager: ManagerId
    path: Path


class ConflictsError(Exception):
    """An apply would change what others own."""

    def __init__(self, conflicts: list[Conflict]) -> None:
        super().__init__(f"{len(conflicts)} conflicts")
        self.conflicts = conflicts


class Versions(Protocol):
    """Values in other versions of their kind."""

    def type_at(self, api_version: str) -> Type | None:
        """None for a version that is not served (any more)."""
        ...

    def convert(self, value: Any, api_version: str) -> Any: ...


class Updater:
    """`ignored` by version: what the request cannot change, and so cannot own (resetFields)."""

    def __init__(
        self, versions: Versions, ignored: Ignored | None = None, nobodys: FieldSet = EMPTY
    ) -> None:
        self.versions = versions
        self.ignored: Ignored = ignored or {}
        self.nobodys = nobodys  # left out of what is remembered (identity)

    def update(
        self, live: Any, new: Any, version: str, managers: Managers, manager: ManagerId
    ) -> Managers:
        """After `new` replaced `live` by another verb than apply."""
        managers = self._reconciled(live, managers)
        managers, changes = self._settle(live, new, version, managers, manager, force=True)
        had = managers.get(manager)
        fields = had.fields if had is not None else EMPTY
        fields = fields.difference(changes.removed).union(changes.modified).union(changes.added)
        fields = fields.without(self.ignored.get(version, EMPTY))
        managers.pop(manager, None)
        if fields:
            managers[manager] = Owned(fields, version)
        return managers

    def apply(
        self,
        live: Any,
        config: Any,
        version: str,
        managers: Managers,
        manager: ManagerId,
        force: bool = False,
    ) -> tuple[Any, Managers]:
        """(the new value, its managers). Raises ConflictsError, MisfitError."""
        managers = self._reconciled(live, managers)
        kind = self._type(version)
        merged = merge(kind, live, config)
        last = managers.get(manager)
        fields = to_set(kind, config).without(self.ignored.get(version, EMPTY))
        if last == Owned(fields.difference(self.nobodys), version, True) and merged == live:
            return live, managers  # nothing new, as most of the time
        managers[manager] = Owned(fields, version, applied=True)
        new = self._prune(merged, managers, manager, last)
        managers, _ = self._settle(live, new, version, managers, manager, force)
        return new, managers

    # ---- ownership

    def _settle(
        self,
        live: Any,
        new: Any,
        version: str,
        managers: Managers,
        manager: ManagerId,
        force: bool,
    ) -> tuple[Managers, Comparison]:
        """Others lose what was changed under them, or, unless forced, object."""
        mine = self._changes(live, new, version, version)
        changes = {version: mine}
        out: Managers = {}
        conflicts: list[Conflict] = []
        for other, owned in managers.items():
            if other == manager:
                out[other] = owned
                continue
            at = owned.api_version
            if at not in changes:
                if self.versions.type_at(at) is None:
                    continue
                changes[at] = self._changes(live, new, version, at)
            theirs = changes[at]
            lost = owned.fields.intersection(theirs.modified.union(theirs.added))
            conflicts += [Conflict(other, path) for path in lost]
            left = owned.fields.difference(lost).difference(theirs.removed)
            if left:
                out[other] = Owned(left, at, owned.applied)
        if conflicts and not force:
            raise ConflictsError(sorted(conflicts, key=lambda found: found.manager))
        if manager in out and not out[manager].fields:
            del out[manager]
        return out, mine

    def _changes(self, live: Any, new: Any, version: str, at: str) -> Comparison:
        if at != version:
            live, new = self.versions.convert(live, at), self.versions.convert(new, at)
        found = compare(self._type(at), live, new)
        return found.without(self.ignored.get(at, EMPTY))

    def _type(self, version: str) -> Type:
        kind = self.versions.type_at(version)
        if kind is None:
            raise LookupError(version)
        return kind

    def _reconciled(self, live: Any, managers: Managers) -> Managers:
        """Sets that were written under an older schema, in terms of today's."""
        out: Managers = {}
        for manager, owned in managers.items():
            kind = self.versions.type_at(owned.api_version)
            if kind is None:
                continue
            fields = reconcile(kind, owned.fields)
            if fields is not owned.fields:
                owned = Owned(fields, owned.api_version, owned.applied)
            out[manager] = owned
        return out

    # ---- removal of what is no longer applied

    def _prune(
        self, merged: Any, managers: Managers, manager: ManagerId, last: Owned | None
    ) -> Any:
        """Without what the manager applied last time, not this time, and nobody else owns."""
        if last is None or not last.fields:
            return merged
        kind = self.versions.type_at(last.api_version)
        if kind is None:
            return merged
        version = managers[manager].api_version
        whole = self._at(merged, version, last.api_version)
        pruned = remove(kind, whole, with_named_fields(kind, last.fields))
        pruned = self._add_owned(whole, pruned, last.api_version, managers)
        pruned = _add_dangling(kind, whole, pruned, last.fields)
        return self._at(pruned, last.api_version, version)

    def _at(self, value: Any, version: str, wanted: str) -> Any:
        return value if version == wanted else self.versions.convert(value, wanted)

    def _add_owned(self, whole: Any, pruned: Any, version: str, managers: Managers) -> Any:
        """Back comes what anybody owns, the applier's new configuration included."""
        owned: dict[str, FieldSet] = {}
        for one in managers.values():
            owned[one.api_version] = owned.get(one.api_version, EMPTY).union(one.fields)
        order = sorted(owned, key=lambda at: (at != version, at))
        at = version
        for wanted in order:
            kind = self.versions.type_at(wanted)
            if kind is None:
                continue
            whole, pruned = self._at(whole, at, wanted), self._at(pruned, at, wanted)
            at = wanted
            gone = with_named_fields(kind, to_set(kind, whole)).difference(
                with_named_fields(kind, to_set(kind, pruned)).union(
                    with_named_fields(kind, owned[wanted])
                )
            )
            pruned = remove(kind, whole, gone)
        return self._at(pruned, at, version)


def _add_dangling(kind: Type, whole: Any, pruned: Any, last: FieldSet) -> Any:
    """Back comes what nobody owns but went with a parent: only what was applied may go."""
    left = with_named_fields(kind, to_set(kind, pruned))
    all_ = with_named_fields(kind, to_set(kind, whole))
    gone = all_.difference(left).intersection(with_named_fields(kind, last))
    return remove(kind, whole, gone)
