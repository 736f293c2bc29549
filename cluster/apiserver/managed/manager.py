"""The field manager of one kind and subresource: what an update or an apply does to an object.

Objects are plain dicts; the live one is empty ({} or None) for a creation. Models
apimachinery/pkg/util/managedfields/internal/fieldmanager.go and the managers it stacks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from cluster.apiserver.managed import entries
from cluster.apiserver.managed.compare import compare
from cluster.apiserver.managed.conflicts import conflict_error
from cluster.apiserver.managed.entries import APPLY, UPDATE, Managed
from cluster.apiserver.managed.fieldpath import FieldSet, path
from cluster.apiserver.managed.sources import Types
from cluster.apiserver.managed.typed import MisfitError, to_set, validate
from cluster.apiserver.managed.types import Type
from cluster.apiserver.managed.updater import (
    ConflictsError,
    Ignored,
    ManagerId,
    Managers,
    Owned,
    Updater,
)
from cluster.machinery import errors
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
BEFORE_FIRST = "before-first-apply"
# Identity and what only the server sets are nobody's.
STRIPPED = FieldSet.of(
    [
        path("apiVersion"),
        path("kind"),
        path("metadata"),
        *(
            path("metadata", name)
            for name in (
                "name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName",
                "generation", "managedFields", "resourceVersion",
            )
        ),
    ]
)  # fmt: skip
Convert = Callable[[Object, str], Object]


@dataclass(slots=True)
class KindVersions:
    """The versions of one kind; by default they differ in nothing but their name."""

    types: Types
    kind: str
    converter: Convert | None = None

    def type_at(self, api_version: str) -> Type | None:
        group, _, version = api_version.rpartition("/")
        return self.types.type_of(group, version, self.kind)

    def convert(self, value: Any, api_version: str) -> Any:
        if not value:
            return value
        if self.converter is not None:
            return self.converter(value, api_version)
        return {**value, "apiVersion": api_version}


@dataclass(slots=True)
class FieldManager:
    versions: KindVersions
    api_version: str
    subresource: str = ""
    ignored: Ignored = field(default_factory=dict)

    # ---- create, update, patch

    def update(self, live: Object | None, new: Object, name: str, now: str) -> None:
        """Sets the managedFields of `new`, which is about to replace `live`."""
        before = (live or {}).get("metadata", {}).get("managedFields")
        sent = new["metadata"].pop("managedFields", None)
        if self.subresource:
            sent = None
        if entries.resets(sent):
            managed = Managed()
        else:
            managed = entries.decode_or_empty(sent)
            if not managed.managers:
                managed = entries.decode_or_empty(before)
        if managed.managers or live is None:
            try:
                self._update(live or {}, new, managed, name or "unknown", now)
            except MisfitError:
                _put(new, before)  # what cannot be typed keeps its owners, as upstream
                return
        _put(new, entries.encode(managed))

    def _update(self, live: Object, new: Object, managed: Managed, name: str, now: str) -> None:
        manager = ManagerId(name, UPDATE, self.api_version, self.subresource)
        self._changed_by(live, new, managed, manager, now)
        entries.cap_updaters(managed)

    def _changed_by(
        self, live: Object, new: Object, managed: Managed, manager: ManagerId, now: str
    ) -> None:
        """The operation is a manager of its own until it is known what it changed."""
        this = ManagerId("", UPDATE)
        updater = Updater(self.versions, self.ignored)
        # What is a struct by value in Go is there on both sides, said or not.
        empty = self.versions.types.empty(self.api_version, self.versions.kind)
        old, changed = {**empty, **_bare(live)}, {**empty, **_bare(new)}
        managers = updater.update(old, changed, self.api_version, managed.managers, this)
        _strip(managers, this)
        mine = managers.pop(this, None)
        if mine is not None:
            had = managers.get(manager)
            fields = mine.fields if had is None else mine.fields.union(had.fields)
            managers[manager] = Owned(fields, self.api_version)
            managed.times[manager] = now
        managed.managers = managers

    # ---- apply

    def apply(
        self, live: Object | None, config: Object, name: str, force: bool, now: str
    ) -> Object:
        """The new object. Raises StatusError 400 or 409. Nothing given is changed."""
        self._check(config)
        old = live or {}
        managed = _decoded(old)
        if not managed.managers and live is not None:
            self._changed_by(
                {}, old, managed, ManagerId(BEFORE_FIRST, UPDATE, self.api_version), now
            )
        manager = ManagerId(name, APPLY, "", self.subresource)
        try:
            new = self._apply_upgrading(old, config, managed, manager, force)
        except ConflictsError as error:
            raise conflict_error(error.conflicts) from error
        except MisfitError as error:
            raise self._misfit(config, error) from error
        if new is None or new == _bare(old):
            new = _bare(old)
        else:
            managed.times[manager] = now
        if name == "kubectl":
            new = _with_last_applied(new, config)
        return _with_entries(new, managed)

    def _check(self, config: Object) -> None:
        version, kind = _text(config.get("apiVersion")), _text(config.get("kind"))
        if (version, kind) != (self.api_version, self.versions.kind):
            raise errors.bad_request(f"invalid object type: {_kind_text(version, kind)}")
        meta = config.get("metadata")
        if isinstance(meta, dict) and meta.get("managedFields") is not None:
            raise errors.bad_request("metadata.managedFields must be nil")
        kind_type = self.versions.type_at(self.api_version)
        assert kind_type is not None
        try:
            validate(kind_type, config)
        except MisfitError as error:
            raise self._misfit(config, error) from error

    def _misfit(self, config: Object, error: MisfitError) -> StatusError:
        """Upstream answers this with 500 and no reason; it is the client's fault, so 400."""
        meta = config.get("metadata")
        meta = meta if isinstance(meta, dict) else {}
        where = f"{meta.get('namespace', '')}/{meta.get('name', '')}"
        kind = _kind_text(self.api_version, self.versions.kind)
        return StatusError(
            400, "", f"failed to create typed patch object ({where}; {kind}): {error}", {}
        )

    def _apply_upgrading(
        self, old: Object, config: Object, managed: Managed, manager: ManagerId, force: bool
    ) -> Object | None:
        """kubectl takes over from its own client-side apply. Models lastAppliedManager."""
        try:
            return self._apply(old, config, managed, manager, force)
        except ConflictsError as error:
            if manager.name != "kubectl":
                raise
            allowed = self._applied_before(old)
            if allowed is None:
                raise
            left = [c for c in error.conflicts if c.path not in allowed]
            conflicts = FieldSet.of(c.path for c in error.conflicts)
            if conflicts.difference(allowed):
                raise ConflictsError(left) from error
        return self._apply(old, config, managed, manager, True)

    def _apply(
        self, old: Object, config: Object, managed: Managed, manager: ManagerId, force: bool
    ) -> Object | None:
        updater = Updater(self.versions, self.ignored, STRIPPED)
        new, managers = updater.apply(
            _bare(old), config, self.api_version, managed.managers, manager, force
        )
        _strip(managers, manager)
        managed.managers = managers
        return new if isinstance(new, dict) else None

    def _applied_before(self, old: Object) -> FieldSet | None:
        """What client-side apply set and nobody changed since. Models
        allowedConflictsFromLastApplied."""
        text = (old.get("metadata", {}).get("annotations") or {}).get(LAST_APPLIED)
        kind = self.versions.type_at(self.api_version)
        if not text or kind is None:
            return None
        try:
            last = orjson.loads(text)
            if not isinstance(last, dict) or last.get("apiVersion") != self.api_version:
                return None
            changes = compare(kind, last, _bare(old))
            fields = to_set(kind, last)
        except (ValueError, MisfitError):
            return None
        for changed in (changes.modified, changes.added, changes.removed):
            fields = fields.difference(changed)
        return fields


