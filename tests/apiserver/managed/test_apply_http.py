"""Server-side apply over HTTP: creation, ownership, conflicts, removal."""

from __future__ import annotations

from typing import Any

from tests.apiserver.conftest import Answer, Caller

APPLY = "application/apply-patch+yaml"
MAPS = "/api/v1/namespaces/default/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
CONFLICT = (
    'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using apps/v1: '
    ".spec.replicas"
)


def config_map(**data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data}


def deployment(**spec: Any) -> dict[str, Any]:
    labels = {"app": "web"}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "c", "image": "nginx"}]},
    }
    spec = {"selector": {"matchLabels": labels}, "template": template, **spec}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec,
    }  # fmt: skip


async def apply(api: Caller, path: str, body: Any, manager: str = "me", query: str = "") -> Answer:
    where = f"{path}?fieldManager={manager}{query}"
    return await api.ask("PATCH", where, body, content_type=APPLY)


def owned(answer: Answer, manager: str, operation: str = "Apply") -> Any:
    for entry in answer.json["metadata"]["managedFields"]:
        if (entry["manager"], entry["operation"]) == (manager, operation):
            return entry["fieldsV1"]
    return None


async def test_apply_creates_what_is_not_there_and_owns_what_it_said(api: Caller) -> None:
    created = await apply(api, f"{MAPS}/a", config_map(x="1"))
    assert created.status == 201
    assert owned(created, "me") == {"f:data": {"f:x": {}}}
    again = await apply(api, f"{MAPS}/a", config_map(x="1"))
    assert again.status == 200
    assert again.json == created.json


async def test_yaml_is_accepted(api: Caller) -> None:
    body = b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  day: '2020-01-01'\n"
    assert (await apply(api, f"{MAPS}/a", body)).json["data"] == {"day": "2020-01-01"}


async def test_what_is_no_longer_applied_goes_unless_somebody_else_owns_it(api: Caller) -> None:
    await apply(api, f"{MAPS}/a", config_map(x="1", y="2", z="3"))
    await apply(api, f"{MAPS}/a", config_map(y="2"), "other")
    left = await apply(api, f"{MAPS}/a", config_map(z="3"))
    assert left.json["data"] == {"y": "2", "z": "3"}
    assert owned(left, "other") == {"f:data": {"f:y": {}}}


async def test_changing_what_another_owns_is_a_conflict_that_force_settles(api: Caller) -> None:
    await api.ask(
        "POST", f"{DEPLOYMENTS}?fieldManager=kubectl-client-side-apply", deployment(replicas=3)
    )
    refused = await apply(api, f"{DEPLOYMENTS}/web", deployment(replicas=5))
    assert (refused.status, refused.json["message"]) == (409, CONFLICT)
    assert refused.json["reason"] == "Conflict"
    assert refused.json["details"]["causes"] == [
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "kubectl-client-side-apply" using apps/v1',
            "field": ".spec.replicas",
        }
    ]
    forced = await apply(api, f"{DEPLOYMENTS}/web", deployment(replicas=5), query="&force=true")
    assert forced.json["spec"]["replicas"] == 5
    before = owned(forced, "kubectl-client-side-apply", "Update")
    assert "f:replicas" not in before["f:spec"]
    assert owned(forced, "me")["f:spec"]["f:replicas"] == {}


async def test_several_conflicts_are_listed_by_manager(api: Caller) -> None:
    await apply(api, f"{MAPS}/a", config_map(x="1", y="1"), "one")
    await apply(api, f"{MAPS}/a", config_map(z="1"), "two")
    refused = await apply(api, f"{MAPS}/a", config_map(x="2", y="2", z="2"), "three")
    assert refused.json["message"] == (
        'Apply failed with 3 conflicts: conflicts with "one":\n- .data.x\n- .data.y\n'
        'conflicts with "two":\n- .data.z'
    )


