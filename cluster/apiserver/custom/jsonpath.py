"""The JSONPath of printer columns and selectable fields: steps, indexes, filters, wildcards.

Compiled once per path. Models k8s.io/client-go/util/jsonpath without templates.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import orjson

STEP = re.compile(
    r"\.\.(?P<deep>[\w*-]+)|\.(?P<name>(?:\\.|[^.\[\]\\])+)|\[\?\((?P<filter>.*?)\)\]"
    r"|\[(?P<quoted>'[^']*'|\"[^\"]*\")\]|\[(?P<index>-?\d+|\*|-?\d*:-?\d*)\]"
)
FILTER = re.compile(r"\s*@(?P<path>[^=!<>\s]*)\s*(?:(?P<op>==|!=|<=|>=|<|>)\s*(?P<value>.+?))?\s*")
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: bool(a == b), "!=": lambda a, b: bool(a != b),
    "<": lambda a, b: bool(a < b), ">": lambda a, b: bool(a > b),
    "<=": lambda a, b: bool(a <= b), ">=": lambda a, b: bool(a >= b),
}  # fmt: skip
Step = Callable[[Any], Iterator[Any]]


class MalformedPath(ValueError):
    pass


@lru_cache(maxsize=2048)
def compile_path(text: str) -> tuple[Step, ...]:
    """Raises MalformedPath."""
    text = text.strip()
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1]
    if text.startswith("$"):
        text = text[1:]
    if text and text[0] not in ".[":
        text = f".{text}"
    if text == ".":
        return ()
    steps: list[Step] = []
    at = 0
    while at < len(text):
        match = STEP.match(text, at)
        if match is None:
            raise MalformedPath(f"unrecognized character in action: {text[at:]}")
        steps.append(_step(match))
        at = match.end()
    return tuple(steps)


def _step(match: re.Match[str]) -> Step:
    if match["name"] is not None:
        name = re.sub(r"\\(.)", r"\1", match["name"])
        return _wild if name == "*" else _named(name)
    if match["quoted"] is not None:
        return _named(match["quoted"][1:-1])
    if match["filter"] is not None:
        return _filter(match["filter"])
    if match["deep"] is not None:
        return _deep(match["deep"])
    return _index(match["index"])


def _named(name: str) -> Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, dict) and name in value:
            yield value[name]

    return step


def _wild(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _deep(name: str) -> Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, dict) and name in value:
            yield value[name]
        for below in _wild(value):
            yield from step(below)

    return step


def _index(text: str) -> Step:
    if text == "*":
        return _wild
    if ":" in text:
        low, _, high = text.partition(":")
        part = slice(int(low) if low else None, int(high) if high else None)
        return lambda value: iter(value[part] if isinstance(value, list) else ())
    number = int(text)

    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, list) and -len(value) <= number < len(value):
            yield value[number]

    return step


def _filter(text: str) -> Step:
    match = FILTER.fullmatch(text)
    if match is None:
        raise MalformedPath(f"unrecognized filter: {text}")
    left = compile_path(match["path"] or ".")
    operator = OPERATORS.get(match["op"] or "")
    right = _literal(match["value"]) if operator is not None else None

    def holds(item: Any) -> bool:
        found = list(find(left, item))
        if operator is None:
            return bool(found)
        try:
            return bool(found) and operator(found[0], right)
        except TypeError:
            return False

    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, list):
            yield from (item for item in value if holds(item))

    return step


def _literal(text: str) -> Any:
    if text[:1] in "'\"":
        return text[1:-1]
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise MalformedPath(f"unrecognized value: {text}") from error


def find(steps: tuple[Step, ...], value: Any) -> Iterator[Any]:
    """All values a path leads to; a missing key leads nowhere."""
    found: Iterator[Any] = iter((value,))
    for step in steps:
        found = _flat(step, found)
    return found


def _flat(step: Step, values: Iterator[Any]) -> Iterator[Any]:
    for value in values:
        yield from step(value)
