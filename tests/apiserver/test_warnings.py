"""What is stored, but with a word of warning; and the subresources that change a pod's spec."""

from __future__ import annotations

from typing import Any

import pytest

from tests.apiserver.conftest import Caller

CORE = "/api/v1/namespaces/default"
PODS = f"{CORE}/pods"
STRATEGIC = "application/strategic-merge-patch+json"


def pod(**container: Any) -> dict[str, Any]:
    first = {"name": "c", "image": "nginx", **container}
    return {"metadata": {"name": "p"}, "spec": {"containers": [first]}}


def causes(answer: Any) -> list[str]:
    return [f"{c['field']}: {c['message']}" for c in answer.json["details"]["causes"]]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (
            f"{CORE}/endpoints",
            "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
        ),
        ("/api/v1/componentstatuses", "v1 ComponentStatus is deprecated in v1.19+"),
    ],
)
async def test_deprecated_kinds_say_so(api: Caller, path: str, text: str) -> None:
    assert (await api.ask("GET", path)).headers["warning"] == f'299 - "{text}"'


async def test_a_hidden_variable_and_an_old_label_are_worth_a_word(api: Caller) -> None:
    env = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
    answer = await api.ask("POST", PODS, pod(env=env))
    assert answer.status == 201
    assert answer.headers["warning"] == (
        '299 - "spec.containers[0].env[1]: hides previous definition of \\"A\\", which may be '
        'dropped when using apply"'
    )
    spec = {"nodeSelector": {"beta.kubernetes.io/os": "linux"}, **pod()["spec"]}
    template = {"metadata": {"labels": {"a": "b"}}, "spec": spec}
    body = {
        "metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template},
    }
    answer = await api.ask("POST", "/apis/apps/v1/namespaces/default/deployments", body)
    assert (
        "spec.template.spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14"
        in (answer.headers["warning"])
    )


async def test_nothing_is_said_of_what_is_in_order(api: Caller) -> None:
    assert "warning" not in (await api.ask("POST", PODS, pod())).headers


async def test_events_are_selected_by_the_names_of_their_version(api: Caller) -> None:
    event = {
        "metadata": {"name": "e"},
        "involvedObject": {"kind": "Pod", "name": "p", "namespace": "default"},
        "reason": "Tested",
    }
    assert (await api.ask("POST", f"{CORE}/events", event)).status == 201
    new = "/apis/events.k8s.io/v1/namespaces/default/events"
    found = await api.ask("GET", f"{new}?fieldSelector=regarding.name%3Dp")
    assert [e["metadata"]["name"] for e in found.json["items"]] == ["e"]
    none = await api.ask("GET", f"{new}?fieldSelector=regarding.name%3Dq")
    assert none.json["items"] == []


async def test_ephemeral_containers_are_added_and_stay(api: Caller) -> None:
    await api.ask("POST", PODS, pod())
    where = f"{PODS}/p/ephemeralcontainers"
    debug = {"name": "debug", "image": "busybox", "targetContainerName": "c"}
    patch = {"spec": {"ephemeralContainers": [debug]}}
    added = await api.ask("PATCH", where, patch, content_type=STRATEGIC)
    assert added.status == 200, added.json
    assert added.json["metadata"]["generation"] == 2
    assert added.json["spec"]["ephemeralContainers"][0]["imagePullPolicy"] == "Always"
    patch["spec"]["ephemeralContainers"][0]["image"] = "alpine"
    refused = await api.ask("PATCH", where, patch, content_type=STRATEGIC)
    assert causes(refused) == [
        'spec.ephemeralContainers: Forbidden: existing ephemeral containers "debug" may not be '
        "changed\n"
    ]
    bad = {"name": "c", "image": "x", "ports": [{"containerPort": 1, "protocol": "TCP"}]}
    steps = [{"op": "add", "path": "/spec/ephemeralContainers/1", "value": bad}]
    refused = await api.ask("PATCH", where, steps, content_type="application/json-patch+json")
    assert causes(refused) == [
        'spec.ephemeralContainers[1].name: Duplicate value: "c"',
        "spec.ephemeralContainers[1].ports: Forbidden: cannot be set for an Ephemeral Container",
    ]


async def test_only_cpu_and_memory_are_resized(api: Caller) -> None:
    await api.ask("POST", PODS, pod(resources={"requests": {"cpu": "100m"}}))
    where = f"{PODS}/p/resize"
    container = {"name": "c", "resources": {"requests": {"cpu": "1000m"}}}
    resized = await api.ask(
        "PATCH", where, {"spec": {"containers": [container]}}, content_type=STRATEGIC
    )
    assert resized.status == 200, resized.json
    assert resized.json["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "1"}
    patch = {"spec": {"containers": [{"name": "c", "image": "other"}]}}
    refused = await api.ask("PATCH", where, patch, content_type=STRATEGIC)
    assert causes(refused) == ["spec: Forbidden: only cpu and memory resources are mutable"]
    patch = {"spec": {"containers": [{"name": "c", "resources": {"limits": {"cpu": "1"}}}]}}
    plain = await api.ask("PATCH", f"{PODS}/p", patch, content_type=STRATEGIC)
    assert plain.status == 422
