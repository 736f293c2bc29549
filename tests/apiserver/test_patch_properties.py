"""Patches that make no sense: the answer is 400, 409, 415 or 422 with a Status, and never a 500."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cluster.apiserver.authn import Authenticator
from cluster.apiserver.http import ApiServer
from cluster.apiserver.operations import User
from cluster.apiserver.registry import Registry
from cluster.client import Client
from cluster.etcd.memory import MemoryStore
from cluster.machinery.clock import VirtualClock
from cluster.machinery.entropy import Entropy
from tests.apiserver.conftest import Answer, Caller

JSON_PATCH = "application/json-patch+json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"
LABELS = {"app": "web"}
TEMPLATE = {
    "metadata": {"labels": LABELS},
    "spec": {
        "containers": [
            {"name": "a", "image": "a", "ports": [{"containerPort": 80}], "env": [{"name": "X"}]},
            {"name": "b", "image": "b"},
        ],
        "volumes": [{"name": "v", "emptyDir": {}}],
    },
}
OBJECTS: dict[str, Any] = {
    "/api/v1/namespaces/default/configmaps": {"data": {"x": "1"}},
    "/api/v1/namespaces/default/pods": {"spec": TEMPLATE["spec"]},
    "/api/v1/namespaces/default/services": {
        "spec": {"selector": LABELS, "ports": [{"name": "http", "port": 80}]}
    },
    "/apis/apps/v1/namespaces/default/deployments": {
        "spec": {"selector": {"matchLabels": LABELS}, "template": TEMPLATE}
    },
}
PATHS = [f"{where}/web" for where in OBJECTS] + [
    "/apis/apps/v1/namespaces/default/deployments/web/scale",
    "/apis/apps/v1/namespaces/default/deployments/web/status",
    "/api/v1/namespaces/default/pods/web/status",
    "/apis/apps/v1/namespaces/default/deployments/new",
]
WORDS = [
    "metadata", "spec", "status", "data", "name", "labels", "annotations", "containers", "ports",
    "template", "selector", "replicas", "env", "volumes", "kind", "apiVersion", "finalizers",
    "ownerReferences", "managedFields", "resourceVersion", "uid", "matchLabels", "conditions",
    "resources", "limits", "cpu", "strategy", "type", "binaryData", "image", "x", "0", "-", "",
    "$patch", "$retainKeys", "$setElementOrder/containers", "$deleteFromPrimitiveList/finalizers",
    "creationTimestamp", "deletionTimestamp", "generateName", "namespace", "tolerations",
]  # fmt: skip
words = st.sampled_from(WORDS)
scalars = (
    st.none() | st.booleans() | st.integers(-3, 2**40) | st.floats(allow_nan=False)
    | st.sampled_from(["", "web", "a", "v1", "delete", "replace", "merge", "1", "500m", "x" * 300])
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(words, below, max_size=4),
    max_leaves=12,
)
pointers = st.lists(words, max_size=5).map(lambda parts: "".join("/" + p for p in parts))
steps = st.fixed_dictionaries(
    {},
    optional={
        "op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test", "nope", ""]),
        "path": pointers | scalars,
        "from": pointers | scalars,
        "value": values,
    },
)
# Objects that nearly make sense get further than noise.
shaped = st.fixed_dictionaries(
    {},
    optional={
        "metadata": values | st.dictionaries(words, values, max_size=3),
        "spec": st.dictionaries(words, values, max_size=3) | values,
        "status": st.dictionaries(words, values, max_size=3) | values,
        "data": values,
    },
)


class Lab:
    """One server for all examples."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        registry = Registry(MemoryStore(), VirtualClock(), Entropy(1))
        client = Client(registry, "system:bootstrap")
        client.do_create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}})
        account = {"name": "default", "namespace": "default"}
        client.do_create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
        users = {"admin": User("admin", ("system:masters",))}
        self.server = ApiServer(registry, Authenticator(users))
        self.caller = Caller(self.server)
        for where, rest in OBJECTS.items():
            made = self.ask("POST", where, {"metadata": {"name": "web", "labels": LABELS}, **rest})
            assert made.status == 201, made.body

    def ask(self, method: str, path: str, body: Any, **headers: str) -> Answer:
        return self.loop.run_until_complete(self.caller.ask(method, path, body, **headers))

    def patch(self, path: str, kind: str, body: Any, query: str = "") -> None:
        where = f"{path}?dryRun=All{query}"
        answer = self.ask("PATCH", where, body, content_type=kind)
        assert answer.status in (200, 201, 400, 404, 409, 413, 415, 422), answer.body
        if answer.status >= 400:
            status = answer.json
            assert (status["kind"], status["status"]) == ("Status", "Failure")
            assert status["code"] == answer.status
            assert status["message"]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    found = Lab()
    yield found
    found.server.close()
    found.loop.close()


