"""Custom objects: their definition's schema says what merges and what is owned apart."""

from __future__ import annotations

from typing import Any

from tests.apiserver.conftest import Caller
from tests.apiserver.custom.samples import crd
from tests.apiserver.managed.test_apply_http import apply, owned

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
TABS = "/apis/stable.example.com/v1/namespaces/default/crontabs"
MERGE = "application/merge-patch+json"


def tab(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "stable.example.com/v1",
        "kind": "CronTab",
        "metadata": {"name": "one"},
        "spec": {"cronSpec": "a b", **spec},
    }


async def test_list_maps_merge_by_their_keys(api: Caller) -> None:
    await api.ask("POST", CRDS, crd())
    first = tab(envs=[{"name": "A", "value": "1"}])
    made = await apply(api, f"{TABS}/one", first)
    assert made.status == 201, made.body
    assert owned(made, "me")["f:spec"]["f:envs"] == {
        'k:{"name":"A"}': {".": {}, "f:name": {}, "f:value": {}}
    }
    both = await apply(api, f"{TABS}/one", tab(envs=[{"name": "B"}]), "other")
    assert [e["name"] for e in both.json["spec"]["envs"]] == ["A", "B"]
    assert both.json["spec"]["replicas"] == 1, "a default of the schema"
    left = await apply(api, f"{TABS}/one", tab())
    assert [e["name"] for e in left.json["spec"]["envs"]] == ["B"]
    refused = await apply(api, f"{TABS}/one", tab(mode="fast", nope=1), "third")
    assert refused.json["message"].endswith(".spec.nope: field not declared in schema")
    conflict = await apply(api, f"{TABS}/one", tab(cronSpec="c d"), "third")
    assert 'conflicts with "me":\n- .spec.cronSpec' in conflict.json["message"]


async def test_an_ordinary_creation_owns_its_structs_too(api: Caller) -> None:
    """No Go struct stands behind a custom object: nothing is there before it is said."""
    await api.ask("POST", CRDS, crd())
    made = await api.ask("POST", f"{TABS}?fieldManager=kubectl-create", tab())
    assert owned(made, "kubectl-create", "Update") == {
        "f:spec": {".": {}, "f:cronSpec": {}, "f:replicas": {}}
    }


async def test_status_and_scale_have_owners_of_their_own(api: Caller) -> None:
    await api.ask("POST", CRDS, crd())
    await apply(api, f"{TABS}/one", tab(replicas=2))
    status = {"status": {"replicas": 2}, "metadata": {"labels": {"x": "y"}}}
    await api.ask("PATCH", f"{TABS}/one/status?fieldManager=op", status, content_type=MERGE)
    scale = {"spec": {"replicas": 3}}
    await api.ask("PATCH", f"{TABS}/one/scale?fieldManager=hpa", scale, content_type=MERGE)
    shown = await api.ask("GET", f"{TABS}/one")
    assert shown.json["spec"]["replicas"] == 3
    assert owned(shown, "op", "Update") == {"f:status": {".": {}, "f:replicas": {}}}
    assert owned(shown, "hpa", "Update") == {"f:spec": {"f:replicas": {}}}
    assert owned(shown, "me") == {"f:spec": {"f:cronSpec": {}}}
