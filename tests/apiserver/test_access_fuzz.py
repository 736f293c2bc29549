"""Bodies that are nearly right, or not at all: always a Status, never a broken server."""

from __future__ import annotations

import random
from typing import Any

import orjson
import pytest

from tests.apiserver.conftest import Caller
from tests.apiserver.test_authorization import ACCESS, BOB, PODS, RBAC, TEAM, binding, role
from tests.apiserver.test_signing_requests import PATH as REQUESTS
from tests.apiserver.test_signing_requests import spec
from tests.apiserver.test_tokens import ACCOUNTS, REVIEW

ODD = (
    None, True, 0, -1, 3.5, "", "x", "*", "a/b", "é", [], {}, [None], [1], {"a": 1}, 10**15,
    {"verbs": None}, [[]], "system:masters",
)  # fmt: skip
PATCHES = ("merge-patch+json", "strategic-merge-patch+json", "apply-patch+yaml", "json-patch+json")
SELECTOR = {"matchExpressions": [{"key": "a", "operator": "In", "values": ["x"]}]}
AGGREGATE = {"aggregationRule": {"clusterRoleSelectors": [SELECTOR]}}
DECIDED = {"conditions": [{"type": "Approved", "status": "True"}], "certificate": "eA=="}
WHAT = {"verb": "get", "resource": "pods", "namespace": "team", "fieldSelector": {}}
STORED: dict[str, Any] = {
    f"{TEAM}/roles": role("a", PODS),
    f"{RBAC}/clusterroles": role("a", PODS, "ClusterRole", **AGGREGATE),
    f"{TEAM}/rolebindings": binding("a", "view", BOB, kind="ClusterRole"),
    REQUESTS: {**spec(), "metadata": {"name": "a"}, "status": DECIDED},
}
ANSWERED: dict[str, Any] = {
    f"{ACCESS}/subjectaccessreviews": {"spec": {"user": "bob", "resourceAttributes": WHAT}},
    f"{ACCESS}/selfsubjectrulesreviews": {"spec": {"namespace": "team"}},
    REVIEW: {"spec": {"token": "a.b.c", "audiences": ["x"]}},
    f"{ACCOUNTS}/default/token": {"spec": {"expirationSeconds": 700, "boundObjectRef": {}}},
}


def mutated(value: Any, chance: random.Random) -> Any:
    if chance.random() < 0.12:
        return chance.choice(ODD)
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if chance.random() > 0.05}
        return {k: mutated(v, chance) for k, v in kept.items()}
    if isinstance(value, list):
        return [mutated(v, chance) for v in value]
    return value


@pytest.mark.parametrize("seed", range(3))
async def test_nothing_breaks_the_server(api: Caller, seed: int) -> None:
    chance = random.Random(seed)
    for path, body in STORED.items():
        assert (await api.ask("POST", path, body)).status == 201
    for _ in range(300):
        path, body = chance.choice([*STORED.items(), *ANSWERED.items()])
        method, headers = "POST", {}
        if path in STORED and chance.random() < 0.6:
            method = chance.choice(("PUT", "PATCH"))
            sub = chance.choice(("", "/approval", "/status")) if path == REQUESTS else ""
            path = f"{path}/a{sub}?fieldManager=m"
            if method == "PATCH":
                headers["content_type"] = f"application/{chance.choice(PATCHES)}"
        sent = orjson.dumps(mutated(body, chance))
        answer = await api.ask(method, path, sent, chance.choice(("admin", "bob")), **headers)
        assert answer.status < 500, (method, path, headers, sent, answer.body)
        assert answer.json["kind"]
