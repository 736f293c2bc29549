"""Whatever is sent: never a 5xx, never a hang, and every error is a v1 Status."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cluster.apiserver.authn import Authenticator
from cluster.apiserver.http import ApiServer
from cluster.apiserver.operations import User
from cluster.apiserver.registry import Registry
from cluster.apiserver.resources import SERVED
from cluster.client import Client
from cluster.etcd.memory import MemoryStore
from cluster.machinery.clock import VirtualClock
from cluster.machinery.entropy import Entropy
from tests.apiserver.conftest import Answer, Caller

BOUNDED = settings(
    deadline=None, max_examples=250, suppress_health_check=list(HealthCheck), print_blob=True
)
LONGEST = 10.0  # seconds; watches are asked to end at once

RESOURCE_PATHS = [
    "/".join(
        filter(
            None,
            (
                f"/apis/{r.group}/{r.version}" if r.group else f"/api/{r.version}",
                "namespaces/default" if r.namespaced else "",
                r.plural,
            ),
        )
    )
    for r in SERVED
]
WORDS = ["", "a", "x", "status", "scale", "log", "exec", "proxy", "..", "%00", "é", "a" * 300, "🙂"]
VERSIONS = ["", "0", "1", "999999", "-1", "abc", "18446744073709551616"]
FLAGS = ["", "true", "false", "1", "0", "yes", "maybe"]
QUERIES = {
    "limit": ["0", "1", "-1", "abc", "99999999999999999999"],
    "continue": ["", "abc", "e30", "eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ"],
    "resourceVersion": VERSIONS,
    "resourceVersionMatch": ["", "Exact", "NotOlderThan", "Maybe"],
    "labelSelector": ["", "a", "a=b", "a in (b", "!a", "a,,b", "=", "a notin ()", "é=ü", "a" * 400],
    "fieldSelector": ["", "metadata.name=x", "spec.nope=1", "a", "==", "metadata.name!=x,"],
    "watch": FLAGS, "pretty": FLAGS, "allowWatchBookmarks": FLAGS, "sendInitialEvents": FLAGS,
    "dryRun": ["", "All", "Some"], "fieldValidation": ["", "Strict", "Warn", "Ignore", "No"],
    "fieldManager": ["", "me", "a" * 200, "\u0001"], "force": FLAGS,
    "propagationPolicy": ["", "Orphan", "Background", "Never"],
    "gracePeriodSeconds": ["", "0", "-1", "abc", "99999999999"],
    "container": ["", "x"], "tailLines": ["", "-1", "abc"], "sinceSeconds": ["", "0", "x"],
    "previous": FLAGS, "command": ["", "ls"], "stdout": FLAGS,
}  # fmt: skip
ACCEPTS = [
    "", "*/*", "application/json", "application/yaml", "text/plain", "a/b;c=d;;q=x", ",",
    "application/json;as=Table;v=v1;g=meta.k8s.io", "application/vnd.kubernetes.protobuf",
    "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io", "application/cbor",
]  # fmt: skip
TYPES = [
    "", "application/json", "application/yaml", "application/vnd.kubernetes.protobuf", "text/plain",
    "application/json-patch+json", "application/merge-patch+json", "nonsense", "a;b;c",
    "application/strategic-merge-patch+json", "application/apply-patch+yaml",
]  # fmt: skip

scalar = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
)
names = st.sampled_from(
    ["apiVersion", "kind", "metadata", "spec", "status", "name", "labels", "annotations", "data",
     "containers", "template", "selector", "replicas", "matchLabels", "op", "path", "value",
     "rules", "ownerReferences", "finalizers", "image", "ports", "resources", "$patch",
     "managedFields", "x"]
)  # fmt: skip
value = st.recursive(
    scalar | st.sampled_from(["v1", "Pod", "default", "a", "/spec", "replace", "1Gi", "-1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
query = st.dictionaries(st.sampled_from(sorted(QUERIES)), st.integers(0, 10), max_size=3)
path = st.builds(
    lambda base, rest, slash: "/".join([base, *rest]) + slash,
    st.sampled_from([*RESOURCE_PATHS, "", "/api", "/apis", "/apis/apps", "/openapi/v3",
                     "/openapi/v2", "/version", "/healthz", "/readyz", "/metrics",
                     "/api/v1/namespaces", "//api"]),
    st.lists(st.sampled_from(WORDS), max_size=3),
    st.sampled_from(["", "", "/"]),
)  # fmt: skip
body = st.none() | st.binary(max_size=20) | value | st.builds(
    lambda spec, kind, version, meta: {
        "apiVersion": version, "kind": kind, "metadata": meta, "spec": spec,
    },
    value, st.sampled_from(sorted({r.kind for r in SERVED})),
    st.sampled_from(sorted({r.api_version for r in SERVED})),
    st.dictionaries(names, value, max_size=3) | st.just({"name": "a"}),
)  # fmt: skip


@pytest.fixture(scope="module")
def caller() -> Any:
    registry = Registry(MemoryStore(), VirtualClock(), Entropy(1))
    client = Client(registry, "system:bootstrap")
    client.do_create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}})
    meta = {"name": "default", "namespace": "default"}
    client.do_create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})
    users = {"admin": User("admin", ("system:masters",))}
    server = ApiServer(registry, Authenticator(users))
    yield Caller(server)
    server.close()


def send(caller: Caller, method: str, where: str, data: Any, **headers: str) -> Answer:
    async def one() -> Answer:
        return await asyncio.wait_for(caller.ask(method, where, data, **headers), LONGEST)

    return asyncio.run(one())


def check(answer: Answer, verb: str = "") -> None:
    assert answer.status < 500 or answer.status in (501, 503, 504), answer.body
    if (
        verb != "HEAD"
        and answer.status >= 400
        and answer.headers.get("content-type", "").startswith("application/json")
    ):
        status = answer.json
        assert (status["kind"], status["apiVersion"], status["code"]) == (
            "Status", "v1", answer.status,
        )  # fmt: skip


def encoded(where: str, chosen: dict[str, int]) -> str:
    pairs = [f"{k}={quote(QUERIES[k][i % len(QUERIES[k])])}" for k, i in sorted(chosen.items())]
    return f"{where}?{'&'.join([*pairs, 'timeoutSeconds=0'])}"


@BOUNDED
@given(path, query, st.sampled_from(ACCEPTS), st.sampled_from(["GET", "HEAD", "OPTIONS", "X"]))
def test_reading(
    caller: Caller, where: str, chosen: dict[str, int], accept: str, verb: str
) -> None:
    if any(QUERIES[k][i % len(QUERIES[k])] not in ("", "false", "0") for k, i in chosen.items()
           if k == "watch"):  # fmt: skip
        where, chosen = where, {k: i for k, i in chosen.items() if k != "watch"}
    check(send(caller, verb, encoded(where, chosen), None, accept=accept), verb)


@BOUNDED
@given(
    path, query, body, st.sampled_from(TYPES), st.sampled_from(["POST", "PUT", "PATCH", "DELETE"])
)
def test_writing(
    caller: Caller, where: str, chosen: dict[str, int], data: Any, kind: str, verb: str
) -> None:
    if data is not None and not isinstance(data, bytes):
        try:
            data = orjson.dumps(data)
        except (TypeError, ValueError):  # an integer beyond 64 bits, a lone surrogate
            return
    check(send(caller, verb, encoded(where, chosen), data or b"", content_type=kind))


@BOUNDED
@given(value, st.sampled_from(TYPES), st.sampled_from(["", "/status", "/scale"]))
def test_patching_what_exists(caller: Caller, data: Any, kind: str, subresource: str) -> None:
    template = {
        "metadata": {"labels": {"a": "b"}},
        "spec": {"containers": [{"name": "c", "image": "i"}]},
    }
    made = {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "target"},
        "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template},
    }  # fmt: skip
    base = "/apis/apps/v1/namespaces/default/deployments"
    send(caller, "POST", base, made, content_type="application/json")
    try:
        text = orjson.dumps(data)
    except (TypeError, ValueError):
        return
    where = f"{base}/target{subresource}?fieldManager=fuzz"
    check(send(caller, "PATCH", where, text, content_type=kind))


@pytest.mark.parametrize(
    "verb, where, data, code",
    [
        ("GET", "/api/v1/namespaces?limit=-1", b"", 200),
        ("GET", "/api/v1/namespaces?limit=99999999999999999999", b"", 400),
        ("POST", "/api/v1/namespaces", b'{"apiVersion":true}', 400),
        ("POST", "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers", b"{}", 422),
    ],
)
def test_what_was_found(caller: Caller, verb: str, where: str, data: bytes, code: int) -> None:
    answer = send(caller, verb, where, data, content_type="application/json")
    assert answer.status == code
    check(answer)
