"""The API's messages and services, made from data/etcd.proto when the process starts.

No generated code: published packages of etcd's generated modules lack newer fields (fragments,
learners, alarms' errors), and a compiler is not needed for a schema this plain. The dialect is
proto3, with several packages in one file, each in braces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

SCHEMA = Path(__file__).with_name("data") / "etcd.proto"
TOKEN = re.compile(r"//[^\n]*|[A-Za-z_][A-Za-z0-9_.]*|\d+|\"[^\"]*\"|[{}()=;]")
Field = descriptor_pb2.FieldDescriptorProto
SCALARS = {
    "bytes": Field.TYPE_BYTES,
    "string": Field.TYPE_STRING,
    "bool": Field.TYPE_BOOL,
    "int64": Field.TYPE_INT64,
    "uint64": Field.TYPE_UINT64,
    "uint32": Field.TYPE_UINT32,
}
FIELD_WORDS = {"repeated", *SCALARS}


@dataclass(frozen=True, slots=True)
class Method:
    """`/etcdserverpb.KV/Range`, what it takes and what it gives."""

    service: str
    name: str
    request: Any
    response: Any
    streams_in: bool
    streams_out: bool


class _Tokens:
    def __init__(self, text: str) -> None:
        self._tokens = [t for t in TOKEN.findall(text) if not t.startswith("//")]
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._tokens)

    def take(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1]

    def skip(self, expected: str) -> None:
        found = self.take()
        if found != expected:
            raise ValueError(f"{SCHEMA.name}: {expected} expected, not {found}")

    def try_skip(self, word: str) -> bool:
        if self._tokens[self._at] == word:
            self._at += 1
            return True
        return False

    def block(self) -> Iterator[str]:
        """The first word of each statement up to the closing brace."""
        self.skip("{")
        while (word := self.take()) != "}":
            yield word


def _enum(tokens: _Tokens, enum: descriptor_pb2.EnumDescriptorProto) -> None:
    enum.name = tokens.take()
    for name in tokens.block():
        tokens.skip("=")
        enum.value.add(name=name, number=int(tokens.take()))
        tokens.skip(";")


def _field(
    tokens: _Tokens, word: str, message: descriptor_pb2.DescriptorProto, oneof: int | None
) -> None:
    repeated = word == "repeated"
    kind = tokens.take() if repeated else word
    field = message.field.add(name=tokens.take())
    field.label = Field.LABEL_REPEATED if repeated else Field.LABEL_OPTIONAL
    if kind in SCALARS:
        field.type = SCALARS[kind]
    else:
        field.type_name = kind  # completed by `_resolve`, when all names are known
    if oneof is not None:
        field.oneof_index = oneof
    tokens.skip("=")
    field.number = int(tokens.take())
    tokens.skip(";")


def _message(tokens: _Tokens, message: descriptor_pb2.DescriptorProto) -> None:
    message.name = tokens.take()
    for word in tokens.block():
        if word == "enum":
            _enum(tokens, message.enum_type.add())
        elif word == "oneof":
            message.oneof_decl.add(name=tokens.take())
            for kind in tokens.block():
                _field(tokens, kind, message, len(message.oneof_decl) - 1)
        else:
            _field(tokens, word, message, None)


def _service(tokens: _Tokens, service: descriptor_pb2.ServiceDescriptorProto) -> None:
    service.name = tokens.take()
    for _ in tokens.block():
        method = service.method.add(name=tokens.take())
        tokens.skip("(")
        method.client_streaming = tokens.try_skip("stream")
        method.input_type = tokens.take()
        tokens.skip(")")
        tokens.skip("returns")
        tokens.skip("(")
        method.server_streaming = tokens.try_skip("stream")
        method.output_type = tokens.take()
        tokens.skip(")")
        tokens.skip(";")


def _packages(text: str) -> list[descriptor_pb2.FileDescriptorProto]:
    tokens = _Tokens(text)
    files: list[descriptor_pb2.FileDescriptorProto] = []
    while tokens:
        if tokens.take() == "syntax":
            tokens.skip("=")
            tokens.take()
            tokens.skip(";")
            continue
        package = tokens.take()
        file = descriptor_pb2.FileDescriptorProto(
            name=f"orrery/{package}.proto", package=package, syntax="proto3"
        )
        file.dependency.extend(f.name for f in files)
        for word in tokens.block():
            if word == "enum":
                _enum(tokens, file.enum_type.add())
            elif word == "service":
                _service(tokens, file.service.add())
            else:
                _message(tokens, file.message_type.add())
        _resolve(file)
        files.append(file)
    return files


def _resolve(file: descriptor_pb2.FileDescriptorProto) -> None:
    """Full names, and whether each is a message or an enum."""
    enums = {f".{file.package}.{e.name}" for e in file.enum_type}
    enums |= {f".{file.package}.{m.name}.{e.name}" for m in file.message_type for e in m.enum_type}
    for message in file.message_type:
        for field in message.field:
            if not field.type_name:
                continue
            nested = f".{file.package}.{message.name}.{field.type_name}"
            outer = f".{file.package}.{field.type_name}"
            if "." in field.type_name:
                outer = f".{field.type_name}"
            field.type_name = nested if nested in enums else outer
            is_enum = field.type_name in enums
            field.type = Field.TYPE_ENUM if is_enum else Field.TYPE_MESSAGE
    for service in file.service:
        for method in service.method:
            method.input_type = f".{file.package}.{method.input_type}"
            method.output_type = f".{file.package}.{method.output_type}"


def _build() -> tuple[dict[str, Any], list[Method]]:
    pool = descriptor_pool.DescriptorPool()
    files = _packages(SCHEMA.read_text())
    for file in files:
        pool.Add(file)
    classes: dict[str, Any] = {}
    methods: list[Method] = []
    for file in files:
        for message in file.message_type:
            full = f"{file.package}.{message.name}"
            found = pool.FindMessageTypeByName(full)
            classes[full] = message_factory.GetMessageClass(found)
    for file in files:
        for service in file.service:
            for m in service.method:
                methods.append(
                    Method(
                        f"{file.package}.{service.name}",
                        m.name,
                        classes[m.input_type[1:]],
                        classes[m.output_type[1:]],
                        m.client_streaming,
                        m.server_streaming,
                    )
                )
    return classes, methods


class Messages:
    """`pb.RangeRequest`: a package's message classes as attributes."""

    def __init__(self, classes: dict[str, Any], package: str) -> None:
        for name, found in classes.items():
            prefix, _, short = name.rpartition(".")
            if prefix == package:
                setattr(self, short, found)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


_classes, METHODS = _build()
pb = Messages(_classes, "etcdserverpb")
mvccpb = Messages(_classes, "mvccpb")
leasepb = Messages(_classes, "leasepb")
health = Messages(_classes, "grpc.health.v1")
