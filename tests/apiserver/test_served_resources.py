"""Every resource is served: discovered, listed, shown as a table, in all its versions."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.apiserver import tables
from cluster.apiserver.resources import SERVED, Resource
from tests.apiserver.conftest import Caller

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
V1 = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers"
V2 = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
STORED = [r for r in SERVED if "list" in r.verbs]


def path(resource: Resource, namespace: str = "default") -> str:
    root = f"/apis/{resource.group}/{resource.version}" if resource.group else "/api/v1"
    scope = f"/namespaces/{namespace}" if resource.namespaced and namespace else ""
    return f"{root}{scope}/{resource.plural}"


@pytest.mark.parametrize("resource", STORED, ids=lambda r: f"{r.id}/{r.version}")
async def test_it_is_listed_as_itself_and_as_a_table(api: Caller, resource: Resource) -> None:
    answer = await api.ask("GET", path(resource))
    assert answer.status == 200
    assert answer.json["kind"] == f"{resource.kind}List"
    assert answer.json["apiVersion"] == resource.api_version
    table = (await api.ask("GET", path(resource), accept=TABLE)).json
    assert table["kind"] == "Table"
    assert table["columnDefinitions"] == tables.columns(resource)


async def test_clients_find_the_core_group_and_the_preferred_version_first(api: Caller) -> None:
    groups = (await api.ask("GET", "/apis")).json["groups"]
    names = [g["name"] for g in groups]
    assert names.index("apps") < names.index("events.k8s.io") < names.index("storage.k8s.io")
    autoscaling = next(g for g in groups if g["name"] == "autoscaling")
    assert autoscaling["preferredVersion"]["version"] == "v2"
    assert [v["version"] for v in autoscaling["versions"]] == ["v2", "v1"]


def autoscaler(name: str, **spec: Any) -> dict[str, Any]:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    return {"metadata": {"name": name}, "spec": {"scaleTargetRef": target, **spec}}


async def test_an_autoscaler_of_v1_is_the_same_object_in_v2(api: Caller) -> None:
    body = autoscaler("web", maxReplicas=3, targetCPUUtilizationPercentage=50)
    created = await api.ask("POST", V1, body)
    assert (created.status, created.json["apiVersion"]) == (201, "autoscaling/v1")
    assert created.json["spec"]["targetCPUUtilizationPercentage"] == 50
    in_v2 = (await api.ask("GET", f"{V2}/web")).json
    target = {"type": "Utilization", "averageUtilization": 50}
    metric = {"type": "Resource", "resource": {"name": "cpu", "target": target}}
    assert in_v2["spec"]["metrics"] == [metric]
    assert in_v2["spec"]["minReplicas"] == 1
    assert in_v2["metadata"]["uid"] == created.json["metadata"]["uid"]


async def test_what_v1_has_no_field_for_survives_a_write_through_v1(api: Caller) -> None:
    memory = {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1Gi"}}
    about = {"apiVersion": "v1", "kind": "Service", "name": "web"}
    requests = {
        "describedObject": about,
        "metric": {"name": "hits"},
        "target": {"type": "Value", "value": "10"},
    }
    metrics = [
        {"type": "Resource", "resource": memory},
        {"type": "Object", "object": requests},
    ]
    body = autoscaler("web", maxReplicas=3, metrics=metrics, behavior={"scaleDown": {}})
    before = (await api.ask("POST", V2, body)).json["spec"]
    old = (await api.ask("GET", f"{V1}/web")).json
    assert "autoscaling.alpha.kubernetes.io/metrics" in old["metadata"]["annotations"]
    old["spec"]["maxReplicas"] = 9
    assert (await api.ask("PUT", f"{V1}/web", old)).status == 200
    after = (await api.ask("GET", f"{V2}/web")).json
    assert after["spec"] == {**before, "maxReplicas": 9}
    assert "annotations" not in after["metadata"]


async def test_a_patch_of_v1_reads_and_writes_v1(api: Caller) -> None:
    await api.ask("POST", V2, autoscaler("web", maxReplicas=3))
    patch = {"spec": {"targetCPUUtilizationPercentage": 33}}
    merge = "application/merge-patch+json"
    patched = await api.ask("PATCH", f"{V1}/web", patch, content_type=merge)
    assert patched.json["spec"]["targetCPUUtilizationPercentage"] == 33
    stored = (await api.ask("GET", f"{V2}/web")).json["spec"]["metrics"]
    assert stored[0]["resource"]["target"]["averageUtilization"] == 33
    table = (await api.ask("GET", V1, accept=TABLE)).json
    assert table["rows"][0]["cells"][:4] == ["web", "Deployment/web", "cpu: <unknown>/33%", "1"]


async def test_an_event_is_seen_through_both_of_its_groups(api: Caller) -> None:
    body = {
        "metadata": {"name": "e1"},
        "regarding": {"kind": "Pod", "name": "p", "namespace": "default"},
        "note": "something happened",
        "reason": "Happened",
        "type": "Normal",
        "action": "Happen",
        "reportingController": "test.io/me",
        "reportingInstance": "me-1",
        "eventTime": "2026-01-01T00:00:00.000000Z",
    }
    new = "/apis/events.k8s.io/v1/namespaces/default/events"
    created = await api.ask("POST", new, body)
    assert (created.status, created.json["note"]) == (201, "something happened")
    core = (await api.ask("GET", "/api/v1/namespaces/default/events/e1")).json
    assert core["message"] == "something happened"
    assert core["involvedObject"]["name"] == "p"
    assert core["reportingComponent"] == "test.io/me"
    watched = await api.ask("GET", f"{new}?watch=1&timeoutSeconds=1")
    assert b'"note":"something happened"' in watched.body
    assert b'"apiVersion":"events.k8s.io/v1"' in watched.body


async def test_derived_resources_are_read_only(api: Caller) -> None:
    statuses = (await api.ask("GET", "/api/v1/componentstatuses")).json["items"]
    assert {s["metadata"]["name"] for s in statuses} == {
        "scheduler", "controller-manager", "etcd-0",
    }  # fmt: skip
    assert (await api.ask("POST", "/api/v1/componentstatuses", {})).status == 405
    assert (await api.ask("GET", "/api/v1/componentstatuses/etcd-0")).status == 200
    assert (await api.ask("GET", "/api/v1/componentstatuses/nobody")).status == 404
    assert (await api.ask("DELETE", "/apis/metrics.k8s.io/v1beta1/nodes/x")).status == 405


async def test_every_verb_works_through_the_other_version(api: Caller) -> None:
    body = autoscaler("web", maxReplicas=3)
    full = {"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", **body}
    where = f"{V1}/web?fieldManager=me"
    applied = await api.ask("PATCH", where, full, content_type="application/apply-patch+yaml")
    assert applied.status == 201, applied.json
    assert applied.json["apiVersion"] == "autoscaling/v1"
    full["spec"]["maxReplicas"] = 4
    again = await api.ask("PATCH", where, full, content_type="application/apply-patch+yaml")
    assert (again.status, again.json["spec"]["maxReplicas"]) == (200, 4)
    strategic = "application/strategic-merge-patch+json"
    patch = {"spec": {"targetCPUUtilizationPercentage": 70}}
    patched = await api.ask("PATCH", f"{V1}/web", patch, content_type=strategic)
    assert patched.json["spec"]["targetCPUUtilizationPercentage"] == 70
    steps = [{"op": "replace", "path": "/spec/maxReplicas", "value": 9}]
    stepped = await api.ask("PATCH", f"{V1}/web", steps, content_type="application/json-patch+json")
    assert stepped.json["spec"]["maxReplicas"] == 9
    status = await api.ask("GET", f"{V1}/web/status")
    assert status.json["apiVersion"] == "autoscaling/v1"
    table = await api.ask("GET", f"{V1}?watch=1&timeoutSeconds=1", accept=TABLE)
    assert b'"cells":["web","Deployment/web"' in table.body
    gone = await api.ask("DELETE", f"{V1}/web")
    assert gone.json["status"] == "Success"
    assert (await api.ask("GET", f"{V2}/web")).status == 404
    await api.ask("POST", V2, autoscaler("other", maxReplicas=2))
    swept = await api.ask("DELETE", V1)
    assert [i["metadata"]["name"] for i in swept.json["items"]] == ["other"]


async def test_refusals_name_the_group_that_was_asked(api: Caller) -> None:
    where = "/apis/events.k8s.io/v1/namespaces/default/events"
    gone = await api.ask("DELETE", f"{where}/nobody")
    assert gone.json["message"] == 'events.events.k8s.io "nobody" not found'
    regarding = {"kind": "Pod", "name": "p", "namespace": "team"}
    bad = await api.ask("POST", where, {"metadata": {"name": "e"}, "regarding": regarding})
    assert bad.json["message"].startswith('Event.events.k8s.io "e" is invalid: involvedObject')
    assert bad.json["details"]["group"] == "events.k8s.io"
