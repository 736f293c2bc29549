"""additionalPrinterColumns. Models registry/customresource/tableconvertor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cluster.apiserver.custom.jsonpath import MalformedPath, Step, compile_path, find
from cluster.machinery.clock import parse_time
from cluster.machinery.meta import Object

NAME: Object = {
    "name": "Name",
    "type": "string",
    "format": "name",
    "description": "Name must be unique within a namespace. Is required when creating resources, "
    "although some resources may allow a client to request the generation of an appropriate name "
    "automatically. Name is primarily intended for creation idempotence and configuration "
    "definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/"
    "working-with-objects/names#names",
    "priority": 0,
}
AGE = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}


@dataclass(frozen=True, slots=True)
class Column:
    definition: Object
    steps: tuple[Step, ...]

    def cell(self, obj: Object, now: float) -> Any:
        value = next(find(self.steps, obj), None)
        if value is None:
            return None
        kind = self.definition["type"]
        if kind == "string":
            return printed(value)
        if kind == "date":
            return _age(value, now)
        if kind == "boolean":
            return value if isinstance(value, bool) else None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        return int(value) if kind == "integer" else float(value)


def _age(value: Any, now: float) -> str | None:
    from cluster.apiserver.tables.formats import human_duration

    if not isinstance(value, str):
        return None
    try:
        return human_duration(now - parse_time(value))
    except ValueError:
        return "<invalid>"


def printed(value: Any) -> str:
    """A value as JSONPath prints it: strings bare, the rest as JSON."""
    import orjson

    if isinstance(value, str):
        return value
    return orjson.dumps(value).decode()


def compile_columns(raw: list[Object] | None) -> list[Column]:
    """Without columns of its own a kind shows its age. One malformed path ends the list."""
    out = []
    for column in raw or [AGE]:
        try:
            steps = compile_path(column["jsonPath"])
        except MalformedPath:
            break
        path = column["jsonPath"]
        text = f"Custom resource definition column (in JSONPath format): {path}"
        if raw is None:
            text = (
                "CreationTimestamp is a timestamp representing the server time when this object "
                "was created."
            )
        definition = {
            "name": column["name"],
            "type": column["type"],
            "format": column.get("format", ""),
            "description": column.get("description") or text,
            "priority": column.get("priority", 0),
        }
        out.append(Column(definition, steps))
    return out
