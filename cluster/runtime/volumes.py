"""Volumes as directories: shared by the containers of a pod, made of objects where they are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cluster.apiserver.resources import CONFIG_MAPS, SECRETS, Resource
from cluster.machinery.meta import Object
from cluster.runtime import fields
from cluster.runtime.environment import values_of
from cluster.runtime.fs import Directory, File, Link, Node

if TYPE_CHECKING:
    from cluster.runtime.around import Surroundings

Contents = dict[str, tuple[bytes, int]]  # path -> content, mode
DEFAULT_MODE = 0o644
# What other packages have put on the nodes: directories by their path there, made for a pod.
HOST_PATHS: dict[str, Callable[[Object], Directory]] = {}


class MissingVolumeError(Exception):
    """FailedMount: an object that a volume is made of is not there."""


def build(pod: Object, volume: Object, around: Surroundings, now: float) -> Directory:
    """The directory behind a volume. Raises MissingVolumeError."""
    if any(k in volume for k in ("configMap", "secret", "downwardAPI", "projected")):
        made = Directory(mtime=now)
        last: list[Contents] = []

        def refresh() -> None:
            try:
                wanted = contents(pod, volume, around)
            except MissingVolumeError:
                return  # what was mounted stays
            if last != [wanted]:
                last[:] = [wanted]
                _publish(made, wanted, now)

        last.append(contents(pod, volume, around))
        _publish(made, last[0], now)
        made.refresh = refresh
        return made
    path = (volume.get("hostPath") or {}).get("path", "").rstrip("/")
    if path in HOST_PATHS:
        return HOST_PATHS[path](pod)
    mode = 0o777 if "emptyDir" in volume else 0o755
    return Directory({}, mode, now)


def _publish(top: Directory, wanted: Contents, now: float) -> None:
    """Through ..data, so that all files change at once. Models util/atomic_writer.go."""
    stamp = f"..{datetime.fromtimestamp(now, UTC).strftime('%Y_%m_%d_%H_%M_%S')}.{len(wanted):010}"
    data = Directory({}, 0o755, now)
    for path, (content, mode) in wanted.items():
        here = data
        *folders, name = [p for p in path.split("/") if p]
        for folder in folders:
            child = here.children.setdefault(folder, Directory({}, 0o755, now))
            assert isinstance(child, Directory)
            here = child
        here.children[name] = File(content, mode, now)
    children: dict[str, Node] = {stamp: data, "..data": Link(stamp, now)}
    for name in sorted({path.strip("/").partition("/")[0] for path in wanted}):
        children[name] = Link(f"..data/{name}", now)
    top.children.clear()
    top.children.update(children)


def contents(pod: Object, volume: Object, around: Surroundings) -> Contents:
    """Raises MissingVolumeError."""
    if source := volume.get("configMap"):
        mode = source.get("defaultMode") or DEFAULT_MODE
        return _object(pod, CONFIG_MAPS, "configmap", source.get("name", ""), source, mode, around)
    if source := volume.get("secret"):
        mode = source.get("defaultMode") or DEFAULT_MODE
        name = source.get("secretName", "")
        return _object(pod, SECRETS, "secret", name, source, mode, around)
    if source := volume.get("downwardAPI"):
        return _downward(pod, source, source.get("defaultMode") or DEFAULT_MODE)
    out: Contents = {}
    projected = volume.get("projected") or {}
    mode = projected.get("defaultMode") or DEFAULT_MODE
    for source in projected.get("sources") or ():
        out.update(_projected(pod, source, mode, around))
    return out


def _projected(pod: Object, source: Object, mode: int, around: Surroundings) -> Contents:
    if inner := source.get("configMap"):
        return _object(pod, CONFIG_MAPS, "configmap", inner.get("name", ""), inner, mode, around)
    if inner := source.get("secret"):
        return _object(pod, SECRETS, "secret", inner.get("name", ""), inner, mode, around)
    if inner := source.get("downwardAPI"):
        return _downward(pod, inner, mode)
    if inner := source.get("serviceAccountToken"):
        token = around.token(pod, inner.get("audience", ""), inner.get("expirationSeconds") or 3600)
        return {inner["path"]: (token.encode(), mode)}
    return {}


def _object(
    pod: Object, resource: Resource, kind: str, name: str, source: Object, mode: int,
    around: Surroundings,
) -> Contents:  # fmt: skip
    namespace = pod["metadata"]["namespace"]
    found = around.find(resource, namespace, name)
    if found is None:
        if source.get("optional"):
            return {}
        raise MissingVolumeError(f'{kind} "{name}" not found')
    values = values_of(found)
    items = source.get("items")
    if not items:
        return {key: (value, mode) for key, value in values.items()}
    out: Contents = {}
    for item in items:
        if item["key"] not in values:
            if source.get("optional"):
                continue
            raise MissingVolumeError(f"references non-existent {kind} key: {item['key']}")
        out[item["path"]] = (values[item["key"]], item.get("mode") or mode)
    return out


def _downward(pod: Object, source: Object, mode: int) -> Contents:
    out: Contents = {}
    for item in source.get("items") or ():
        if reference := item.get("fieldRef"):
            text = fields.field(pod, reference["fieldPath"])
        else:
            text = fields.resource(pod, "", item["resourceFieldRef"])
        out[item["path"]] = (text.encode(), item.get("mode") or mode)
    return out
