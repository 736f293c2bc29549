"""Forms create objects through the API and show its answers at the field they name."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client as Browser

from cluster.client import kinds
from dashboard.documents import BadDocument, read, write
from tests.dashboard.toy import Toy, thing

DEPLOYMENT = {
    "namespace": "default", "name": "web", "image": "nginx:1.27", "replicas": "2", "port": "80",
    "expose": "on", "once": "token-1",
}  # fmt: skip
JOB = {
    "namespace": "default", "name": "sum", "image": "busybox:1.37", "command": 'sh -c "sleep 5"',
    "completions": "3", "parallelism": "2", "backoff_limit": "6", "restart_policy": "Never",
}  # fmt: skip


def errors(html: bytes, field: str = "") -> str:
    """The error texts of a field, or of the whole form."""
    mark = f'id="id_{field}_error"' if field else 'class="errors wide"'
    found = re.search(rf"<ul [^>]*{mark}[^>]*>(.*?)</ul>", html.decode(), re.S)
    return found[1] if found else ""


def test_a_deployment_and_its_service(browser: Browser, toy: Toy) -> None:
    answer = browser.post("/create/deployment/", DEPLOYMENT)
    assert answer.status_code == 204
    assert "deployment.apps/web created" in answer["HX-Trigger"]
    deployment = toy.admin.get(kinds.DEPLOYMENTS, "default", "web")
    assert deployment["spec"]["replicas"] == 2
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == "nginx:1.27"
    service = toy.admin.get(kinds.SERVICES, "default", "web")
    assert service["spec"]["selector"] == {"app": "web"}


def test_the_same_form_twice_creates_once(browser: Browser, toy: Toy) -> None:
    first = browser.post("/create/deployment/", DEPLOYMENT)
    revision = toy.registry.store.revision()
    second = browser.post("/create/deployment/", DEPLOYMENT)
    assert second.status_code == 204
    assert second["HX-Trigger"] == first["HX-Trigger"]
    assert toy.registry.store.revision() == revision


def test_a_fresh_form_with_the_same_name_is_refused_at_the_name(browser: Browser) -> None:
    browser.post("/create/deployment/", DEPLOYMENT)
    answer = browser.post("/create/deployment/", {**DEPLOYMENT, "once": "token-2"})
    assert answer.status_code == 422
    assert "already exists" in errors(answer.content, "name")


def test_a_refused_form_can_be_corrected_and_handed_in_again(browser: Browser, toy: Toy) -> None:
    bad = browser.post("/create/deployment/", {**DEPLOYMENT, "name": "Not Valid"})
    assert bad.status_code == 422
    assert browser.post("/create/deployment/", DEPLOYMENT).status_code == 204


def test_when_the_service_is_refused_no_deployment_stays(browser: Browser, toy: Toy) -> None:
    toy.put(thing("v1", "Service", "web", "default", spec={"ports": [{"port": 80}]}))
    answer = browser.post("/create/deployment/", DEPLOYMENT)
    assert answer.status_code == 422
    assert toy.admin.list(kinds.DEPLOYMENTS, "default") == []


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"name": "Upper_Case"}, "name", "RFC 1123"),
        ({"replicas": "-1"}, "replicas", "must be greater than or equal to 0"),
        ({"replicas": "many"}, "replicas", "whole number"),
        ({"port": "70000", "expose": ""}, "port", "must be between 1 and 65535"),
        ({"cpu": "-1"}, "cpu", "must be greater than or equal to 0"),
        ({"command": 'sh -c "unclosed'}, "command", "Cannot be split"),
        ({"image": ""}, "image", "required"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    browser: Browser, changes: dict[str, str], field: str, says: str
) -> None:
    answer = browser.post("/create/deployment/", {**DEPLOYMENT, **changes})
    assert answer.status_code == 422
    assert says in errors(answer.content, field)


def test_a_namespace_that_does_not_exist(browser: Browser) -> None:
    answer = browser.post("/create/deployment/", {**DEPLOYMENT, "namespace": "nowhere"})
    assert answer.status_code == 422
    assert "nowhere" in errors(answer.content)
    assert "not found" in errors(answer.content)


def test_a_job(browser: Browser, toy: Toy) -> None:
    assert browser.post("/create/job/", JOB).status_code == 204
    spec = toy.admin.get(kinds.JOBS, "default", "sum")["spec"]
    assert spec["completions"] == 3
    assert spec["template"]["spec"]["containers"][0]["command"] == ["sh", "-c", "sleep 5"]


def test_a_service(browser: Browser, toy: Toy) -> None:
    data = {
        "namespace": "default", "name": "web", "selector": "app=web, tier=front", "port": "80",
        "target_port": "http", "type": "NodePort",
    }  # fmt: skip
    assert browser.post("/create/service/", data).status_code == 204
    spec = toy.admin.get(kinds.SERVICES, "default", "web")["spec"]
    assert spec["selector"] == {"app": "web", "tier": "front"}
    assert spec["ports"][0]["targetPort"] == "http"
    assert spec["type"] == "NodePort"


def test_a_pod(browser: Browser, toy: Toy) -> None:
    data: dict[str, Any] = {
        "namespace": "default", "name": "hello", "image": "nginx:1.27", "cpu": "100m",
        "restart_policy": "Never", "labels": "app=hello",
    }  # fmt: skip
    assert browser.post("/create/pod/", data).status_code == 204
    pod = toy.admin.get(kinds.PODS, "default", "hello")
    assert pod["spec"]["restartPolicy"] == "Never"
    assert pod["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "100m"}


YAML = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: one}
data: {since: 2026-01-01}
---
---
apiVersion: v1
kind: ConfigMap
metadata: {name: two, namespace: kube-public}
"""