paths = st.sampled_from(PATHS)
checked: Callable[[Any], Any] = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@checked
@given(path=paths, body=st.lists(steps, max_size=4) | values)
@example(path=PATHS[0], body=[{"op": "add", "path": "/metadata", "value": None}])
@example(path=PATHS[0], body=[{"op": "replace", "path": "", "value": []}])
@example(path=PATHS[0], body=[{"op": "test", "path": "/data/-", "value": 1}])
@example(path=PATHS[1], body=[{"op": "remove", "path": "/spec/containers/0/name"}])
@example(path=PATHS[1], body=[{"op": "add", "path": "/spec/containers/-", "value": 3}])
@example(path=PATHS[4], body=[{"op": "replace", "path": "/spec", "value": 3}])
def test_json_patches(lab: Lab, path: str, body: Any) -> None:
    lab.patch(path, JSON_PATCH, body)


@checked
@given(path=paths, body=shaped | values)
@example(path=PATHS[0], body={"metadata": {"managedFields": [{"manager": 1}]}})
@example(path=PATHS[0], body={"metadata": {"ownerReferences": [1]}})
@example(path=PATHS[1], body={"spec": {"containers": {"0": 1}}})
@example(path=PATHS[4], body={"spec": {"replicas": "3"}})
@example(path=PATHS[4], body={"spec": None, "metadata": None})
@example(path=PATHS[5], body={"status": []})
def test_merge_patches(lab: Lab, path: str, body: Any) -> None:
    lab.patch(path, MERGE, body)


@checked
@given(path=paths, body=shaped | values)
@example(path=PATHS[1], body={"spec": {"containers": [{"$patch": "delete"}]}})
@example(path=PATHS[1], body={"spec": {"containers": {"$patch": "delete"}}})
@example(path=PATHS[1], body={"spec": {"$retainKeys": 3}})
@example(path=PATHS[1], body={"spec": {"$setElementOrder/containers": 1}})
@example(path=PATHS[1], body={"spec": {"$setElementOrder/containers": [{"name": {}}]}})
@example(path=PATHS[1], body={"metadata": {"$deleteFromPrimitiveList/finalizers": 1}})
@example(path=PATHS[1], body={"spec": {"containers": [{"name": []}]}})
@example(path=PATHS[1], body={"spec": {"containers": [[]]}})
@example(path=PATHS[3], body={"spec": {"template": {"spec": {"containers": "x"}}}})
def test_strategic_patches(lab: Lab, path: str, body: Any) -> None:
    lab.patch(path, STRATEGIC, body)


def _named(body: Any, path: str) -> Any:
    """Half of them with what an apply needs to get anywhere."""
    if not isinstance(body, dict):
        return body
    kinds = {"configmaps": "ConfigMap", "pods": "Pod", "services": "Service"}
    parts = path.split("/")
    kind = next((k for word, k in kinds.items() if word in parts), "Deployment")
    version = "v1" if path.startswith("/api/") else "apps/v1"
    if path.endswith("/scale"):
        version, kind = "autoscaling/v1", "Scale"
    meta = body.get("metadata")
    meta = {"name": "web", **meta} if isinstance(meta, dict) else {"name": "web"}
    return {**body, "apiVersion": version, "kind": kind, "metadata": meta}


@checked
@given(path=paths, body=shaped | values, named=st.booleans(), force=st.booleans())
@example(path=PATHS[1], body={"spec": {"containers": [{"name": {}}]}}, named=True, force=True)
@example(path=PATHS[1], body={"spec": {"containers": [{"name": 1}]}}, named=True, force=True)
@example(path=PATHS[3], body={"spec": {"replicas": 1.5}}, named=True, force=True)
@example(path=PATHS[4], body={"spec": {"replicas": None}}, named=True, force=True)
@example(path=PATHS[0], body={"metadata": {"finalizers": [[]]}}, named=True, force=True)
@example(path=PATHS[0], body={"metadata": {"resourceVersion": "x"}}, named=True, force=True)
def test_apply_patches(lab: Lab, path: str, body: Any, named: bool, force: bool) -> None:
    sent = _named(body, path) if named else body
    lab.patch(path, APPLY, sent, "&fieldManager=me&force=true" if force else "&fieldManager=me")


