"""Volumes of a pod. Models ValidateVolumes of pkg/apis/core/validation."""

from __future__ import annotations

from collections.abc import Iterable

from cluster.apiserver.kinds import names
from cluster.apiserver.kinds.containerrules import no_backsteps
from cluster.apiserver.kinds.envrules import VOLUME_FIELDS, field_selector, resource_selector
from cluster.machinery import quantity
from cluster.machinery.errors import (
    Cause,
    duplicate,
    forbidden_field,
    invalid_value,
    not_supported,
    required,
)
from cluster.machinery.meta import Object

MODE_TEXT = "must be a number between 0 and 0777 (octal), both inclusive"
HOST_PATH_TYPES = (
    "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate",
    "Socket",
)  # fmt: skip
# What a source must name, where that is all there is to check.
NEEDED: dict[str, tuple[str, ...]] = {
    "configMap": ("name",),
    "secret": ("secretName",),
    "persistentVolumeClaim": ("claimName",),
    "nfs": ("server", "path"),
    "csi": ("driver",),
    "iscsi": ("targetPortal", "iqn"),
    "glusterfs": ("endpoints", "path"),
    "rbd": ("image",),
    "cephfs": ("monitors",),
    "gcePersistentDisk": ("pdName",),
    "awsElasticBlockStore": ("volumeID",),
    "azureDisk": ("diskName", "diskURI"),
    "azureFile": ("secretName", "shareName"),
    "cinder": ("volumeID",),
    "flexVolume": ("driver",),
    "vsphereVolume": ("volumePath",),
    "gitRepo": ("repository",),
    "hostPath": ("path",),
    "ephemeral": ("volumeClaimTemplate",),
}


def volumes(found: Iterable[Object], path: str) -> list[Cause]:
    causes: list[Cause] = []
    seen: set[str] = set()
    for index, volume in enumerate(found):
        here, name = f"{path}[{index}]", volume.get("name", "")
        causes += _source(volume, here)
        if not name:
            causes.append(required(f"{here}.name"))
        else:
            causes += [invalid_value(f"{here}.name", name, t) for t in names.label(name)]
        if name in seen:
            causes.append(duplicate(f"{here}.name", name))
        seen.add(name)
    return causes


def _source(volume: Object, path: str) -> list[Cause]:
    sources = [k for k, v in volume.items() if k != "name" and v is not None]
    if not sources:
        return [required(path, "must specify a volume type")]
    causes: list[Cause] = []
    for extra in sources[1:]:
        text = "may not specify more than 1 volume type"
        causes.append(forbidden_field(f"{path}.{extra}", text))
    kind = sources[0]
    source, here = volume[kind], f"{path}.{kind}"
    causes += [required(f"{here}.{f}") for f in NEEDED.get(kind, ()) if not source.get(f)]
    if kind == "emptyDir":
        size = source.get("sizeLimit")
        if size is not None and quantity.is_valid(size) and quantity.parse(str(size)) < 0:
            text = "SizeLimit field must be a valid resource quantity"
            causes.append(forbidden_field(f"{here}.sizeLimit", text))
    elif kind == "hostPath":
        causes += no_backsteps(source.get("path", ""), f"{here}.path")
        if source.get("type", "") not in HOST_PATH_TYPES:
            causes.append(not_supported(f"{here}.type", source["type"], HOST_PATH_TYPES))
    elif kind == "nfs":
        if source.get("path") and not source["path"].startswith("/"):
            causes.append(invalid_value(f"{here}.path", source["path"], "must be an absolute path"))
    elif kind in ("configMap", "secret"):
        causes += _mode(source, here) + _items(source.get("items") or (), f"{here}.items")
    elif kind == "downwardAPI":
        causes += _mode(source, here) + _downward(source.get("items") or (), here)
    elif kind == "projected":
        causes += _mode(source, here)
        for index, entry in enumerate(source.get("sources") or ()):
            causes += _projected(entry, f"{here}.sources[{index}]")
    return causes


def _mode(source: Object, path: str, field: str = "defaultMode") -> list[Cause]:
    mode = source.get(field)
    if mode is None or 0 <= mode <= 0o777:
        return []
    return [invalid_value(f"{path}.{field}", mode, MODE_TEXT)]


def _items(items: Iterable[Object], path: str) -> list[Cause]:
    causes: list[Cause] = []
    for index, item in enumerate(items):
        here = f"{path}[{index}]"
        if not item.get("key"):
            causes.append(required(f"{here}.key"))
        causes += _target(item.get("path", ""), f"{here}.path") + _mode(item, here, "mode")
    return causes


def _target(target: str, path: str) -> list[Cause]:
    """Models validateLocalNonReservedPath."""
    if not target:
        return [required(path)]
    causes: list[Cause] = []
    if target.startswith("/"):
        causes.append(invalid_value(path, target, "must be a relative path"))
    causes += no_backsteps(target, path)
    if target.startswith(".."):
        causes.append(invalid_value(path, target, "must not start with '..'"))
    return causes


def _downward(items: Iterable[Object], path: str) -> list[Cause]:
    causes: list[Cause] = []
    for index, item in enumerate(items):
        here = f"{path}.items[{index}]"
        causes += _target(item.get("path", ""), f"{here}.path")
        if item.get("fieldRef"):
            causes += field_selector(item["fieldRef"], f"{here}.fieldRef", VOLUME_FIELDS)
            if item.get("resourceFieldRef"):
                text = "fieldRef and resourceFieldRef can not be specified simultaneously"
                causes.append(invalid_value(here, "resource", text))
        elif item.get("resourceFieldRef"):
            causes += resource_selector(item["resourceFieldRef"], f"{here}.resourceFieldRef", True)
        else:
            text = "one of fieldRef and resourceFieldRef is required"
            causes.append(required(f"{here}.fieldRef", text))
        causes += _mode(item, here, "mode")
    return causes


def _projected(entry: Object, path: str) -> list[Cause]:
    found = [k for k, v in entry.items() if v is not None]
    causes = [
        forbidden_field(f"{path}.{extra}", "may not specify more than 1 volume type")
        for extra in found[1:]
    ]
    for kind in found[:1]:
        source, here = entry[kind], f"{path}.{kind}"
        if kind in ("secret", "configMap"):
            if not source.get("name"):
                causes.append(required(f"{here}.name"))
            causes += _items(source.get("items") or (), f"{here}.items")
        elif kind == "downwardAPI":
            causes += _downward(source.get("items") or (), here)
        elif kind == "serviceAccountToken":
            seconds = source.get("expirationSeconds", 3600)
            if seconds < 600:
                text = "may not specify a duration less than 10 minutes"
                causes.append(invalid_value(f"{here}.expirationSeconds", seconds, text))
            if not source.get("path"):
                causes.append(required(f"{here}.path"))
    return causes