async def test_a_manager_must_be_named_and_force_is_for_apply(api: Caller) -> None:
    nameless = await api.ask("PATCH", f"{MAPS}/a", config_map(), content_type=APPLY)
    assert (nameless.status, nameless.json["message"]) == (
        422,
        'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for '
        "apply patch",
    )
    merge = "application/merge-patch+json"
    forced = await api.ask("PATCH", f"{MAPS}/a?force=true", {}, content_type=merge)
    assert forced.status == 422
    assert "force: Forbidden: may not be specified for non-apply patch" in forced.json["message"]
    long = await apply(api, f"{MAPS}/a", config_map(), "m" * 129)
    assert "fieldManager: Too long: may not be more than 128 bytes" in long.json["message"]


async def test_a_field_that_the_schema_does_not_know_is_refused_with_its_path(api: Caller) -> None:
    refused = await apply(api, f"{DEPLOYMENTS}/web", deployment(replica=3))
    assert refused.json["message"] == (
        "failed to create typed patch object (/web; apps/v1, Kind=Deployment): .spec.replica: "
        "field not declared in schema"
    )
    kind = await apply(api, f"{MAPS}/web", deployment())
    assert kind.json["message"] == "invalid object type: apps/v1, Kind=Deployment"
    managed = config_map()
    managed["metadata"]["managedFields"] = []
    answer = await apply(api, f"{MAPS}/a", managed)
    assert answer.json["message"] == "metadata.managedFields must be nil"


async def test_scaling_takes_over_replicas_by_the_subresource(api: Caller) -> None:
    await apply(api, f"{DEPLOYMENTS}/web", deployment(replicas=3))
    scale = {"spec": {"replicas": 4}}
    await api.ask(
        "PATCH", f"{DEPLOYMENTS}/web/scale?fieldManager=kubectl", scale,
        content_type="application/merge-patch+json",
    )  # fmt: skip
    shown = await api.ask("GET", f"{DEPLOYMENTS}/web")
    assert shown.json["spec"]["replicas"] == 4
    assert owned(shown, "kubectl", "Update") == {"f:spec": {"f:replicas": {}}}
    assert "f:replicas" not in owned(shown, "me")["f:spec"]
    refused = await apply(api, f"{DEPLOYMENTS}/web", deployment(replicas=3))
    assert refused.json["message"] == (
        'Apply failed with 1 conflict: conflict with "kubectl" with subresource "scale" using '
        "apps/v1: .spec.replicas"
    )


async def test_status_and_spec_are_owned_apart(api: Caller) -> None:
    await apply(api, f"{DEPLOYMENTS}/web", deployment() | {"status": {"replicas": 9}})
    status = {**deployment(), "status": {"replicas": 2}}
    done = await apply(api, f"{DEPLOYMENTS}/web/status", status, "controller")
    assert done.json["status"] == {"replicas": 2}
    assert owned(done, "controller") == {"f:status": {"f:replicas": {}}}
    assert "f:status" not in owned(done, "me")


async def test_a_dry_run_changes_nothing(api: Caller) -> None:
    tried = await apply(api, f"{MAPS}/a", config_map(x="1"), query="&dryRun=All")
    assert tried.json["data"] == {"x": "1"}
    assert (await api.ask("GET", f"{MAPS}/a")).status == 404


HPA = "/apis/autoscaling/{}/namespaces/default/horizontalpodautoscalers/web"


def autoscaler(version: str, **spec: Any) -> dict[str, Any]:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    return {
        "apiVersion": f"autoscaling/{version}",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {"scaleTargetRef": target, "maxReplicas": 5, **spec},
    }


