"""What a schema in a CustomResourceDefinition must be: structural, and within what is supported.

Models ValidateStructural, ValidateDefaults and ValidateCustomResourceDefinitionOpenAPISchema.
"""

from __future__ import annotations

from typing import Any

from cluster.apiserver.custom.schema.completeness import complete_causes
from cluster.apiserver.custom.schema.lists import list_causes
from cluster.apiserver.custom.schema.patterns import pattern_of
from cluster.apiserver.custom.schema.structural import (
    EMBEDDED,
    INT_OR_STRING,
    JUNCTORS,
    MAP_TYPE,
    PRESERVE,
    RULES,
    Schema,
    has,
    items_of,
)
from cluster.apiserver.custom.schema.validation import Validator
from cluster.machinery.errors import (
    Cause,
    forbidden_field,
    invalid_value,
    not_supported,
    required,
)
from cluster.machinery.meta import deep_copy

TYPES = ("array", "boolean", "integer", "number", "object", "string")
UNSUPPORTED = ("id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref")
INT_OR_STRING_ANY = [{"type": "integer"}, {"type": "string"}]
AT_ROOT = (
    "Description", "Type", "Format", "Title", "Maximum", "ExclusiveMaximum", "Minimum",
    "ExclusiveMinimum", "MaxLength", "MinLength", "Pattern", "MaxItems", "MinItems", "UniqueItems",
    "MultipleOf", "Required", "Items", "Properties", "ExternalDocs", "Example",
    "XPreserveUnknownFields", "XValidations",
)  # fmt: skip
GO_NAMES = {PRESERVE: "XPreserveUnknownFields", RULES: "XValidations"}
# Not below allOf, anyOf, oneOf, not: what decides the shape is said once, outside.
NESTED = {
    "type": "must be empty to be structural",
    "additionalProperties": "must be undefined to be structural",
    "default": "must be undefined to be structural",
    "title": "must be empty to be structural",
    "description": "must be empty to be structural",
    "nullable": "must be false to be structural",
    PRESERVE: "must be false to be structural",
    EMBEDDED: "must be false to be structural",
    INT_OR_STRING: "must be false to be structural",
    "x-kubernetes-list-map-keys": "must be empty to be structural",
    "x-kubernetes-list-type": "must be undefined to be structural",
    MAP_TYPE: "must be undefined to be structural",
    RULES: "must be empty to be structural",
}


def validate(schema: Schema, path: str, has_status: bool) -> list[Cause]:
    causes = _root(schema, path, has_status)
    structural = sorted(_invariants(schema, path, "root") + complete_causes(schema, path), key=str)
    causes += structural
    supported = _supported(schema, path, root=True)
    if not structural:
        causes += _defaults(schema, path)
    causes += supported
    if not causes and has(schema, lambda node: bool(node.get(RULES))):
        from cluster.apiserver.custom.rulechecks import compile_causes

        causes += compile_causes(schema, path)
    return causes


def _root(schema: Schema, path: str, has_status: bool) -> list[Cause]:
    causes: list[Cause] = []
    if has_status:
        kind = schema.get("type", "")
        if kind != "object":
            text = (
                'only "object" is allowed as the type at the root of the schema if the status '
                "subresource is enabled"
            )
            causes.append(invalid_value(f"{path}.type", kind, text))
        strange = [k for k in schema if GO_NAMES.get(k, k[:1].upper() + k[1:]) not in AT_ROOT]
        if strange:
            text = (
                f"only [{' '.join(AT_ROOT)}] fields are allowed at the root of the schema if the "
                "status subresource is enabled"
            )
            causes.append(invalid_value(path, schema, text))
    if schema.get("nullable"):
        causes.append(forbidden_field(f"{path}.nullable", "nullable cannot be true at the root"))
    return causes


# ---- structural: the shape is said outside of the junctors


