"""Objects that have every field and nothing in them: refused or stored, never a 500."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.apiserver.resources import SERVED, Resource
from cluster.apiserver.schema import definition_for, definitions
from tests.apiserver.conftest import Caller

CREATED = [r for r in SERVED if "create" in r.verbs and not r.virtual]
Scalars = dict[str, Any]
NONE: Scalars = {}
EMPTY: Scalars = {"string": "", "integer": 0, "number": 0, "boolean": False}
ODD: Scalars = {"string": "x", "integer": -1, "number": -1, "boolean": True}
DEPTH = 7
MERGE = "application/merge-patch+json"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


def hollow(schema: dict[str, Any], scalars: Scalars, depth: int = DEPTH) -> Any:
    """A value of this shape; None where there is nothing to say."""
    if "$ref" in schema:
        name = schema["$ref"]
        if name.endswith(("Quantity", "IntOrString", "Time", "FieldsV1", "JSON")):
            return ("0" if name.endswith("Quantity") else None) if scalars else None
        return hollow(definitions()[name], scalars, depth)
    kind = schema.get("type")
    if kind == "array":
        item = hollow(schema.get("items", {}), scalars, depth - 1)
        return [] if item is None else [item]
    if "properties" in schema and depth > 0:
        found = {
            k: hollow(v, scalars, depth - 1)
            for k, v in schema["properties"].items()
            if k not in ("metadata", "apiVersion", "kind")
        }
        return {k: v for k, v in found.items() if v is not None}
    if kind == "object":
        return {}
    return None if schema.get("format") in ("date-time", "byte") else scalars.get(kind or "")


def path(resource: Resource) -> str:
    root = f"/apis/{resource.api_version}" if resource.group else "/api/v1"
    scope = "/namespaces/default" if resource.namespaced else ""
    return f"{root}{scope}/{resource.plural}"


@pytest.mark.parametrize("resource", CREATED, ids=lambda r: f"{r.id}/{r.version}")
async def test_it_is_an_error_of_the_client_or_none(api: Caller, resource: Resource) -> None:
    name = definition_for(resource.group, resource.version, resource.kind)
    schema = definitions()[name] if name else {}
    meta = {"name": "x"}
    bodies: list[dict[str, Any]] = [{}, {"spec": {}}]
    for scalars in (NONE, EMPTY, ODD):
        for depth in range(1, DEPTH):
            found = hollow(schema, scalars, depth)
            if isinstance(found, dict):
                bodies.append(found)
    stored = False
    for body in bodies:
        answer = await api.ask("POST", path(resource), {**body, "metadata": meta})
        assert answer.status < 500, (body, answer.json)
        if answer.status == 201:
            stored = True
            table = await api.ask("GET", path(resource), accept=TABLE)
            assert table.status == 200, (body, table.json)
            await api.ask("DELETE", f"{path(resource)}/x?gracePeriodSeconds=0")
    if stored:
        return
    for body in bodies:  # what cannot be created like this is not updated like this, either
        answer = await api.ask("PATCH", f"{path(resource)}/x", body, content_type=MERGE)
        assert answer.status < 500, (body, answer.json)