async def test_versions_that_differ_in_shape_share_their_owners(api: Caller) -> None:
    old, new = HPA.format("v1"), HPA.format("v2")
    first = autoscaler("v1", minReplicas=2, targetCPUUtilizationPercentage=50)
    created = await apply(api, old, first)
    assert created.status == 201, created.body
    target = {"type": "Utilization", "averageUtilization": 80}
    metrics = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    refused = await apply(api, new, autoscaler("v2", metrics=metrics), "other")
    assert refused.json["message"] == (
        'Apply failed with 1 conflict: conflict with "me": .spec.targetCPUUtilizationPercentage'
    )
    moved = await apply(api, new, autoscaler("v2", metrics=metrics))
    assert moved.json["spec"]["metrics"] == metrics
    assert "minReplicas" not in owned(moved, "me")["f:spec"]
    (entry,) = moved.json["metadata"]["managedFields"]
    assert entry["apiVersion"] == "autoscaling/v2"


async def test_a_namespace_s_own_label_belongs_to_who_made_it(api: Caller) -> None:
    made = await api.ask(
        "POST", "/api/v1/namespaces?fieldManager=kubectl-create", {"metadata": {"name": "n"}}
    )
    assert owned(made, "kubectl-create", "Update") == {
        "f:metadata": {"f:labels": {".": {}, "f:kubernetes.io/metadata.name": {}}}
    }


async def test_managed_fields_are_reset_by_an_empty_list_or_entry(api: Caller) -> None:
    merge = "application/merge-patch+json"
    for nothing in ([], [{}]):
        await apply(api, f"{MAPS}/a", config_map(x="1"))
        body = {"metadata": {"managedFields": nothing}}
        shown = await api.ask("PATCH", f"{MAPS}/a?fieldManager=m", body, content_type=merge)
        assert "managedFields" not in shown.json["metadata"]
        again = await apply(api, f"{MAPS}/a", config_map(y="1"))
        assert owned(again, "before-first-apply", "Update") == {"f:data": {".": {}, "f:x": {}}}
        await api.ask("DELETE", f"{MAPS}/a")


async def test_the_manager_is_the_first_part_of_the_user_agent(api: Caller) -> None:
    agent = "helm/v4.1 (linux)"
    made = await api.ask(
        "POST", MAPS, {"metadata": {"name": "a"}, "data": {"x": "1"}}, user_agent=agent
    )
    assert owned(made, "helm", "Update") == {"f:data": {".": {}, "f:x": {}}}


async def test_the_oldest_updaters_are_put_together_beyond_ten(api: Caller) -> None:
    merge = "application/merge-patch+json"
    await api.ask(
        "POST", f"{MAPS}?fieldManager=m00", {"metadata": {"name": "a"}, "data": {"k": "1"}}
    )
    for number in range(1, 12):
        api.server.clock._now += 1  # type: ignore[attr-defined]
        await api.ask(
            "PATCH", f"{MAPS}/a?fieldManager=m{number:02}", {"data": {f"k{number}": "1"}},
            content_type=merge,
        )  # fmt: skip
    shown = await api.ask("GET", f"{MAPS}/a")
    entries = shown.json["metadata"]["managedFields"]
    assert [e["manager"] for e in entries] == [
        "ancient-changes", *(f"m{number:02}" for number in range(3, 12)),
    ]  # fmt: skip
    assert entries[0]["fieldsV1"] == {"f:data": {".": {}, "f:k": {}, "f:k1": {}, "f:k2": {}}}


async def test_a_new_time_alone_is_no_change(api: Caller) -> None:
    made = await apply(api, f"{MAPS}/a", config_map(x="1"))
    api.server.clock._now += 100  # type: ignore[attr-defined]
    again = await apply(api, f"{MAPS}/a", config_map(x="1"))
    assert again.json["metadata"] == made.json["metadata"]
    patched = await api.ask(
        "PATCH", f"{MAPS}/a?fieldManager=p", {"data": {"x": "1"}},
        content_type="application/merge-patch+json",
    )  # fmt: skip
    assert patched.json["metadata"] == made.json["metadata"]