def _text(found: Any) -> str:
    return found if isinstance(found, str) else ""


def _kind_text(api_version: str, kind: str) -> str:
    """As Go prints a GroupVersionKind; the core group is empty."""
    return f"{api_version if '/' in api_version else '/' + api_version}, Kind={kind}"


def _decoded(old: Object) -> Managed:
    try:
        return entries.decode(old.get("metadata", {}).get("managedFields"))
    except entries.MalformedError as error:
        raise errors.bad_request(f"failed to decode managed fields: {error}") from error


def _bare(obj: Object) -> Object:
    """Without managedFields, so that they do not manage themselves."""
    meta = obj.get("metadata")
    if not isinstance(meta, dict) or "managedFields" not in meta:
        return obj
    return {**obj, "metadata": {k: v for k, v in meta.items() if k != "managedFields"}}


def _put(obj: Object, found: Any) -> None:
    if found:
        obj["metadata"]["managedFields"] = found


def _with_entries(obj: Object, managed: Managed) -> Object:
    meta = {**(obj.get("metadata") or {})}
    if found := entries.encode(managed):
        meta["managedFields"] = found
    return {**obj, "metadata": meta}


def _strip(managers: Managers, manager: ManagerId) -> None:
    owned = managers.get(manager)
    if owned is None:
        return
    fields = owned.fields.difference(STRIPPED)
    if fields:
        managers[manager] = Owned(fields, owned.api_version, owned.applied)
    else:
        del managers[manager]


def _with_last_applied(new: Object, config: Object) -> Object:
    """Keeps client-side apply's annotation in step, where there is one."""
    meta = new.get("metadata") or {}
    annotations = meta.get("annotations") or {}
    if not annotations.get(LAST_APPLIED):
        return new
    given = config.get("metadata") or {}
    plain = {k: v for k, v in (given.get("annotations") or {}).items() if k != LAST_APPLIED}
    stripped = {**given, "annotations": plain} if given.get("annotations") else given
    text = orjson.dumps({**config, "metadata": stripped}, option=orjson.OPT_SORT_KEYS).decode()
    kept = {**annotations, LAST_APPLIED: text + "\n"}
    return {**new, "metadata": {**meta, "annotations": kept}}