def _invariants(schema: Schema, path: str, level: str) -> list[Cause]:
    causes: list[Cause] = []
    kind, inner = schema.get("type") or "", items_of(schema)
    if kind == "array" and inner is None:
        causes.append(required(f"{path}.items", "must be specified"))
    if inner is not None:
        causes += _invariants(inner, f"{path}.items", "item")
    for name, below in (schema.get("properties") or {}).items():
        causes += _invariants(below, f"{path}.properties[{name}]", "field")
    extra = schema.get("additionalProperties")
    if extra is not None and level == "root":
        causes.append(
            forbidden_field(f"{path}.additionalProperties", "must not be used at the root")
        )
    if isinstance(extra, dict):
        causes += _invariants(extra, f"{path}.additionalProperties", "field")
    causes += _type(schema, path, level) + _junctors(schema, path)
    if schema.get(INT_OR_STRING):
        text = "must be false if x-kubernetes-int-or-string is true"
        for name in (PRESERVE, EMBEDDED):
            if schema.get(name):
                causes.append(invalid_value(f"{path}.{name}", True, text))
    return causes + _metadata(schema, path, level)


def _type(schema: Schema, path: str, level: str) -> list[Cause]:
    kind, where = schema.get("type") or "", f"{path}.type"
    causes: list[Cause] = []
    if schema.get(EMBEDDED) and kind != "object":
        text = "must be object if x-kubernetes-embedded-resource is true"
        causes.append(invalid_value(where, kind, text) if kind else required(where, text))
    elif not kind and not schema.get(INT_OR_STRING) and not schema.get(PRESERVE):
        text = {
            "root": "must not be empty at the root",
            "item": "must not be empty for specified array items",
            "field": "must not be empty for specified object fields",
        }[level]
        causes.append(required(where, text))
    if level == "root" and kind and kind != "object":
        causes.append(invalid_value(where, kind, "must be object at the root"))
    return causes


def _metadata(schema: Schema, path: str, level: str) -> list[Cause]:
    causes: list[Cause] = []
    properties = schema.get("properties") or {}
    if level != "root" and not schema.get(EMBEDDED):
        return causes
    for name in ("kind", "apiVersion"):
        if name in properties and properties[name].get("type") != "string":
            where = f"{path}.properties[{name}].type"
            causes.append(invalid_value(where, properties[name].get("type", ""), "must be string"))
    meta = properties.get("metadata")
    if meta is not None:
        where = f"{path}.properties[metadata]"
        if meta.get("type") != "object":
            causes.append(invalid_value(f"{where}.type", meta.get("type", ""), "must be object"))
        named = set(meta.get("properties") or {}) <= {"name", "generateName"}
        if level == "root" and (not named or set(meta) - {"type", "properties", "description"}):
            text = (
                "must not specify anything other than name and generateName, but metadata is "
                "implicitly specified"
            )
            causes.append(forbidden_field(where, text))
    if schema.get(EMBEDDED) and not schema.get(PRESERVE) and not properties:
        text = (
            "must not be empty if x-kubernetes-embedded-resource is true without "
            "x-kubernetes-preserve-unknown-fields"
        )
        causes.append(required(f"{path}.properties", text))
    return causes


def _junctors(schema: Schema, path: str, nested: bool = False) -> list[Cause]:
    causes: list[Cause] = []
    int_or_string = schema.get(INT_OR_STRING) and not nested
    for junctor in JUNCTORS:
        for index, below in enumerate(schema.get(junctor) or ()):
            if junctor == "anyOf" and int_or_string and schema[junctor] == INT_OR_STRING_ANY:
                continue
            first = junctor == "allOf" and int_or_string and index == 0
            if first and below.get("anyOf") == INT_OR_STRING_ANY:
                continue
            causes += _nested(below, f"{path}.{junctor}[{index}]")
    if schema.get("not"):
        causes += _nested(schema["not"], f"{path}.not")
    pattern = schema.get("pattern")
    if pattern and pattern_of(pattern) is None:
        text = "must be a valid regular expression, but isn't: error parsing regexp"
        causes.append(invalid_value(f"{path}.pattern", pattern, text))
    return causes


