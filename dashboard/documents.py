"""YAML text to objects and back, with errors that name a line. Used by the editor and the admin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from cluster.client import Resource, complaints, kinds
from cluster.machinery.meta import Object

MAX_TEXT = 3 * 1024 * 1024
BY_KIND: dict[tuple[str, str], Resource] = {
    (r.api_version, r.kind): r for r in kinds.RESOURCES.values()
}


@dataclass(frozen=True, slots=True)
class Document:
    """`line` is where it begins in the text, from 1."""

    line: int
    obj: Object

    @property
    def resource(self) -> Resource:
        return BY_KIND[self.obj["apiVersion"], self.obj["kind"]]


class BadDocument(Exception):
    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line
        self.message = message


class _Loader(yaml.SafeLoader):
    """Timestamps stay text, as in the API; a key given twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, (str, int, float, bool)) and key in seen and key != "<<":
                line = key_node.start_mark.line + 1
                raise BadDocument(line, f'key "{key}" already set in map')
            if isinstance(key, (str, int, float, bool)):
                seen.add(key)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(text: str) -> list[Document]:
    """All documents of a text; empty ones are skipped, Lists are opened. Raises BadDocument."""
    if len(text) > MAX_TEXT:
        raise BadDocument(1, f"Request entity too large: limit is {MAX_TEXT}")
    out: list[Document] = []
    loader = _Loader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            line = node.start_mark.line + 1 if node is not None else 1
            content = loader.construct_document(node) if node is not None else None
            out.extend(_open(line, content))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        raise BadDocument(mark.line + 1 if mark else 1, problem) from error
    finally:
        loader.dispose()
    return out


def _open(line: int, content: Any) -> list[Document]:
    if content is None:
        return []
    if not isinstance(content, dict):
        raise BadDocument(line, "an object is a mapping with apiVersion, kind and metadata")
    if content.get("kind") == "List" and content.get("apiVersion") == "v1":
        return [d for item in content.get("items") or () for d in _open(line, item)]
    for required in ("apiVersion", "kind"):
        if not isinstance(content.get(required), str):
            raise BadDocument(line, f"{required} not set")
    if (content["apiVersion"], content["kind"]) not in BY_KIND:
        raise BadDocument(
            line,
            f'no matches for kind "{content["kind"]}" in version "{content["apiVersion"]}"',
        )
    if not isinstance(content.get("metadata", {}), dict):
        raise BadDocument(line, "metadata must be a mapping")
    content.setdefault("metadata", {})
    if wrong := complaints(content):
        raise BadDocument(line, f"strict decoding error: {', '.join(wrong)}")
    return [Document(line, content)]


class _Dumper(yaml.SafeDumper):
    """As kubectl prints: lists not indented, texts of several lines as blocks, no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, data: str) -> yaml.ScalarNode:
    style = "|" if "\n" in data else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _text)


def write(obj: Object) -> str:
    """An object as kubectl get -o yaml shows it (without managedFields)."""
    meta = {k: v for k, v in obj.get("metadata", {}).items() if k != "managedFields"}
    shown = {**obj, "metadata": meta}
    return yaml.dump(shown, Dumper=_Dumper, sort_keys=True, width=120, allow_unicode=True)
