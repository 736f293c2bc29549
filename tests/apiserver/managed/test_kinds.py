"""Every kind is applied, unchanged when applied again, and gives up what is dropped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.apiserver.resources import BY_KIND
from cluster.machinery.meta import deep_copy
from tests.apiserver.conftest import Caller
from tests.apiserver.managed.test_apply_http import apply, owned
from tests.apiserver.test_served_resources import path

MANIFESTS = list(yaml.safe_load_all(Path(__file__).with_name("manifests.yaml").read_text()))


# What the server stores differently from how it was said, another applier of the same file would
# change back: upstream, too, calls that a conflict. Atomic fields get defaults, quantities their
# canonical form, stringData becomes data.
REWRITTEN = {
    "Secret": {".stringData.password"},
    "Pod": {
        '.spec.containers[name="c"].env[name="B"].valueFrom.fieldRef',
        '.spec.containers[name="c"].resources.limits.cpu',
        ".spec.tolerations",
    },
    "Endpoints": {".subsets"},
    "StatefulSet": {".spec.volumeClaimTemplates"},
    "EndpointSlice": {".ports"},
    "ValidatingWebhookConfiguration": {'.webhooks[name="a.example.com"].rules'},
}


def url(manifest: dict[str, Any]) -> str:
    resource = BY_KIND[manifest["apiVersion"], manifest["kind"]]
    return f"{path(resource)}/{manifest['metadata']['name']}"


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda m: m["kind"])
async def test_it_is_applied_and_then_unchanged(api: Caller, manifest: dict[str, Any]) -> None:
    where = url(manifest)
    created = await apply(api, where, manifest)
    assert created.status == 201, created.body
    again = await apply(api, where, manifest)
    assert again.status == 200, again.body
    before, after = created.json["metadata"], again.json["metadata"]
    assert before["resourceVersion"] == after["resourceVersion"]
    assert owned(again, "me")
    other = await apply(api, where, manifest, "another")
    if manifest["kind"] in REWRITTEN:
        fields = {cause["field"] for cause in other.json["details"]["causes"]}
        assert fields == REWRITTEN[manifest["kind"]]
        return
    assert other.status == 200, other.body
    assert owned(other, "another") == owned(other, "me")
    assert {k: v for k, v in other.json.items() if k != "metadata"} == {
        k: v for k, v in again.json.items() if k != "metadata"
    }


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda m: m["kind"])
async def test_a_label_comes_and_goes(api: Caller, manifest: dict[str, Any]) -> None:
    where = url(manifest)
    labelled = deep_copy(manifest)
    labelled["metadata"].setdefault("labels", {})["extra"] = "1"
    first = await apply(api, where, labelled)
    assert first.json["metadata"]["labels"]["extra"] == "1"
    second = await apply(api, where, manifest)
    assert second.status == 200, second.body
    assert "extra" not in (second.json["metadata"].get("labels") or {})
    spec = first.json.get("spec")
    assert second.json.get("spec") == spec


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda m: m["kind"])
async def test_a_creation_and_a_replacement_are_recorded(
    api: Caller, manifest: dict[str, Any], checked: list[str]
) -> None:
    where = url(manifest)
    made = await api.ask("POST", f"{where.rpartition('/')[0]}?fieldManager=c", manifest)
    assert made.status == 201, made.body
    assert owned(made, "c", "Update")
    whole = made.json
    whole["metadata"]["annotations"] = {"n": "1"}
    put = await api.ask("PUT", f"{where}?fieldManager=p", whole)
    assert put.status == 200, put.body
    assert owned(put, "p", "Update")["f:metadata"]["f:annotations"]["f:n"] == {}
    assert len(checked) >= 2
