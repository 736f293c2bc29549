"""Keys that a document sets twice: an error where fields are validated strictly, else a warning.

Models yaml.UnmarshalStrict as the apply patcher uses it.
"""

from __future__ import annotations

import json
from typing import Any

import yaml

from cluster.apiserver.http.request import Request
from cluster.machinery import errors

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def check(request: Request) -> None:
    """Raises StatusError 400 under fieldValidation=Strict; adds a warning under Warn."""
    mode = request.query.get("fieldValidation") or "Warn"
    if mode == "Ignore":
        return
    body = request.body.lstrip()
    if body[:1] == b"{" and not _twice_in_json(body):
        return
    found = _twice(body)
    if not found:
        return
    lines = "".join(f'\n  line {line}: key "{key}" already set in map' for line, key in found)
    text = f"error converting YAML to JSON: yaml: unmarshal errors:{lines}"
    if mode == "Strict":
        raise errors.bad_request(f"error strict decoding YAML: {text}")
    request.warnings.append(text.replace("\n", "\\n"))


def _twice_in_json(body: bytes) -> bool:
    found = False

    def pairs(items: list[tuple[str, Any]]) -> None:
        nonlocal found
        found = found or len({name for name, _ in items}) < len(items)

    try:
        json.loads(body, object_pairs_hook=pairs)
    except (ValueError, RecursionError):
        return False
    return found


def _twice(body: bytes) -> list[tuple[int, str]]:
    """(line, key) of every repetition."""
    try:
        root = yaml.compose(body, Loader=LOADER)
    except (yaml.YAMLError, RecursionError):
        return []
    out: list[tuple[int, str]] = []
    waiting, seen = [root], set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            out += _repeated(node)
            waiting += [value for _, value in node.value]
    return sorted(out)


def _repeated(node: yaml.MappingNode) -> list[tuple[int, str]]:
    out, names = [], set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode):
            if key.value in names:
                out.append((key.start_mark.line + 1, key.value))
            names.add(key.value)
    return out
