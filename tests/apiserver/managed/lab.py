"""A small typed world for these tests: one schema, appliers and updaters of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cluster.apiserver.managed.fieldpath import FieldSet, key, value
from cluster.apiserver.managed.typed import validate
from cluster.apiserver.managed.types import Compiler, Type
from cluster.apiserver.managed.updater import ManagerId, Managers, Updater

STRING = {"type": "string"}
NUMBER = {"type": "integer"}
ITEM = {
    "type": "object",
    "properties": {
        "name": STRING,
        "value": NUMBER,
        "tags": {"type": "array", "items": STRING, "x-kubernetes-list-type": "set"},
    },
}
PORT = {
    "type": "object",
    "properties": {
        "port": NUMBER,
        "protocol": {"type": "string", "default": "TCP"},
        "name": STRING,
    },
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "numeric": NUMBER,
        "string": STRING,
        "bool": {"type": "boolean"},
        "set": {"type": "array", "items": STRING, "x-kubernetes-list-type": "set"},
        "list": {
            "type": "array",
            "items": ITEM,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
        },
        "ports": {
            "type": "array",
            "items": PORT,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["port", "protocol"],
        },
        "atomicList": {"type": "array", "items": ITEM, "x-kubernetes-list-type": "atomic"},
        "atomicMap": {
            "type": "object",
            "additionalProperties": STRING,
            "x-kubernetes-map-type": "atomic",
        },
        "map": {"type": "object", "additionalProperties": STRING},
        "mapOfLists": {
            "type": "object",
            "additionalProperties": {
                "type": "array", "items": STRING, "x-kubernetes-list-type": "set",
            },
        },
        "struct": {
            "type": "object",
            "properties": {"a": NUMBER, "b": NUMBER, "inner": {"$ref": "#/x/Inner"}},
        },
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    },
}  # fmt: skip
NAMED = {"Inner": {"type": "object", "properties": {"c": NUMBER, "inner": {"$ref": "#/x/Inner"}}}}
TYPE = Compiler(lambda name: NAMED[name]).compile(SCHEMA)


@dataclass
class OneKind:
    """Versions that are all alike, but for those that are gone."""

    kind: Type = TYPE
    gone: frozenset[str] = frozenset()

    def type_at(self, api_version: str) -> Type | None:
        return None if api_version in self.gone else self.kind

    def convert(self, found: Any, api_version: str) -> Any:
        return found


@dataclass
class Lab:
    """The state of one object, as appliers and updaters go at it."""

    live: Any = None
    managers: Managers = field(default_factory=dict)
    versions: OneKind = field(default_factory=OneKind)

    def apply(self, name: str, config: Any, force: bool = False, version: str = "v1") -> None:
        validate(self.versions.kind, config)
        self.live, self.managers = Updater(self.versions).apply(
            self.live or {}, config, version, self.managers, ManagerId(name, "Apply"), force
        )

    def update(self, name: str, new: Any, version: str = "v1") -> None:
        manager = ManagerId(name, "Update", version)
        self.managers = Updater(self.versions).update(
            self.live or {}, new, version, self.managers, manager
        )
        self.live = new

    def owned(self, name: str) -> set[str]:
        """The paths a manager owns, as text."""
        from cluster.apiserver.managed.fieldpath import path_text

        found = [owned for id_, owned in self.managers.items() if id_.name == name]
        return {path_text(path) for owned in found for path in owned.fields}


def paths(*found: tuple[Any, ...]) -> FieldSet:
    """Names are fields, dicts are keys, lists hold a set's value."""

    def element(part: Any) -> str:
        if isinstance(part, dict):
            return key(part)
        return value(part[0]) if isinstance(part, list) else "f:" + part

    return FieldSet.of(tuple(element(part) for part in path) for path in found)
