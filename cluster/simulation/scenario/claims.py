"""What an expectation says about objects, and whether it is true.

{kind: Pod, namespace: default, labels: "app=web",
 where: {status.phase: Running, "status.conditions[Ready].status": "True"}, count: ">=6"}
{kind: Deployment, name: web, where: {status.readyReplicas: ">=3"}}
{kind: Pod, name: web-0, gone: true}
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cluster.client import Resource, kinds
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object, labels_of, name_of
from cluster.machinery.selectors import EVERYTHING, Selector, parse

CLAIM_FIELDS = {"kind", "name", "namespace", "labels", "where", "count", "gone"}
COUNT = re.compile(r"(>=|<=|!=|>|<|==?)?\s*(\d+)")
PART = re.compile(r"([^.\[\]]+)|\[([^\]]+)\]")
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    "!=": lambda a, b: a != b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    "=": lambda a, b: a == b,
}
Objects = Callable[[Resource, str], list[Object]]  # all of a resource in a namespace
OPERATORS = (">=", "<=", "!=", ">", "<", "~")


@dataclass(frozen=True, slots=True)
class Claim:
    resource: Resource
    name: str
    namespace: str
    selector: Selector
    where: tuple[tuple[str, Any], ...]
    operator: str
    number: int
    labels: str = ""

    @classmethod
    def read(cls, raw: dict[str, Any]) -> Claim:
        """Raises ValueError."""
        resource = resource_of(str(raw.get("kind") or ""))
        labels = str(raw.get("labels") or "")
        try:
            selector = parse(labels) if labels else EVERYTHING
        except (ValueError, StatusError) as error:
            raise ValueError(f"labels: {error}") from error
        where = raw.get("where") or {}
        if not isinstance(where, dict):
            raise ValueError("where: a mapping of paths to values is expected")
        name = str(raw.get("name") or "")
        operator, number = (">=", 1) if not raw.get("gone") else ("=", 0)
        if "count" in raw:
            match = COUNT.fullmatch(str(raw["count"]))
            if match is None:
                raise ValueError(f"count: {raw['count']!r} is no count such as 6 or >=6")
            operator, number = (match[1] or "=").replace("==", "="), int(match[2])
        namespace = str(raw.get("namespace") or ("default" if resource.namespaced else ""))
        return cls(resource, name, "" if namespace == "*" else namespace, selector,
                   tuple(where.items()), operator, number, labels)  # fmt: skip

    def found(self, objects: Objects) -> int:
        """How many objects are as said."""
        return sum(1 for o in objects(self.resource, self.namespace) if self._matches(o))

    def holds(self, objects: Objects) -> bool:
        return COMPARE[self.operator](self.found(objects), self.number)

    def _matches(self, obj: Object) -> bool:
        if self.name and name_of(obj) != self.name:
            return False
        if not self.selector.matches(labels_of(obj)):
            return False
        return all(_equals(value_at(obj, path), wanted) for path, wanted in self.where)

    def told(self) -> str:
        """In a few words."""
        what = f"{self.resource.kind}{f' {self.name}' if self.name else ''}"
        labels = f" ({self.labels})" if self.labels else ""
        how = "".join(f", {path} {wanted}" for path, wanted in self.where)
        if (self.operator, self.number) == (">=", 1) and self.name:
            return f"{what}{labels}{how}"
        if (self.operator, self.number) == ("=", 0):
            return f"no {what}{labels}{how}"
        return f"{self.operator} {self.number} {what}{labels}{how}".removeprefix("= ")


def resource_of(kind: str) -> Resource:
    """By kind, plural or short name. Raises ValueError."""
    for resource in kinds.RESOURCES.values():
        names = (resource.kind, resource.plural, resource.id, resource.singular)
        if kind in (*names, *resource.short_names):
            return resource
    raise ValueError(f"kind: there is no {kind or 'kind without a name'}")


def value_at(obj: Any, path: str) -> Any:
    """`status.conditions[Ready].status`: an item by its type or name, or by number; None when
    there is nothing."""
    for key, item in PART.findall(path):
        if key:
            obj = obj.get(key) if isinstance(obj, dict) else None
        elif isinstance(obj, list):
            obj = _item(obj, item)
        elif isinstance(obj, dict):  # a key with dots
            obj = obj.get(item)
        else:
            return None
    return obj


def _item(items: list[Any], key: str) -> Any:
    if key.lstrip("-").isdigit():
        index = int(key)
        return items[index] if -len(items) <= index < len(items) else None
    for item in items:
        if isinstance(item, dict) and key in (item.get("type"), item.get("name"), item.get("key")):
            return item
    return None


def _equals(have: Any, wanted: Any) -> bool:
    """`wanted` is a value, or a text that begins with >=, <=, !=, >, < or ~ (a pattern)."""
    if not isinstance(wanted, str):
        return bool(have == wanted) or (wanted is None and have is None)
    operator = next((o for o in OPERATORS if wanted.startswith(o)), "")
    if not operator:
        return str(have) == wanted if not isinstance(have, bool) else str(have).lower() == wanted
    rest = wanted[len(operator) :].strip()
    if operator == "~":
        return have is not None and re.search(rest, str(have)) is not None
    if operator == "!=":
        return str(have) != rest
    try:
        return COMPARE[operator](float(have if have is not None else 0), float(rest))
    except (TypeError, ValueError):
        return False
