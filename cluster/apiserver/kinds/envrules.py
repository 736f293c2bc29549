"""Environment variables and where their values come from. Models pkg/apis/core/validation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from cluster.apiserver.kinds import names
from cluster.machinery.errors import Cause, invalid_value, not_supported, required
from cluster.machinery.meta import Object

NAME = re.compile(r"[ -<>-~]+")
NAME_TEXT = (
    "a valid environment variable name must consist only of printable ASCII characters other than "
    "'='"
)
SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
SOURCES_TEXT = (
    "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
)
ENV_FIELDS = (
    "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName",
    "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
)  # fmt: skip
VOLUME_FIELDS = (
    "metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace",
    "metadata.uid",
)  # fmt: skip
RESOURCE_FIELDS = (
    "limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu",
    "requests.ephemeral-storage", "requests.memory",
)  # fmt: skip
KNOWN_FIELDS = frozenset((*ENV_FIELDS, *VOLUME_FIELDS, "spec.restartPolicy", "status.phase"))
SUBSCRIPT = re.compile(r"(metadata\.(?:annotations|labels))\['(.+)'\]")


def env(entries: Iterable[Object], path: str) -> list[Cause]:
    causes: list[Cause] = []
    for index, entry in enumerate(entries):
        name, here = entry.get("name", ""), f"{path}[{index}]"
        if not name:
            causes.append(required(f"{here}.name"))
        elif not NAME.fullmatch(name):
            causes.append(invalid_value(f"{here}.name", name, NAME_TEXT))
        if entry.get("valueFrom") is not None:
            causes += _value_from(entry, f"{here}.valueFrom")
    return causes


def _value_from(entry: Object, path: str) -> list[Cause]:
    source = entry["valueFrom"]
    causes: list[Cause] = []
    found = [s for s in SOURCES if source.get(s) is not None]
    for kind in found:
        causes += _source(kind, source[kind], f"{path}.{kind}")
    if not found:
        causes.append(invalid_value(path, "", SOURCES_TEXT))
    elif entry.get("value"):
        text = "may not be specified when `value` is not empty"
        causes.append(invalid_value(path, "", text))
    elif len(found) > 1:
        text = "may not have more than one field specified at a time"
        causes.append(invalid_value(path, "", text))
    return causes


def _source(kind: str, source: Object, path: str) -> list[Cause]:
    if kind == "fieldRef":
        return field_selector(source, path, ENV_FIELDS)
    if kind == "resourceFieldRef":
        return resource_selector(source, path, False)
    if kind == "fileKeyRef":
        fields = ("volumeName", "path", "key")
        return [required(f"{path}.{f}") for f in fields if not source.get(f)]
    causes: list[Cause] = []
    if not source.get("name"):
        causes.append(required(f"{path}.name"))
    key = source.get("key", "")
    if not key:
        causes.append(required(f"{path}.key"))
    else:
        causes += [invalid_value(f"{path}.key", key, t) for t in names.config_key(key)]
    return causes


def field_selector(source: Object, path: str, allowed: Sequence[str]) -> list[Cause]:
    """Models validateObjectFieldSelector."""
    if not source.get("apiVersion"):
        return [required(f"{path}.apiVersion")]
    field, here = source.get("fieldPath", ""), f"{path}.fieldPath"
    if not field:
        return [required(here)]
    subscript = SUBSCRIPT.fullmatch(field)
    if subscript:
        return names.qualified(subscript[2].lower(), here)
    if field not in KNOWN_FIELDS:
        text = f"error converting fieldPath: field label not supported: {field}"
        return [invalid_value(here, field, text)]
    return [] if field in allowed else [not_supported(here, field, allowed)]


def resource_selector(source: Object, path: str, volume: bool) -> list[Cause]:
    """Models validateContainerResourceFieldSelector."""
    if volume and not source.get("containerName"):
        return [required(f"{path}.containerName")]
    name = source.get("resource", "")
    if not name:
        return [required(f"{path}.resource")]
    if name in RESOURCE_FIELDS or ".hugepages-" in name:
        return []
    return [not_supported(f"{path}.resource", name, RESOURCE_FIELDS)]


def env_from(entries: Iterable[Object], path: str) -> list[Cause]:
    causes: list[Cause] = []
    for index, entry in enumerate(entries):
        here, prefix = f"{path}[{index}]", entry.get("prefix")
        if prefix and not NAME.fullmatch(prefix):
            causes.append(invalid_value(f"{here}.prefix", prefix, NAME_TEXT))
        found = [s for s in ("configMapRef", "secretRef") if entry.get(s) is not None]
        causes += [required(f"{here}.{s}.name") for s in found if not entry[s].get("name")]
        if not found:
            text = "must specify one of: `configMapRef` or `secretRef`"
            causes.append(invalid_value(here, "", text))
        elif len(found) > 1:
            text = "may not have more than one field specified at a time"
            causes.append(invalid_value(here, "", text))
    return causes
