"""What a value may be and how it merges: scalars, lists (atomic, sets, associative), maps.

A Type is compiled lazily from an OpenAPI schema, because schemas refer to themselves. Models
structured-merge-diff/schema and kube-openapi/pkg/schemaconv. Where types come from is a
TypeSource: the published definitions, or the schemas of CustomResourceDefinitions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Protocol

Schema = Mapping[str, Any]
Resolve = Callable[[str], Schema]

NUMERIC, STRING, BOOLEAN, UNTYPED = "numeric", "string", "boolean", "untyped"


class ListType:
    """`keys` name an item of an associative list; without keys it is a set of scalars."""

    __slots__ = ("_item", "associative", "keys")

    def __init__(self, associative: bool, keys: tuple[str, ...], item: Callable[[], Type]) -> None:
        self.associative = associative
        self.keys = keys
        self._item: Callable[[], Type] | Type = item

    @property
    def item(self) -> Type:
        if not isinstance(self._item, Type):
            self._item = self._item()
        return self._item


class MapType:
    """A struct has `fields`; a map has `rest`, the type of every other value (None: refused)."""

    def __init__(
        self,
        atomic: bool,
        makers: dict[str, Callable[[], Type]],
        rest: Callable[[], Type | None],
        defaults: dict[str, Any],
    ) -> None:
        self.atomic = atomic
        self.defaults = defaults
        self._makers = makers
        self._fields: dict[str, Type] = {}
        self._rest: Callable[[], Type | None] | Type | None = rest

    def declares(self, name: str) -> bool:
        return name in self._makers

    def field(self, name: str) -> Type | None:
        """None when the schema does not know it."""
        found = self._fields.get(name)
        if found is not None:
            return found
        maker = self._makers.get(name)
        if maker is None:
            return self.rest
        found = self._fields[name] = maker()
        return found

    @cached_property
    def deep(self) -> dict[str, Type]:
        """The declared fields whose values own more than themselves."""
        found = {name: self.field(name) for name in self._makers}
        return {n: t for n, t in found.items() if t is not None and t.granular}

    @cached_property
    def granular_rest(self) -> Type | None:
        """The type of undeclared entries, if those own more than themselves."""
        return self.rest if self.rest is not None and self.rest.granular else None

    @property
    def rest(self) -> Type | None:
        if callable(self._rest):
            self._rest = self._rest()
        return self._rest


class Type:
    """Any of the three may be allowed at once (an untyped value); the value then decides."""

    __slots__ = ("list", "map", "scalar")

    def __init__(
        self, scalar: str = "", list_: ListType | None = None, map_: MapType | None = None
    ) -> None:
        self.scalar = scalar
        self.list = list_
        self.map = map_

    @property
    def granular(self) -> bool:
        """May there be fields below?"""
        if self.map is not None and not self.map.atomic:
            return True
        return self.list is not None and self.list.associative

    def form(self, found: Any) -> str:
        """Which of the three a value is taken for; null fits the first that is allowed."""
        if isinstance(found, dict):
            if self.map is not None:
                return "map"
        elif isinstance(found, list):
            if self.list is not None:
                return "list"
        elif found is not None and self.scalar:
            return "scalar"
        return "map" if self.map is not None else "scalar" if self.scalar else "list"


class TypeSource(Protocol):
    """Where the types of a kind are looked up."""

    def type_of(self, group: str, version: str, kind: str) -> Type | None: ...

    def empty(self, group: str, version: str, kind: str) -> dict[str, Any]:
        """The object before anything is said: structs that are always there. {} for CRDs."""
        ...


UNTYPED_TYPE = Type(UNTYPED)
UNTYPED_TYPE.list = ListType(False, (), lambda: UNTYPED_TYPE)
UNTYPED_TYPE.map = MapType(True, {}, lambda: UNTYPED_TYPE, {})
# What no schema describes: maps merge, lists are replaced.
DEDUCED = Type(UNTYPED)
DEDUCED.list = ListType(False, (), lambda: UNTYPED_TYPE)
DEDUCED.map = MapType(False, {}, lambda: DEDUCED, {})

_ZERO = {"string": "", "integer": 0, "number": 0, "boolean": False}
EVERY_OBJECT = {
    "apiVersion": {"type": "string"},
    "kind": {"type": "string"},
    "metadata": {"$ref": "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"},
}
# Defaults that the published definitions do not carry, by a list item's keys.
_KEY_DEFAULTS = {"protocol": "TCP"}


class Compiler:
    """Compiles schemas; each named definition once. `go` says that values of the kinds come from
    Go structs, where a required field always has at least its zero value."""

    def __init__(self, resolve: Resolve, go: bool = False) -> None:
        self._resolve = resolve
        self._go = go
        self._named: dict[tuple[str, str], Type] = {}

    def named(self, name: str, map_type: str = "") -> Type:
        found = self._named.get((name, map_type))
        if found is None:
            schema = self._resolve(name)
            found = self._named[name, map_type] = Type()
            self._fill(found, {**schema, "x-kubernetes-map-type": map_type} if map_type else schema)
        return found

    def compile(self, schema: Schema, preserve: bool = False) -> Type:
        schema = _only_ref(schema)
        if "$ref" in schema:
            name = str(schema["$ref"]).rpartition("/")[2]
            return self.named(name, str(schema.get("x-kubernetes-map-type") or ""))
        out = Type()
        self._fill(out, schema, preserve)
        return out

    def _fill(self, out: Type, schema: Schema, preserve: bool = False) -> None:
        preserve = preserve or schema.get("x-kubernetes-preserve-unknown-fields") is True
        kind = schema.get("type")
        if schema.get("x-kubernetes-int-or-string") or (not kind and _scalars_only(schema)):
            out.scalar = UNTYPED
        elif kind == "object" or (not kind and "properties" in schema):
            out.map = self._map(schema, preserve)
        elif kind == "array":
            out.list = self._list(schema, preserve)
        elif kind in ("integer", "number"):
            out.scalar = NUMERIC
        elif kind == "boolean":
            out.scalar = BOOLEAN
        elif kind == "string":
            out.scalar = STRING if schema.get("format", "") in ("", "byte") else UNTYPED
        else:
            out.scalar = UNTYPED
            out.list = self._list(schema, preserve)
            out.map = self._map(schema, preserve)

    def _list(self, schema: Schema, preserve: bool) -> ListType:
        associative, keys = _relationship(schema)
        items = schema.get("items")
        if not isinstance(items, Mapping):
            return ListType(associative, keys, lambda: UNTYPED_TYPE)
        return ListType(associative, keys, lambda: self.compile(items, preserve))

    def _map(self, schema: Schema, preserve: bool) -> MapType:
        properties = schema.get("properties") or {}
        if schema.get("x-kubernetes-embedded-resource"):
            properties = {**properties, **EVERY_OBJECT}
        makers = {n: _later(self.compile, s, preserve) for n, s in properties.items()}
        more = schema.get("additionalProperties")

        def rest() -> Type | None:
            if isinstance(more, Mapping):
                return self.compile(more, preserve)
            if more is None:
                return DEDUCED if preserve or not properties else None
            return DEDUCED if more else None

        atomic = schema.get("x-kubernetes-map-type") == "atomic"
        return MapType(atomic, makers, rest, _defaults(schema, self._go))


def _later(
    make: Callable[[Schema, bool], Type], schema: Schema, preserve: bool
) -> Callable[[], Type]:
    return lambda: make(schema, preserve)


def _only_ref(schema: Schema) -> Schema:
    """A reference that a single allOf wraps, so that something may stand beside it."""
    parts = schema.get("allOf")
    if "$ref" not in schema and isinstance(parts, list) and len(parts) == 1 and "$ref" in parts[0]:
        return {**schema, "$ref": parts[0]["$ref"]}
    return schema


def _scalars_only(schema: Schema) -> bool:
    """`oneOf: [string, number]`, as Quantity is published."""
    options = schema.get("oneOf") or schema.get("anyOf") or ()
    return bool(options) and all(
        isinstance(o, Mapping) and o.get("type") in ("string", "number", "integer") for o in options
    )


def _relationship(schema: Schema) -> tuple[bool, tuple[str, ...]]:
    """(associative, keys). Models getListElementRelationship."""
    kind = schema.get("x-kubernetes-list-type")
    if kind == "map":
        return True, tuple(schema.get("x-kubernetes-list-map-keys") or ())
    if kind:
        return kind == "set", ()
    strategy = str(schema.get("x-kubernetes-patch-strategy") or "")
    if "merge" in strategy.split(","):
        merge_key = schema.get("x-kubernetes-patch-merge-key")
        return True, (str(merge_key),) if merge_key else ()
    return False, ()


def _defaults(schema: Schema, go: bool) -> dict[str, Any]:
    """What stands for an absent key of a list item."""
    out: dict[str, Any] = {}
    required = schema.get("required") or ()
    for name, member in (schema.get("properties") or {}).items():
        if "default" in member:
            out[name] = member["default"]
        elif go and name in required and member.get("type") in _ZERO:
            out[name] = _ZERO[member["type"]]
        elif go and name in _KEY_DEFAULTS and member.get("type") == "string":
            out[name] = _KEY_DEFAULTS[name]
    return out
