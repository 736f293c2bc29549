"""Label and field selectors. Models k8s.io/apimachinery/pkg/labels and pkg/fields.

A selector compiles once (cached by text) into requirements; matching reads a labels mapping.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

_NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_DNS = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_TOKEN = re.compile(r"\s*(==|!=|=|!|\(|\)|,|<|>|[^\s=!(),<>]+)")
NAME_FORMAT = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end "
    "with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)


@dataclass(frozen=True, slots=True)
class Requirement:
    """`operator` is one of In, NotIn, Exists, DoesNotExist, Gt, Lt."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        present = self.key in labels
        match self.operator:
            case "In":
                return present and labels[self.key] in self.values
            case "NotIn":
                return not present or labels[self.key] not in self.values
            case "Exists":
                return present
            case "DoesNotExist":
                return not present
        return present and self._compare(labels[self.key])

    def _compare(self, have: str) -> bool:
        (want,) = self.values
        try:
            return int(have) > int(want) if self.operator == "Gt" else int(have) < int(want)
        except ValueError:
            return False


@dataclass(frozen=True, slots=True)
class Selector:
    """All requirements must hold; none at all matches everything; `nothing` matches nothing."""

    requirements: tuple[Requirement, ...] = ()
    nothing: bool = False

    def matches(self, labels: Mapping[str, str] | None) -> bool:
        if self.nothing:
            return False
        have = labels or {}
        return all(r.matches(have) for r in self.requirements)

    @property
    def empty(self) -> bool:
        return not self.requirements and not self.nothing


EVERYTHING = Selector()
NOTHING = Selector(nothing=True)


def is_label_key(key: str) -> bool:
    prefix, slash, name = key.rpartition("/")
    if slash and (not prefix or len(prefix) > 253 or not _DNS.fullmatch(prefix)):
        return False
    return 0 < len(name) <= 63 and _NAME.fullmatch(name) is not None


def is_label_value(text: str) -> bool:
    return text == "" or (len(text) <= 63 and _NAME.fullmatch(text) is not None)


class _Parser:
    """Recursive descent over labels.Parse's grammar."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[str] = []
        at = 0
        stripped = text.rstrip()
        while at < len(stripped):
            match = _TOKEN.match(stripped, at)
            if match is None:
                raise ValueError(f"unable to parse requirement: {text!r}")
            self.tokens.append(match[1])
            at = match.end()
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self.at += 1
        return token

    def fail(self, found: str, expected: str) -> ValueError:
        return ValueError(f"found '{found}', expected: {expected}")

    def parse(self) -> Selector:
        out: list[Requirement] = []
        while self.peek():
            out.append(self.requirement())
            token = self.take()
            if token not in ("", ","):
                raise self.fail(token, "',' or 'end of string'")
            if token == "," and not self.peek():
                raise self.fail("", "identifier after ','")
        return Selector(tuple(out))

    def requirement(self) -> Requirement:
        negated = self.peek() == "!"
        if negated:
            self.take()
        key = self.key()
        if negated:
            return Requirement(key, "DoesNotExist")
        operator = self.peek()
        if operator in ("", ","):
            return Requirement(key, "Exists")
        self.take()
        if operator in ("in", "notin"):
            return Requirement(key, "In" if operator == "in" else "NotIn", self.values())
        if operator in ("=", "==", "!="):
            value = self.value()
            return Requirement(key, "NotIn" if operator == "!=" else "In", frozenset({value}))
        if operator in ("<", ">"):
            value = self.value()
            return Requirement(key, "Gt" if operator == ">" else "Lt", frozenset({value}))
        raise self.fail(operator, "in, notin, =, ==, !=, gt, lt")

    def key(self) -> str:
        key = self.take()
        if not is_label_key(key):
            raise ValueError(f"<nil>: Invalid value: {key!r}: {NAME_FORMAT}".replace("'", '"', 2))
        return key

    def value(self) -> str:
        if self.peek() in ("", ","):
            return ""
        value = self.take()
        if not is_label_value(value):
            raise ValueError(
                f'values[0][{self.tokens[self.at - 3]}]: Invalid value: "{value}": {NAME_FORMAT}'
            )
        return value

    def values(self) -> frozenset[str]:
        token = self.take()
        if token != "(":
            raise self.fail(token, "'('")
        out: list[str] = []
        while True:
            token = self.take()
            if token == ")":
                break
            if token == ",":
                out.append("") if self.peek() in (",", ")") else None
                continue
            if token == "":
                raise self.fail("", "',', or ')'")
            if not is_label_value(token):
                raise ValueError(f'values: Invalid value: "{token}": {NAME_FORMAT}')
            out.append(token)
        return frozenset(out or [""])


@lru_cache(maxsize=4096)
def parse(text: str) -> Selector:
    """A label selector as a query string writes it; ValueError with the reason."""
    return _Parser(text).parse() if text.strip() else EVERYTHING


@lru_cache(maxsize=4096)
def _compiled(encoded: bytes) -> Selector:
    raw: dict[str, Any] = orjson.loads(encoded)
    out = [
        Requirement(k, "In", frozenset({v}))
        for k, v in sorted((raw.get("matchLabels") or {}).items())
    ]
    for expression in raw.get("matchExpressions") or ():
        values = frozenset(str(v) for v in expression.get("values") or ())
        out.append(Requirement(expression["key"], expression["operator"], values))
    return Selector(tuple(out))


def from_label_selector(selector: Mapping[str, Any] | None) -> Selector:
    """A metav1.LabelSelector: None matches nothing, {} everything, as upstream."""
    if selector is None:
        return NOTHING
    return _compiled(orjson.dumps(selector)) if selector else EVERYTHING


def from_map(labels: Mapping[str, str] | None) -> Selector:
    """A Service's or ReplicationController's plain map; empty matches nothing."""
    return _compiled(orjson.dumps({"matchLabels": labels})) if labels else NOTHING


@dataclass(frozen=True, slots=True)
class FieldTerm:
    path: str
    value: str
    equal: bool


@lru_cache(maxsize=4096)
def parse_fields(text: str) -> tuple[FieldTerm, ...]:
    """`metadata.name=web,spec.nodeName!=n1`; ValueError when a term has no operator."""
    terms = []
    for part in filter(None, re.split(r"(?<!\\),", text)):
        match = re.fullmatch(r"\s*([^=!]+?)\s*(==|!=|=)(.*)", part)
        if match is None:
            raise ValueError(f'invalid selector: "{text}"; can\'t understand "{part}"')
        value = re.sub(r"\\([\\,=])", r"\1", match[3])
        terms.append(FieldTerm(match[1], value, match[2] != "!="))
    return tuple(terms)