def test_yaml_with_several_documents(browser: Browser, toy: Toy) -> None:
    answer = browser.post("/create/yaml/", {"text": YAML, "namespace": "default"})
    assert answer.status_code == 204
    one = toy.admin.get(kinds.CONFIG_MAPS, "default", "one")
    assert one["data"] == {"since": "2026-01-01"}
    assert toy.admin.get(kinds.CONFIG_MAPS, "kube-public", "two")


def test_yaml_says_which_document_was_refused(browser: Browser, toy: Toy) -> None:
    text = YAML.replace("name: two", "name: Two")
    answer = browser.post("/create/yaml/", {"text": text, "namespace": "default"})
    assert answer.status_code == 422
    assert "configmap/one created" in errors(answer.content)
    assert "line 7" in errors(answer.content)


def test_yaml_replaces_what_exists_only_when_asked(browser: Browser, toy: Toy) -> None:
    data = {"text": YAML, "namespace": "default"}
    browser.post("/create/yaml/", data)
    again = browser.post("/create/yaml/", data)
    assert "already exists" in errors(again.content)
    changed = {**data, "text": YAML.replace("2026-01-01", "later"), "replace": "on"}
    assert browser.post("/create/yaml/", changed).status_code == 204
    assert toy.admin.get(kinds.CONFIG_MAPS, "default", "one")["data"] == {"since": "later"}


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("---\napiVersion: v1\nkind: Pod\nspec: {foo: 1}\n", 2, 'unknown field "spec.foo"'),
        ("apiVersion: v1\nkind: Pod\nspec: {containers: 1}\n", 1, "cannot unmarshal number"),
        ("a: [", 1, "expected"),
        ("- 1\n", 1, "mapping"),
        ("kind: Pod\n", 1, "apiVersion not set"),
        ("apiVersion: v1\nkind: Prod\n", 1, 'no matches for kind "Prod" in version "v1"'),
        ("apiVersion: v1\nkind: Pod\nkind: Pod\n", 3, 'key "kind" already set'),
        ("apiVersion: v1\nkind: Pod\nmetadata: [1]\n", 1, "metadata must be a mapping"),
        ("apiVersion: v1\n\tkind: Pod\n", 2, "cannot start any token"),
    ],
)
def test_bad_yaml_names_its_line(text: str, line: int, says: str) -> None:
    with pytest.raises(BadDocument) as caught:
        read(text)
    assert caught.value.line == line
    assert says in caught.value.message


def test_a_list_is_opened() -> None:
    text = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod}\n"
    assert [d.resource.plural for d in read(text)] == ["pods"]


def test_objects_survive_being_written_and_read() -> None:
    obj = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "x", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "data": {"a": "yes", "b": "1", "c": "line\nline\n", "d": "", "e": "0x1F", "f": "12:30"},
    }
    assert read(write(obj))[0].obj == obj
