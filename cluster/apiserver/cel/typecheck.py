"""Do a rule's fields exist, and are they of the types it takes them for?

The evaluator knows types from protobuf descriptors, so a schema becomes messages: used only to
check rules when a definition is written, never for values. Models apiserver/schema/cel/model.
"""

from __future__ import annotations

import re
from itertools import count
from typing import Any

from cel_expr_python import cel
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    duration_pb2,
    struct_pb2,
    timestamp_pb2,
    wrappers_pb2,
)

from cluster.apiserver.cel.program import CONFIG, compile_text, extensions
from cluster.apiserver.cel.values import escape, visible
from cluster.apiserver.custom.schema.structural import (
    EMBEDDED,
    INT_OR_STRING,
    Schema,
    additional,
    items_of,
)

Field = descriptor_pb2.FieldDescriptorProto
KNOWN = (timestamp_pb2, duration_pb2, struct_pb2, wrappers_pb2)
PACKAGE = "schema"
SCALARS: dict[str, tuple[int, str, Any]] = {
    "string": (Field.TYPE_STRING, "StringValue", cel.Type.STRING),
    "integer": (Field.TYPE_INT64, "Int64Value", cel.Type.INT),
    "number": (Field.TYPE_DOUBLE, "DoubleValue", cel.Type.DOUBLE),
    "boolean": (Field.TYPE_BOOL, "BoolValue", cel.Type.BOOL),
}
FORMATS: dict[str, tuple[str, Any]] = {
    "date": ("Timestamp", cel.Type.TIMESTAMP),
    "date-time": ("Timestamp", cel.Type.TIMESTAMP),
    "datetime": ("Timestamp", cel.Type.TIMESTAMP),
    "duration": ("Duration", cel.Type.DURATION),
}
STRUCT_NAME = re.compile(r" not found in struct '[^']*'")
NUMERIC = re.compile(r"applied to '\((?:int|uint|double), (?:int|uint|double)\)'")
TELLING = ("undefined field", "found no matching overload")