def _nested(schema: Schema, path: str) -> list[Cause]:
    causes = [
        forbidden_field(f"{path}.{name}", text) for name, text in NESTED.items() if schema.get(name)
    ]
    if "metadata" in (schema.get("properties") or {}):
        where = f"{path}.properties[metadata]"
        causes.append(forbidden_field(where, "must not be specified in a nested context"))
    causes += _junctors(schema, path, nested=True)
    for name, below in (schema.get("properties") or {}).items():
        causes += _nested(below, f"{path}.properties[{name}]")
    inner = items_of(schema)
    return causes + (_nested(inner, f"{path}.items") if inner is not None else [])


# ---- what the version of OpenAPI and Kubernetes support


def _supported(
    schema: Schema, path: str, root: bool = False, meta: bool = False, why: str = ""
) -> list[Cause]:
    causes = _node(schema, path, meta)
    if why and schema.get("default") is not None:
        causes.append(forbidden_field(f"{path}.default", f"must not be set {why}"))
    extra = schema.get("additionalProperties")
    if extra is not None and schema.get("properties") and extra is not True:
        text = "additionalProperties and properties are mutual exclusive"
        causes.append(forbidden_field(f"{path}.additionalProperties", text))
    if isinstance(extra, dict):
        reason = "inside additionalProperties applying to object metadata" if meta else why
        causes += _supported(extra, f"{path}.additionalProperties", meta=meta, why=reason)
    for name, below in (schema.get("properties") or {}).items():
        special = name in ("metadata", "kind", "apiVersion") and (
            root or bool(schema.get(EMBEDDED))
        )
        reason = f"in top-level {name}" if special and root else why
        where = f"{path}.properties[{name}]"
        causes += _supported(below, where, meta=meta or special, why=reason)
    for junctor in JUNCTORS:
        for index, below in enumerate(schema.get(junctor) or ()):
            causes += _supported(below, f"{path}.{junctor}[{index}]", meta=meta, why=why)
    inner = items_of(schema)
    if inner is not None:
        causes += _supported(inner, f"{path}.items", meta=meta, why=why)
    return causes


def _node(schema: Schema, path: str, meta: bool) -> list[Cause]:
    causes: list[Cause] = []
    kind = schema.get("type") or ""
    if kind and kind not in TYPES:
        causes.append(not_supported(f"{path}.type", kind, TYPES))
    for name in UNSUPPORTED:
        if schema.get(name):
            causes.append(forbidden_field(f"{path}.{name}", f"{name} is not supported"))
    if meta and schema.get(EMBEDDED):
        text = "must not be used inside of resource meta"
        causes.append(forbidden_field(f"{path}.{EMBEDDED}", text))
    if schema.get("uniqueItems"):
        text = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        causes.append(forbidden_field(f"{path}.uniqueItems", text))
    if schema.get(PRESERVE) is False:
        causes.append(invalid_value(f"{path}.{PRESERVE}", False, "must be true or undefined"))
    map_type = schema.get(MAP_TYPE)
    if map_type and kind != "object":
        text = "must be object if x-kubernetes-map-type is specified"
        where = f"{path}.type"
        causes.append(invalid_value(where, kind, text) if kind else required(where, text))
    if map_type and map_type not in ("atomic", "granular"):
        causes.append(not_supported(f"{path}.{MAP_TYPE}", map_type, ("atomic", "granular")))
    return causes + list_causes(schema, path)


def _defaults(schema: Any, path: str) -> list[Cause]:
    """A default fits its schema, and nothing of it is pruned."""
    from cluster.apiserver.custom.schema.pruning import prune
    from cluster.apiserver.custom.schema.structural import walk

    causes: list[Cause] = []
    for where, node in walk(schema, path):
        value = node.get("default")
        if value is None:
            continue
        copy = deep_copy({"value": value})["value"]
        dropped: list[str] = []
        prune(copy, node, dropped)
        if dropped:
            text = f'must not have unknown fields: ["{dropped[0]}"]'
            causes.append(invalid_value(f"{where}.default", value, text))
        for cause in Validator(node).validate(value):
            field = f"{where}.default"
            if cause.field not in ("<nil>", ""):
                field = f"{field}.{cause.field}"
            causes.append(Cause(field, cause.reason, cause.message))
    return causes