async def test_kubectl_takes_over_from_its_own_client_side_apply(api: Caller) -> None:
    """Only the manager `kubectl`, only what is as it was applied."""
    text = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"x":"1"}}'
    note = {"kubectl.kubernetes.io/last-applied-configuration": text}
    made = {"metadata": {"name": "a", "annotations": note}, "data": {"x": "1"}}
    await api.ask("POST", f"{MAPS}?fieldManager=kubectl-client-side-apply", made)
    refused = await apply(api, f"{MAPS}/a", config_map(x="2"), "someone")
    assert refused.status == 409
    taken = await apply(api, f"{MAPS}/a", config_map(x="2"), "kubectl")
    assert taken.json["data"] == {"x": "2"}
    kept = taken.json["metadata"]["annotations"]
    assert '"data":{"x":"2"}' in kept["kubectl.kubernetes.io/last-applied-configuration"]


async def test_a_name_that_is_not_the_url_s_is_refused(api: Caller) -> None:
    other = await apply(api, f"{MAPS}/b", config_map())
    assert (other.status, other.json["message"]) == (
        400, "the name of the object (a) does not match the name on the URL (b)",
    )  # fmt: skip


async def test_a_version_in_the_configuration_must_be_current(api: Caller) -> None:
    made = await apply(api, f"{MAPS}/a", config_map(x="1"))
    pinned = config_map(x="2")
    pinned["metadata"]["resourceVersion"] = "1"
    stale = await apply(api, f"{MAPS}/a", pinned)
    assert (stale.status, stale.json["reason"]) == (409, "Conflict")
    pinned["metadata"]["resourceVersion"] = made.json["metadata"]["resourceVersion"]
    assert (await apply(api, f"{MAPS}/a", pinned)).status == 200


async def test_an_update_in_another_version_is_owned_in_its_terms(api: Caller) -> None:
    old, new = HPA.format("v1"), HPA.format("v2")
    where = f"{old.rpartition('/')[0]}?fieldManager=kubectl-autoscale"
    made = await api.ask("POST", where, autoscaler("v1", targetCPUUtilizationPercentage=50))
    assert made.status == 201, made.body
    patch = {"spec": {"maxReplicas": 7}}
    merge = "application/merge-patch+json"
    await api.ask("PATCH", f"{new}?fieldManager=p", patch, content_type=merge)
    shown = (await api.ask("GET", new)).json["metadata"]["managedFields"]
    assert [(e["manager"], e["apiVersion"]) for e in shown] == [
        ("kubectl-autoscale", "autoscaling/v1"), ("p", "autoscaling/v2"),
    ]  # fmt: skip
    assert "f:targetCPUUtilizationPercentage" in shown[0]["fieldsV1"]["f:spec"]
    assert "f:maxReplicas" not in shown[0]["fieldsV1"]["f:spec"]


async def test_what_does_not_exist_has_no_uid_to_insist_on(api: Caller) -> None:
    config = config_map(x="1")
    config["metadata"]["uid"] = "u"
    refused = await apply(api, f"{MAPS}/a", config)
    assert (refused.status, refused.json["reason"]) == (409, "Conflict")
    assert "uid mismatch: the provided object specified uid u" in refused.json["message"]


async def test_a_key_set_twice_is_an_error_or_a_warning(api: Caller) -> None:
    for body in (
        b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  x: '1'\n  x: '2'\n",
        b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},\n\n\n\n\n'
        b'"data":{"x":"1","x":"2"}}',
    ):
        strict = await apply(api, f"{MAPS}/a", body, query="&fieldValidation=Strict")
        assert (strict.status, strict.json["message"]) == (
            400,
            "error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n"
            '  line 6: key "x" already set in map',
        )
        warned = await apply(api, f"{MAPS}/a", body, query="&dryRun=All")
        assert warned.json["data"] == {"x": "2"}
        assert 'key \\"x\\" already set in map' in warned.headers["warning"]
        silent = await apply(api, f"{MAPS}/a", body, query="&dryRun=All&fieldValidation=Ignore")
        assert "warning" not in silent.headers