class TypeChecker:
    """For one version's schema. Messages are named by the schema nodes they stand for."""

    def __init__(self, schema: Schema) -> None:
        self._numbers = count(1)
        self._names: dict[int, str] = {}
        self._file = descriptor_pb2.FileDescriptorProto(
            name="schema.proto", package=PACKAGE, syntax="proto2"
        )
        self._pool = descriptor_pool.DescriptorPool()
        for module in KNOWN:
            known = descriptor_pb2.FileDescriptorProto()
            module.DESCRIPTOR.CopyToProto(known)
            self._pool.Add(known)
            self._file.dependency.append(known.name)
        self._visit(schema, root=True)
        self._pool.Add(self._file)

    def problem(self, expression: str, node: Schema, optional: bool = False) -> str | None:
        """What is wrong with an expression at this node; None when nothing is known to be."""
        own = self._type(node)
        variables = {"self": own, "oldSelf": cel.Type.DYN if optional else own}
        env = cel.NewEnv(
            descriptor_pool=self._pool,
            config=cel.NewEnvConfigFromYaml(CONFIG),
            variables=variables,
            extensions=extensions(),
        )
        text = compile_text(env, expression)
        if text is None or not any(t in text for t in TELLING) or NUMERIC.search(text):
            return None
        return STRUCT_NAME.sub("", text)

    # ---- messages

    def _visit(self, node: Schema, root: bool = False) -> None:
        """A message for every object that has properties."""
        inner, extra = items_of(node), additional(node)
        for below in (inner, extra):
            if below is not None:
                self._visit(below)
        properties = node.get("properties")
        if not properties and not root and not node.get(EMBEDDED):
            return
        name = f"Object{next(self._numbers)}"
        self._names[id(node)] = name
        for below in (properties or {}).values():
            self._visit(below)
        message = self._file.message_type.add(name=name)
        fields = dict(properties or {})
        if root or node.get(EMBEDDED):
            fields = {**_META, **fields, "metadata": _META["metadata"]}
            if id(_META["metadata"]) not in self._names:
                self._names[id(_META["metadata"])] = self._metadata()
        number = 0
        for key, below in fields.items():
            written = escape(key)
            if written is not None and visible(below):
                number += 1
                self._add(message, written, number, below)

    def _metadata(self) -> str:
        message = self._file.message_type.add(name="ObjectMeta")
        for number, key in enumerate(("name", "generateName"), 1):
            message.field.add(
                name=key, json_name=key, number=number, type=Field.TYPE_STRING,
                label=Field.LABEL_OPTIONAL,
            )  # fmt: skip
        return "ObjectMeta"

    def _add(self, message: Any, name: str, number: int, node: Schema) -> None:
        label, kind = Field.LABEL_OPTIONAL, node.get("type")
        inner, extra = items_of(node), additional(node)
        if kind == "array" and inner is not None:
            label, (code, type_name) = Field.LABEL_REPEATED, self._element(inner)
        elif kind == "object" and extra is not None and not node.get("properties"):
            label, code = Field.LABEL_REPEATED, Field.TYPE_MESSAGE
            type_name = self._entry(message, name, extra)
        else:
            code, type_name = self._element(node)
        message.field.add(
            name=name,
            json_name=name,
            number=number,
            type=code,
            label=label,
            type_name=type_name or None,
        )

    def _entry(self, message: Any, name: str, extra: Schema) -> str:
        """The message that protobuf makes of a map."""
        entry = "".join(part[:1].upper() + part[1:] for part in name.split("_")) + "Entry"
        nested = message.nested_type.add(name=entry)
        nested.options.map_entry = True
        nested.field.add(name="key", number=1, type=Field.TYPE_STRING, label=Field.LABEL_OPTIONAL)
        code, type_name = self._element(extra)
        nested.field.add(
            name="value",
            number=2,
            type=code,
            label=Field.LABEL_OPTIONAL,
            type_name=type_name or None,
        )
        return f".{PACKAGE}.{message.name}.{entry}"

    def _element(self, node: Schema) -> tuple[int, str]:
        """(type, its name) of a value that is not repeated; lists in lists hold anything."""
        kind = node.get("type")
        if node.get(INT_OR_STRING):
            return _known("Value")
        if kind in SCALARS:
            form = node.get("format", "") if kind == "string" else ""
            if form in FORMATS:
                return _known(FORMATS[form][0])
            if form == "byte":
                return _known("BytesValue") if node.get("nullable") else (Field.TYPE_BYTES, "")
            if node.get("nullable"):
                return _known(SCALARS[kind][1])
            return SCALARS[kind][0], ""
        if id(node) in self._names:
            return Field.TYPE_MESSAGE, f".{PACKAGE}.{self._names[id(node)]}"
        if kind == "array":
            return _known("ListValue")
        return _known("Struct" if kind == "object" else "Value")

    # ---- the type of `self`

    def _type(self, node: Schema) -> Any:
        if id(node) in self._names:
            return cel.Type(f"{PACKAGE}.{self._names[id(node)]}")
        kind, inner, extra = node.get("type"), items_of(node), additional(node)
        if node.get(INT_OR_STRING):
            return cel.Type.DYN
        if kind in SCALARS:
            form = node.get("format", "") if kind == "string" else ""
            if form == "byte":
                return cel.Type.BYTES
            return FORMATS[form][1] if form in FORMATS else SCALARS[kind][2]
        if kind == "array" and inner is not None:
            return cel.Type.List(self._type(inner))
        if kind == "object" and extra is not None:
            return cel.Type.Map(cel.Type.STRING, self._type(extra))
        return cel.Type.DYN


def _known(name: str) -> tuple[int, str]:
    return Field.TYPE_MESSAGE, f".google.protobuf.{name}"


_META: dict[str, Schema] = {
    "apiVersion": {"type": "string"},
    "kind": {"type": "string"},
    "metadata": {"type": "object"},
}
