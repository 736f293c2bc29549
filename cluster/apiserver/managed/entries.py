"""metadata.managedFields: to and from managers with their sets and times.

Models apimachinery/pkg/util/managedfields/internal (managedfields.go, capmanagers.go).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import orjson

from cluster.apiserver.managed.fieldpath import EMPTY, FieldSet
from cluster.apiserver.managed.updater import ManagerId, Managers, Owned

APPLY, UPDATE = "Apply", "Update"
MAX_UPDATERS = 10
ANCIENT = "ancient-changes"
Entry = dict[str, Any]


@dataclass(slots=True)
class Managed:
    """Times as they are written, RFC 3339; empty for none."""

    managers: Managers = field(default_factory=dict)
    times: dict[ManagerId, str] = field(default_factory=dict)


class MalformedError(ValueError):
    """The entries cannot be understood."""


def resets(entries: Any) -> bool:
    """An empty list, or a list of one empty entry, asks to forget all managers."""
    return isinstance(entries, list) and (not entries or entries == [{}])


def decode(entries: Any) -> Managed:
    """Raises MalformedError."""
    out = Managed()
    for index, entry in enumerate(entries or ()):
        if not isinstance(entry, dict) or entry.get("operation") not in (APPLY, UPDATE):
            raise MalformedError("operation must be `Apply` or `Update`")
        if not entry.get("apiVersion"):
            raise MalformedError("apiVersion must not be empty")
        kind = entry.get("fieldsType")
        if kind != "FieldsV1":
            why = f'invalid fieldsType "{kind}"' if kind else "missing fieldsType"
            raise MalformedError(f"{why} in managed fields entry {index}")
        manager = _identify(entry)
        fields = _fields(entry.get("fieldsV1"))
        applied = entry["operation"] == APPLY
        out.managers[manager] = Owned(fields, entry["apiVersion"], applied)
        out.times[manager] = entry.get("time") or ""
    return out


def decode_or_empty(entries: Any) -> Managed:
    try:
        return decode(entries)
    except MalformedError:
        return Managed()


def _identify(entry: Entry) -> ManagerId:
    version = "" if entry["operation"] == APPLY else entry["apiVersion"]
    return ManagerId(
        entry.get("manager") or "", entry["operation"], version, entry.get("subresource") or ""
    )


def _fields(found: Any) -> FieldSet:
    if found is None:
        return EMPTY
    try:
        return _read(orjson.dumps(found))
    except (ValueError, TypeError) as error:
        raise MalformedError(f"error decoding set: {error}") from error


@lru_cache(maxsize=2048)
def _read(text: bytes) -> FieldSet:
    """Sets are never changed, so equal ones are one."""
    return FieldSet.from_fields(orjson.loads(text))


def encode(managed: Managed) -> list[Entry]:
    """Sorted as upstream: operation, time, manager, version, subresource."""
    out = []
    for manager, owned in managed.managers.items():
        entry: Entry = {"manager": manager.name, "operation": manager.operation}
        entry["apiVersion"] = owned.api_version
        if time := managed.times.get(manager):
            entry["time"] = time
        entry["fieldsType"] = "FieldsV1"
        entry["fieldsV1"] = owned.fields.to_fields()
        if manager.subresource:
            entry["subresource"] = manager.subresource
        out.append(entry)
    return sorted(out, key=_order)


def _order(entry: Entry) -> tuple[str, ...]:
    return (
        entry["operation"],
        entry.get("time", ""),
        entry["manager"],
        entry["apiVersion"],
        entry.get("subresource", ""),
    )


def without_times(entries: Any) -> Any:
    """For comparing: a new time alone is no change."""
    if not isinstance(entries, list):
        return entries
    return [{k: v for k, v in e.items() if k != "time"} for e in entries]


def cap_updaters(managed: Managed) -> None:
    """Puts the oldest updates of a version together until there are few enough."""
    updaters = [m for m, owned in managed.managers.items() if not owned.applied]
    count = len(updaters)
    if count <= MAX_UPDATERS:
        return
    updaters.sort(key=lambda m: (managed.times.get(m, ""), m))
    first: dict[str, ManagerId] = {}
    for manager in updaters:
        if count <= MAX_UPDATERS:
            return
        owned = managed.managers[manager]
        version = owned.api_version
        if version not in first:
            first[version] = manager
            continue
        bucket = ManagerId(ANCIENT, UPDATE, version)
        if bucket not in managed.managers:
            managed.managers[bucket] = managed.managers.pop(first[version])
        together = owned.fields.union(managed.managers[bucket].fields)
        managed.managers[bucket] = Owned(together, version)
        if manager != bucket:
            del managed.managers[manager]
        managed.times[bucket] = managed.times.get(manager, "")
        count -= 1
