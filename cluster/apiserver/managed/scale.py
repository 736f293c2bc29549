"""Ownership of spec.replicas seen through the scale subresource.

Models apimachinery/pkg/util/managedfields/scalehandler.go.
"""

from __future__ import annotations

from typing import Any

from cluster.apiserver.managed import entries
from cluster.apiserver.managed.entries import Managed
from cluster.apiserver.managed.fieldpath import FieldSet, Path, path
from cluster.apiserver.managed.updater import Owned

SCALE_VERSION = "autoscaling/v1"
REPLICAS = path("spec", "replicas")


def to_scale(found: Any, replicas: Path = REPLICAS) -> list[entries.Entry]:
    """The parent's managers that own its replicas, as managers of its Scale."""
    parent = entries.decode_or_empty(found)
    out = Managed(times=parent.times)
    for manager, owned in parent.managers.items():
        if replicas in owned.fields:
            fields = FieldSet.of([REPLICAS])
            out.managers[manager] = Owned(fields, SCALE_VERSION, owned.applied)
    return entries.encode(out)


def to_parent(
    found: Any, scale: Any, api_version: str, replicas: Path = REPLICAS
) -> list[entries.Entry]:
    """The parent's managers after its Scale was written: replicas may have been taken over."""
    parent, scaled = entries.decode_or_empty(found), entries.decode_or_empty(scale)
    out = Managed()
    taken = FieldSet.of([replicas])
    for manager, owned in parent.managers.items():
        fields = owned.fields
        if replicas in fields and _find(scaled, manager) is None:
            fields = fields.difference(taken)
        else:
            _forget(scaled, manager)
        if fields:
            out.managers[manager] = Owned(fields, owned.api_version, owned.applied)
            out.times[manager] = parent.times.get(manager, "")
    for manager, owned in scaled.managers.items():
        if REPLICAS in owned.fields:
            named = manager if owned.applied else manager._replace(api_version=api_version)
            # A new owner has no time here, as upstream: times come from the parent's entries.
            out.managers[named] = Owned(taken, api_version, owned.applied)
            out.times[named] = parent.times.get(named, "")
    return entries.encode(out)


def _key(managed: Managed, manager: entries.ManagerId) -> entries.ManagerId | None:
    """Entries of a Scale name its version where the parent's name their own."""
    for candidate in (manager, manager._replace(api_version=SCALE_VERSION)):
        if candidate in managed.managers:
            return candidate
    return None


def _find(managed: Managed, manager: entries.ManagerId) -> Owned | None:
    key = _key(managed, manager)
    return None if key is None else managed.managers[key]


def _forget(managed: Managed, manager: entries.ManagerId) -> None:
    key = _key(managed, manager)
    if key is not None:
        del managed.managers[key]
