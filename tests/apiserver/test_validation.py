"""What each kind refuses, in upstream's words; cases are in cases/*.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.apiserver.resources import SERVED, Resource
from tests.apiserver.conftest import Caller

CASES = Path(__file__).with_name("cases")
BY_KIND = {(r.api_version, r.kind): r for r in SERVED}
MERGE = "application/merge-patch+json"


def load(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((CASES / name).read_text())
    return found


def path(resource: Resource) -> str:
    root = f"/apis/{resource.api_version}" if resource.group else "/api/v1"
    scope = "/namespaces/default" if resource.namespaced else ""
    return f"{root}{scope}/{resource.plural}"


def named(obj: dict[str, Any]) -> dict[str, Any]:
    return {**obj, "metadata": {"name": "x", **obj.get("metadata", {})}}


def causes(answer: Any) -> list[str]:
    return [f"{c['field']}: {c['message']}" for c in answer.json["details"]["causes"]]


@pytest.mark.parametrize("case", load("refused.yaml"), ids=lambda c: str(c["what"]))
async def test_refused_on_creation(api: Caller, case: dict[str, Any]) -> None:
    obj = named(case["object"])
    resource = BY_KIND[obj["apiVersion"], obj["kind"]]
    answer = await api.ask("POST", path(resource), obj)
    assert answer.status == 422, answer.json
    assert causes(answer) == case["causes"]


@pytest.mark.parametrize("case", load("updates.yaml"), ids=lambda c: str(c["what"]))
async def test_updates(api: Caller, case: dict[str, Any]) -> None:
    """A merge patch is refused with these causes, or leaves the generation that is said."""
    obj = named(case["object"])
    resource = BY_KIND[obj["apiVersion"], obj["kind"]]
    created = await api.ask("POST", path(resource), obj)
    assert created.status == 201, created.json
    where = f"{path(resource)}/{obj['metadata']['name']}"
    answer = await api.ask("PATCH", where, case["patch"], content_type=MERGE)
    if "causes" in case:
        assert answer.status == 422, answer.json
        assert causes(answer) == case["causes"]
    else:
        assert answer.status == 200, answer.json
        assert answer.json["metadata"].get("generation") == case["generation"]


@pytest.mark.parametrize("case", load("defaults.yaml"), ids=lambda c: str(c["what"]))
async def test_defaults(api: Caller, case: dict[str, Any]) -> None:
    obj = named(case["object"])
    resource = BY_KIND[obj["apiVersion"], obj["kind"]]
    created = await api.ask("POST", path(resource), obj)
    assert created.status == 201, created.json
    for field, wanted in case["becomes"].items():
        assert created.json[field] == wanted, field


@pytest.mark.parametrize("case", load("pods.yaml"), ids=lambda c: str(c["what"]))
async def test_pods_that_are_refused(api: Caller, case: dict[str, Any]) -> None:
    spec = {"containers": [{"name": "c", "image": "i"}], **case["spec"]}
    pods = "/api/v1/namespaces/default/pods"
    answer = await api.ask("POST", pods, {"metadata": {"name": "x"}, "spec": spec})
    assert answer.status == 422, answer.json
    assert causes(answer) == case["causes"]


@pytest.mark.parametrize(
    ("amount", "why"),
    [
        (
            "abc",
            "quantities must match the regular expression "
            "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        ),
        ("1Kim", "unable to parse quantity's suffix"),
    ],
)
async def test_a_quantity_that_is_none_is_not_even_decoded(
    api: Caller, amount: str, why: str
) -> None:
    container = {"name": "c", "image": "i", "resources": {"requests": {"cpu": amount}}}
    body = {"metadata": {"name": "x"}, "spec": {"containers": [container]}}
    answer = await api.ask("POST", "/api/v1/namespaces/default/pods", body)
    assert (answer.status, answer.json["reason"]) == (400, "BadRequest")
    assert answer.json["message"] == f'Pod in version "v1" cannot be handled as a Pod: {why}'


async def test_what_is_being_deleted_gets_no_new_finalizer(api: Caller) -> None:
    maps = "/api/v1/namespaces/default/configmaps"
    meta = {"name": "a", "finalizers": ["x.io/keep"]}
    assert (await api.ask("POST", maps, {"metadata": meta})).status == 201
    assert (await api.ask("DELETE", f"{maps}/a")).json["metadata"]["deletionTimestamp"]
    patch = {"metadata": {"finalizers": ["x.io/keep", "y.io/more"]}}
    answer = await api.ask("PATCH", f"{maps}/a", patch, content_type=MERGE)
    assert causes(answer) == [
        "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being "
        'deleted, found new finalizers []string{"y.io/more"}'
    ]


async def test_a_binding_may_be_posted_to_its_collection(api: Caller) -> None:
    pods = "/api/v1/namespaces/default/pods"
    body = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    assert (await api.ask("POST", pods, body)).status == 201
    binding = {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n1"}}
    bound = await api.ask("POST", "/api/v1/namespaces/default/bindings", binding)
    assert (bound.status, bound.json["status"]) == (201, "Success")
    assert (await api.ask("GET", f"{pods}/p")).json["spec"]["nodeName"] == "n1"