@checked
@given(path=paths, body=st.binary(max_size=40), kind=st.sampled_from([JSON_PATCH, MERGE, APPLY]))
@example(path=PATHS[0], body=b"a: &a [x]\nb: *a", kind=APPLY)
@example(path=PATHS[0], body=b"- a", kind=APPLY)
@example(path=PATHS[0], body=b"{", kind=APPLY)
@example(path=PATHS[0], body=b"\xff\xfe", kind=APPLY)
@example(path=PATHS[0], body=b"? [1, 2]\n: x", kind=APPLY)
@example(path=PATHS[0], body=b"x: !!python/object:os.system {}", kind=APPLY)
def test_bytes_that_are_no_patch(lab: Lab, path: str, body: bytes, kind: str) -> None:
    lab.patch(path, kind, body, "&fieldManager=me" if kind == APPLY else "")


@pytest.mark.parametrize("kind", [JSON_PATCH, MERGE, STRATEGIC, APPLY])
@pytest.mark.parametrize("depth", [50, 400, 5000])
def test_depth_is_no_way_in(lab: Lab, kind: str, depth: int) -> None:
    deep = b'{"data":' * depth + b"1" + b"}" * depth
    body = b'[{"op":"add","path":"/data","value":' + deep + b"}]" if kind == JSON_PATCH else deep
    lab.patch(PATHS[0], kind, body, "&fieldManager=me" if kind == APPLY else "")
    lab.patch(PATHS[0], kind, b"[" * depth + b"]" * depth, "&fieldManager=m" * (kind == APPLY))


def test_a_small_document_that_grows_without_end_is_refused(lab: Lab) -> None:
    lines = [b"a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    for level in range(1, 9):
        repeated = b",".join([b"*a%d" % (level - 1)] * 9)
        lines.append(b"a%d: &a%d [%b]" % (level, level, repeated))
    answer = lab.ask("PATCH", f"{PATHS[0]}?fieldManager=me", b"\n".join(lines), content_type=APPLY)
    assert answer.status == 400
    assert orjson.loads(answer.body)["reason"] == "BadRequest"


@pytest.mark.parametrize(
    ("kind", "body", "code", "message"),
    [
        (
            JSON_PATCH, b"{}", 400,
            "error decoding patch: json: cannot unmarshal object into Go value of type "
            "[]interface {}",
        ),
        (
            MERGE, b"[]", 400,
            "error decoding patch: json: cannot unmarshal array into Go value of type "
            "map[string]interface {}",
        ),
        (
            STRATEGIC, b"3", 400,
            "json: cannot unmarshal number into Go value of type map[string]interface {}",
        ),
        (MERGE, b"", 400, "error decoding patch: unexpected end of JSON input"),
        (
            JSON_PATCH, b'[{"op":"remove","path":"/spec/nope"}]', 422,
            "the server rejected our request due to an error in our request",
        ),
        (
            JSON_PATCH, b'[{"op":"test","path":"/data/x","value":"2"}]', 422,
            "the server rejected our request due to an error in our request",
        ),
        (
            JSON_PATCH, orjson.dumps([{"op": "test", "path": "/kind", "value": "x"}] * 10_001), 413,
            "Request entity is too large: The allowed maximum operations in a JSON patch is 10000, "
            "got 10001",
        ),
        (STRATEGIC, b'{"metadata":{"$patch":"x"}}', 400, "Unknown patch type found: x"),
        (STRATEGIC, b'{"metadata":{"$retainKeys":1}}', 400, "invalid patch format of retainKeys"),
    ],
)  # fmt: skip
def test_a_patch_that_cannot_be_carried_out_is_answered_in_upstream_s_words(
    lab: Lab, kind: str, body: bytes, code: int, message: str
) -> None:
    answer = lab.ask("PATCH", PATHS[0], body, content_type=kind)
    assert (answer.status, answer.json["message"]) == (code, message)
