"""Requests and answers as a real API server gives them."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from cluster.apiserver import resources
from cluster.apiserver.http import build_app
from tests.apiserver.conftest import Caller

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": {"n": name}}, "data": data}


def deployment(**spec: Any) -> dict[str, Any]:
    labels = {"app": "web"}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "c", "image": "nginx"}]},
    }
    spec = {"selector": {"matchLabels": labels}, "template": template, **spec}
    return {"metadata": {"name": "web"}, "spec": spec}


async def test_an_object_is_created_read_changed_and_deleted(api: Caller) -> None:
    created = await api.ask("POST", MAPS, config_map("a", x="1"))
    assert created.status == 201
    assert created.json["metadata"]["uid"]
    patched = await api.ask(
        "PATCH",
        f"{MAPS}/a",
        {"data": {"y": "2", "x": None}},
        content_type="application/merge-patch+json",
    )
    assert patched.json["data"] == {"y": "2"}
    deleted = await api.ask("DELETE", f"{MAPS}/a")
    assert (deleted.status, deleted.json["status"]) == (200, "Success")
    gone = await api.ask("DELETE", f"{MAPS}/a")
    assert (gone.status, gone.json["message"]) == (404, 'configmaps "a" not found')


async def test_who_is_nobody_gets_401_and_who_has_no_rights_403(api: Caller) -> None:
    assert (await api.ask("GET", MAPS, token="")).status == 401
    assert (await api.ask("GET", MAPS, token="wrong")).status == 401
    refused = await api.ask("GET", MAPS, token="bob")
    assert refused.status == 403
    assert 'User "bob" cannot list resource "configmaps"' in refused.json["message"]
    assert (await api.ask("GET", "/healthz", token="")).body == b"ok"


async def test_an_old_version_is_a_conflict_and_an_unchanged_object_is_not_written(
    api: Caller,
) -> None:
    first = (await api.ask("POST", MAPS, config_map("a", x="1"))).json
    same = (await api.ask("PUT", f"{MAPS}/a", first)).json
    assert same["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    await api.ask("PUT", f"{MAPS}/a", {**first, "data": {"x": "2"}})
    stale = await api.ask("PUT", f"{MAPS}/a", {**first, "data": {"x": "3"}})
    assert (stale.status, stale.json["reason"]) == (409, "Conflict")


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        (b"{", 400, "json parse error"),
        (b"[]", 400, "unrecognized"),
        (b'{"kind":"Secret","apiVersion":"v1"}', 400, "cannot be handled as a ConfigMap"),
        (b'{"metadata":{"name":"A_"}}', 422, "RFC 1123 subdomain"),
        (b'{"metadata":{}}', 422, "name or generateName is required"),
        (
            b'{"metadata":{"name":"a"},"data":{"x":1}}',
            400,
            "cannot unmarshal number into Go struct field",
        ),
        (b'{"metadata":{"name":"a"},"dta":{}}', 400, 'strict decoding error: unknown field "dta"'),
        (b"k8s\x00\xff\xff", 400, "EOF"),
        (b'{"metadata":{"name":"a","namespace":"team"}}', 400, "does not match the namespace"),
    ],
)
async def test_bad_bodies_get_upstreams_errors(
    api: Caller, body: bytes, status: int, text: str
) -> None:
    answer = await api.ask("POST", f"{MAPS}?fieldValidation=Strict", body)
    assert answer.status == status
    assert answer.json["kind"] == "Status"
    assert text in answer.json["message"]


async def test_a_body_beyond_three_megabytes_is_413(api: Caller) -> None:
    assert (await api.ask("POST", MAPS, b" " * (3 * 1024 * 1024 + 1))).status == 413


async def test_unknown_fields_are_warned_of_and_dropped(api: Caller) -> None:
    answer = await api.ask("POST", MAPS, {**config_map("a"), "nope": 1})
    assert answer.status == 201
    assert answer.headers["warning"] == '299 - "unknown field \\"nope\\""'
    assert "nope" not in answer.json


async def test_validation_lists_every_cause(api: Caller) -> None:
    answer = await api.ask("POST", DEPLOYMENTS, deployment(replicas=-1, minReadySeconds=-2))
    assert answer.status == 422
    assert [c["field"] for c in answer.json["details"]["causes"]] == [
        "spec.replicas",
        "spec.minReadySeconds",
    ]


async def test_a_null_field_is_an_absent_one_and_selectors_are_immutable(api: Caller) -> None:
    made = (await api.ask("POST", DEPLOYMENTS, deployment(replicas=None))).json
    assert made["spec"]["replicas"] == 1
    made["spec"]["selector"] = {"matchLabels": {"app": "other"}}
    made["spec"]["template"]["metadata"]["labels"] = {"app": "other"}
    answer = await api.ask("PUT", f"{DEPLOYMENTS}/web", made)
    assert "field is immutable" in answer.json["message"]


async def test_scale_reads_and_writes_the_size(api: Caller) -> None:
    await api.ask("POST", DEPLOYMENTS, deployment())
    path = f"{DEPLOYMENTS}/web/scale"
    merge = "application/merge-patch+json"
    answer = await api.ask("PATCH", path, {"spec": {"replicas": 5}}, content_type=merge)
    assert (answer.json["kind"], answer.json["spec"]) == ("Scale", {"replicas": 5})
    assert (await api.ask("GET", f"{DEPLOYMENTS}/web")).json["spec"]["replicas"] == 5


async def test_lists_come_in_consistent_pages(api: Caller) -> None:
    for name in "abcde":
        await api.ask("POST", MAPS, config_map(name))
    first = (await api.ask("GET", f"{MAPS}?limit=2")).json
    await api.ask("DELETE", f"{MAPS}/d")
    token = first["metadata"]["continue"]
    rest = (await api.ask("GET", f"{MAPS}?limit=10&continue={token}")).json
    assert [o["metadata"]["name"] for o in first["items"] + rest["items"]] == list("abcde")
    api.server.registry.store.compact(api.server.registry.store.revision())
    expired = await api.ask("GET", f"{MAPS}?limit=10&continue={token}")
    assert (expired.status, expired.json["reason"]) == (410, "Expired")


async def test_selectors_choose(api: Caller) -> None:
    for name in "abc":
        await api.ask("POST", MAPS, config_map(name))
    for query in ("labelSelector=n%20in%20(a,c)", "fieldSelector=metadata.name!%3Db"):
        found = (await api.ask("GET", f"{MAPS}?{query}")).json["items"]
        assert [o["metadata"]["name"] for o in found] == ["a", "c"]
    assert (await api.ask("GET", f"{MAPS}?labelSelector=a%20b")).status == 400
    assert (await api.ask("GET", f"{MAPS}?fieldSelector=data.x%3D1")).status == 400


async def test_a_table_has_the_columns_kubectl_prints(api: Caller) -> None:
    await api.ask("POST", DEPLOYMENTS, deployment())
    table = (await api.ask("GET", DEPLOYMENTS, accept=TABLE)).json
    names = [c["name"] for c in table["columnDefinitions"] if not c["priority"]]
    assert names == ["Name", "Ready", "Up-to-date", "Available", "Age"]
    assert table["rows"][0]["cells"][:4] == ["web", "0/1", "0", "0"]


async def test_a_watch_tells_selector_transitions_and_starts_in_the_past(api: Caller) -> None:
    version = (await api.ask("POST", MAPS, config_map("a"))).json["metadata"]["resourceVersion"]
    merge = "application/merge-patch+json"
    for label in ("x", "y"):
        change = {"metadata": {"labels": {"n": label}}}
        await api.ask("PATCH", f"{MAPS}/a", change, content_type=merge)
    path = f"{MAPS}?watch=1&timeoutSeconds=1&labelSelector=n%3Dx&resourceVersion={version}"
    lines = (await api.ask("GET", path)).body.splitlines()
    assert [orjson.loads(line)["type"] for line in lines] == ["ADDED", "DELETED"]


async def test_initial_events_end_with_a_bookmark(api: Caller) -> None:
    await api.ask("POST", MAPS, config_map("a"))
    query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    lines = (await api.ask("GET", f"{MAPS}?watch=1&timeoutSeconds=1&{query}")).body.splitlines()
    last = orjson.loads(lines[-1])
    assert last["type"] == "BOOKMARK"
    assert last["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


async def test_a_watch_from_before_the_compaction_is_gone(api: Caller) -> None:
    version = (await api.ask("POST", MAPS, config_map("a"))).json["metadata"]["resourceVersion"]
    await api.ask("POST", MAPS, config_map("b"))
    store = api.server.registry.store
    store.compact(store.revision())
    fresh = Caller(type(api.server)(api.server.registry, api.server.authenticator))
    body = (await fresh.ask("GET", f"{MAPS}?watch=1&resourceVersion={version}")).body
    fresh.server.close()
    assert orjson.loads(body)["object"]["code"] == 410


async def test_discovery_and_openapi_are_served_with_etags(api: Caller) -> None:
    for path in ("/api", "/apis", "/apis/apps/v1", "/openapi/v2", "/openapi/v3/apis/apps/v1"):
        assert (await api.ask("GET", path)).status == 200
    first = await api.ask("GET", "/openapi/v3")
    again = await api.ask("GET", "/openapi/v3", if_none_match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert (await api.ask("GET", "/apis/nope/v1")).status == 404


async def test_service_addresses_are_unique_and_given_back(api: Caller) -> None:
    path = "/api/v1/namespaces/default/services"
    service = {"spec": {"ports": [{"port": 80}], "clusterIP": "10.96.0.77"}}
    assert (await api.ask("POST", path, {"metadata": {"name": "a"}, **service})).status == 201
    taken = await api.ask("POST", path, {"metadata": {"name": "b"}, **service})
    assert "provided IP is already allocated" in taken.json["message"]
    await api.ask("DELETE", f"{path}/a")
    assert (await api.ask("POST", path, {"metadata": {"name": "b"}, **service})).status == 201


async def test_a_pod_gets_what_every_pod_gets(api: Caller) -> None:
    spec = {"containers": [{"name": "c", "image": "nginx:1.29"}]}
    pod = (await api.ask("POST", PODS, {"metadata": {"name": "p"}, "spec": spec})).json
    assert pod["status"] == {"phase": "Pending", "qosClass": "BestEffort"}
    assert [t["tolerationSeconds"] for t in pod["spec"]["tolerations"]] == [300, 300]
    assert pod["spec"]["volumes"][0]["name"].startswith("kube-api-access-")
    assert pod["spec"]["containers"][0]["imagePullPolicy"] == "IfNotPresent"


async def test_a_namespace_that_is_missing_takes_nothing(api: Caller) -> None:
    answer = await api.ask("POST", "/api/v1/namespaces/nowhere/configmaps", config_map("a"))
    assert (answer.status, answer.json["message"]) == (404, 'namespaces "nowhere" not found')


async def test_a_watch_ends_with_its_client(api: Caller) -> None:
    gone = asyncio.Event()
    messages = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.body":
            started.set()

    started = asyncio.Event()
    scope = {"type": "http", "method": "GET", "path": "/api/v1/pods", "query_string": b"watch=1",
             "headers": [(b"authorization", b"Bearer admin")]}  # fmt: skip
    answering = asyncio.ensure_future(build_app(api.server)(scope, receive, send))
    await asyncio.wait_for(started.wait(), 5)
    await asyncio.sleep(0)
    gone.set()
    await asyncio.wait_for(answering, 5)
    assert not api.server.cacher.shelf(resources.PODS).watchers
