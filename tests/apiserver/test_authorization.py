"""Who may do what, asked over HTTP as clients ask."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.apiserver.authz import attributes_of
from cluster.apiserver.authz.defaults import default_objects
from cluster.apiserver.http import build_app
from cluster.etcd.api import Origin, Put, Txn
from tests.apiserver.conftest import Answer, Caller

RBAC = "/apis/rbac.authorization.k8s.io/v1"
TEAM = f"{RBAC}/namespaces/team"
ACCESS = "/apis/authorization.k8s.io/v1"
PODS = [{"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]}]
BOB = {"kind": "User", "name": "bob"}


def role(name: str, rules: Any = PODS, kind: str = "Role", **more: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name}, "rules": rules, **more}


def binding(name: str, to: str, *subjects: dict[str, str], kind: str = "Role") -> dict[str, Any]:
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": to}
    return {"metadata": {"name": name}, "roleRef": ref, "subjects": list(subjects)}


async def grant(api: Caller, rules: Any, name: str = "rights") -> None:
    """Bob gets `rules` in the namespace team."""
    assert (await api.ask("POST", f"{TEAM}/roles", role(name, rules))).status == 201
    made = await api.ask("POST", f"{TEAM}/rolebindings", binding(name, name, BOB))
    assert made.status == 201, made.body


async def can(api: Caller, what: dict[str, Any], token: str = "bob", **headers: str) -> Any:
    body = {"spec": {"resourceAttributes": what}}
    path = f"{ACCESS}/selfsubjectaccessreviews"
    return (await api.ask("POST", path, body, token, **headers)).json["status"]


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        (
            "GET", "/api/v1/namespaces/team/pods",
            'pods is forbidden: User "bob" cannot list resource "pods" in API group "" '
            'in the namespace "team"',
        ),
        (
            "GET", "/api/v1/pods?watch=true",
            'pods is forbidden: User "bob" cannot watch resource "pods" in API group "" '
            "at the cluster scope",
        ),
        (
            "DELETE", "/apis/apps/v1/namespaces/team/deployments/web",
            'deployments.apps "web" is forbidden: User "bob" cannot delete resource "deployments" '
            'in API group "apps" in the namespace "team"',
        ),
        (
            "DELETE", "/apis/apps/v1/namespaces/team/deployments",
            'deployments.apps is forbidden: User "bob" cannot deletecollection resource '
            '"deployments" in API group "apps" in the namespace "team"',
        ),
        (
            "GET", "/api/v1/namespaces/team/pods/web/log",
            'pods "web" is forbidden: User "bob" cannot get resource "pods/log" in API group "" '
            'in the namespace "team"',
        ),
        (
            "GET", "/api/v1/namespaces/team",
            'namespaces "team" is forbidden: User "bob" cannot get resource "namespaces" in API '
            'group "" in the namespace "team"',
        ),
        ("GET", "/metrics", 'forbidden: User "bob" cannot get path "/metrics"'),
    ],
)  # fmt: skip
async def test_a_refusal_says_what_upstream_says(
    api: Caller, method: str, path: str, message: str
) -> None:
    refused = await api.ask(method, path, token="bob")
    assert (refused.status, refused.json["message"]) == (403, message)


async def test_even_what_does_not_exist_is_forbidden_first(api: Caller) -> None:
    path = "/apis/none.example.com/v1/things"
    assert (await api.ask("GET", path, token="bob")).status == 403
    assert (await api.ask("GET", path)).status == 404


async def test_a_role_counts_from_its_binding_to_its_end(api: Caller) -> None:
    pods = "/api/v1/namespaces/team/pods"
    assert (await api.ask("GET", pods, token="bob")).status == 403
    await grant(api, PODS)
    assert (await api.ask("GET", pods, token="bob")).status == 200
    assert (await api.ask("GET", f"{pods}?watch=1", token="bob")).status == 403
    assert (await api.ask("GET", "/api/v1/namespaces/default/pods", token="bob")).status == 403
    await api.ask("DELETE", f"{TEAM}/rolebindings/rights")
    assert (await api.ask("GET", pods, token="bob")).status == 403


async def test_a_right_given_through_another_server_counts_at_once(api: Caller) -> None:
    pods = "/api/v1/namespaces/team/pods"
    assert (await api.ask("GET", pods, token="bob")).status == 403
    other = Caller(type(api.server)(api.server.registry, api.server.authenticator))
    await grant(other, PODS)
    assert (await api.ask("GET", pods, token="bob")).status == 200
    other.server.close()


async def test_what_was_written_past_the_api_grants_nothing_and_breaks_nothing(
    api: Caller,
) -> None:
    await grant(api, PODS)
    for kind in ("roles", "rolebindings"):
        for name, value in (("broken", b"{"), ("odd", b'{"metadata":{},"rules":[3],"subjects":1}')):
            key = f"/registry/{kind}/team/{name}".encode()
            api.server.registry.store.commit([Txn((), (Put(key, value),), Origin("etcdctl"))])
    api.server.hint()
    found = await api.ask("GET", "/api/v1/namespaces/team/pods", token="bob")
    assert found.status == 200, found.body
    assert (await api.ask("GET", "/api/v1/namespaces/team/pods", token="bob")).status == 200


async def test_a_null_in_a_list_is_an_empty_rule(api: Caller) -> None:
    refused = await api.ask("POST", f"{TEAM}/roles", role("x", [None]))
    assert refused.status == 422
    assert "rules[0].verbs: Required value" in refused.json["message"]


async def test_a_binding_to_nothing_tells_so(api: Caller) -> None:
    await api.ask("POST", f"{TEAM}/rolebindings", binding("x", "gone", BOB))
    refused = await api.ask("GET", "/api/v1/namespaces/team/pods", token="bob")
    expected = ': RBAC: role.rbac.authorization.k8s.io "gone" not found'
    assert refused.json["message"].endswith(expected)


async def test_resource_names_and_subresources_are_rights_of_their_own(api: Caller) -> None:
    rule = {
        "verbs": ["get"], "apiGroups": [""], "resources": ["pods/log"], "resourceNames": ["a"],
    }  # fmt: skip
    await grant(api, [rule])
    base = {"verb": "get", "resource": "pods", "namespace": "team"}
    assert (await can(api, {**base, "subresource": "log", "name": "a"}))["allowed"]
    assert not (await can(api, {**base, "subresource": "log", "name": "b"}))["allowed"]
    assert not (await can(api, {**base, "name": "a"}))["allowed"]


async def handshake(api: Caller, path: str) -> int:
    """The HTTP status that a websocket's handshake is refused with, as bob."""
    scope = {
        "type": "websocket", "path": path, "query_string": b"command=true",
        "headers": [(b"authorization", b"Bearer bob")], "subprotocols": ["v5.channel.k8s.io"],
        "extensions": {"websocket.http.response": {}},
    }  # fmt: skip
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await build_app(api.server)(scope, receive, send)
    return int(sent[0]["status"])


async def test_exec_needs_create_and_get_is_not_enough(api: Caller) -> None:
    path = "/api/v1/namespaces/team/pods/none/exec"
    rule = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods/exec"]}
    await grant(api, [rule])
    assert await handshake(api, path) == 403
    await grant(api, [{**rule, "verbs": ["create"]}], "more")
    assert await handshake(api, path) == 404, "allowed, but there is no such pod"


# ---- granting


async def escalate(api: Caller, rules: Any) -> Answer:
    write = {
        "verbs": ["create"], "apiGroups": ["rbac.authorization.k8s.io"],
        "resources": ["roles", "rolebindings"],
    }  # fmt: skip
    await grant(api, [write, *PODS])
    return await api.ask("POST", f"{TEAM}/roles", role("mine", rules), "bob")


async def test_nobody_grants_what_he_does_not_hold(api: Caller) -> None:
    wanted = [{"verbs": ["get", "delete"], "apiGroups": [""], "resources": ["pods", "secrets"]}]
    refused = await escalate(api, wanted)
    assert refused.status == 403
    assert refused.json["message"] == (
        'roles.rbac.authorization.k8s.io "mine" is forbidden: user "bob" '
        '(groups=["devs" "system:authenticated"]) is attempting to grant RBAC permissions not '
        "currently held:\n"
        '{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}\n'
        '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "delete"]}'
    )
    assert (await api.ask("POST", f"{TEAM}/roles", role("mine"), "bob")).status == 201


async def test_the_verbs_bind_and_escalate_lift_that(api: Caller) -> None:
    secrets = [{"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"]}]
    await api.ask("POST", f"{TEAM}/roles", role("other", secrets))
    assert (await escalate(api, secrets)).status == 403
    bound = await api.ask("POST", f"{TEAM}/rolebindings", binding("b", "other", BOB), "bob")
    assert bound.status == 403
    lifted = {
        "verbs": ["bind", "escalate"], "apiGroups": ["rbac.authorization.k8s.io"],
        "resources": ["roles"],
    }  # fmt: skip
    await grant(api, [lifted], "lifted")
    bound = await api.ask("POST", f"{TEAM}/rolebindings", binding("b", "other", BOB), "bob")
    assert bound.status == 201
    assert (await api.ask("POST", f"{TEAM}/roles", role("mine", secrets), "bob")).status == 201


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        (
            f"{TEAM}/roles", role("x", [{"verbs": [], "apiGroups": [""], "resources": ["pods"]}]),
            'Role.rbac.authorization.k8s.io "x" is invalid: rules[0].verbs: Required value: verbs '
            "must contain at least one value",
        ),
        (
            f"{TEAM}/roles", role("x", [{"verbs": ["get"], "nonResourceURLs": ["/x"]}]),
            'Role.rbac.authorization.k8s.io "x" is invalid: rules[0].nonResourceURLs: Invalid '
            'value: ["/x"]: namespaced rules cannot apply to non-resource URLs',
        ),
        (
            f"{TEAM}/rolebindings", binding("x", "y", {"kind": "Robot", "name": "r"}),
            'RoleBinding.rbac.authorization.k8s.io "x" is invalid: subjects[0].kind: Unsupported '
            'value: "Robot": supported values: "Group", "ServiceAccount", "User"',
        ),
        (
            f"{RBAC}/clusterrolebindings", binding("x", "y", BOB),
            'ClusterRoleBinding.rbac.authorization.k8s.io "x" is invalid: roleRef.kind: '
            'Unsupported value: "Role": supported values: "ClusterRole"',
        ),
    ],
)  # fmt: skip
async def test_invalid_roles_and_bindings(api: Caller, path: str, body: Any, message: str) -> None:
    refused = await api.ask("POST", path, body)
    assert (refused.status, refused.json["message"]) == (422, message)


async def test_a_binding_keeps_its_role(api: Caller) -> None:
    await api.ask("POST", f"{TEAM}/rolebindings", binding("b", "one", BOB))
    refused = await api.ask("PUT", f"{TEAM}/rolebindings/b", binding("b", "two", BOB))
    assert refused.status == 422
    assert "cannot change roleRef" in refused.json["message"]


# ---- reviews


async def test_reviews_of_oneself_and_of_others(api: Caller) -> None:
    await grant(api, PODS)
    asked = {"verb": "list", "resource": "pods", "namespace": "team"}
    assert await can(api, asked) == {
        "allowed": True,
        "reason": 'RBAC: allowed by RoleBinding "rights/team" of Role "rights" to User "bob"',
    }
    spec = {"user": "bob", "groups": [], "resourceAttributes": {**asked, "verb": "delete"}}
    path = f"{ACCESS}/subjectaccessreviews"
    assert not (await api.ask("POST", path, {"spec": spec})).json["status"]["allowed"]
    assert (await api.ask("POST", path, {"spec": spec}, "bob")).status == 403
    local = f"{ACCESS}/namespaces/team/localsubjectaccessreviews"
    spec["resourceAttributes"] = asked
    assert (await api.ask("POST", local, {"spec": spec})).json["status"]["allowed"]
    spec["resourceAttributes"] = {**asked, "namespace": "default"}
    assert (await api.ask("POST", local, {"spec": spec})).status == 400


async def test_reviews_are_only_posted(api: Caller) -> None:
    for method in ("GET", "PUT", "DELETE"):
        assert (await api.ask(method, f"{ACCESS}/selfsubjectaccessreviews", {})).status == 405


async def test_a_review_without_a_question_is_invalid(api: Caller) -> None:
    refused = await api.ask("POST", f"{ACCESS}/selfsubjectaccessreviews", {"spec": {}})
    assert refused.status == 422
    assert "exactly one of nonResourceAttributes or resourceAttributes" in refused.json["message"]


async def test_all_rules_of_a_user_in_a_namespace(api: Caller) -> None:
    await grant(api, PODS)
    body = {"spec": {"namespace": "team"}}
    found = await api.ask("POST", f"{ACCESS}/selfsubjectrulesreviews", body, "bob")
    status = found.json["status"]
    assert PODS[0] in status["resourceRules"]
    assert any("/api/*" in r["nonResourceURLs"] for r in status["nonResourceRules"])
    assert status["incomplete"] is False


# ---- impersonation


async def test_who_may_impersonate_acts_as_the_other(api: Caller) -> None:
    await grant(api, PODS)
    pods = "/api/v1/namespaces/team/pods"
    assert (await api.ask("GET", pods, impersonate_user="bob")).status == 200
    assert (await api.ask("GET", pods, impersonate_user="eve")).status == 403
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    headers = {"impersonate_user": "system:serviceaccount:team:ci", "impersonate_uid": "7"}
    who = (await api.ask("POST", path, {}, **headers)).json["status"]["userInfo"]
    assert who == {
        "username": "system:serviceaccount:team:ci",
        "uid": "7",
        "groups": [
            "system:serviceaccounts", "system:serviceaccounts:team", "system:authenticated",
        ],
    }  # fmt: skip


async def test_who_may_not_impersonate_is_told(api: Caller) -> None:
    refused = await api.ask("GET", "/api", token="bob", impersonate_user="admin")
    assert refused.json["message"] == (
        'users "admin" is forbidden: User "bob" cannot impersonate resource "users" in API group '
        '"" at the cluster scope'
    )
    headers = {"impersonate_user": "bob", "impersonate_extra_team%2fx": "1"}
    refused = await api.ask("GET", "/api", token="bob", **headers)
    assert refused.status == 403


# ---- nodes


async def test_a_node_reads_only_what_its_pods_need(api: Caller) -> None:
    spec = {
        "nodeName": "n1",
        "containers": [{"name": "c", "image": "x", "envFrom": [{"secretRef": {"name": "mine"}}]}],
    }
    pod = {"metadata": {"name": "web"}, "spec": spec}
    assert (await api.ask("POST", "/api/v1/namespaces/team/pods", pod)).status == 201
    as_node = {"impersonate_user": "system:node:n1", "impersonate_group": "system:nodes"}
    asked = {"verb": "get", "resource": "secrets", "namespace": "team", "name": "mine"}
    assert (await can(api, asked, "admin", **as_node))["allowed"]
    refused = await can(api, {**asked, "name": "other"}, "admin", **as_node)
    assert refused["reason"] == "no relationship found between node 'n1' and this object"
    lease = {
        "verb": "update", "group": "coordination.k8s.io", "resource": "leases",
        "namespace": "kube-node-lease", "name": "n2",
    }  # fmt: skip
    refused = await can(api, lease, "admin", **as_node)
    text = "can only access node lease with the same name as the requesting node"
    assert refused == {"allowed": False, "reason": text}
    assert (await api.ask("GET", "/api/v1/pods", **as_node)).status == 403
    selector = {"requirements": [{"key": "spec.nodeName", "operator": "In", "values": ["n1"]}]}
    every = {"verb": "list", "resource": "pods", "fieldSelector": selector}
    assert (await can(api, every, "admin", **as_node))["allowed"]
    own = await api.ask("GET", "/api/v1/pods?fieldSelector=spec.nodeName%3Dn1", **as_node)
    assert own.status == 200


NODE = {"impersonate_user": "system:node:n1", "impersonate_group": "system:nodes"}


async def test_a_node_writes_only_itself_and_its_pods(api: Caller) -> None:
    for name in ("n1", "n2"):
        assert (await api.ask("POST", "/api/v1/nodes", {"metadata": {"name": name}})).status == 201
    other = await api.ask("PUT", "/api/v1/nodes/n2", {"metadata": {"name": "n2"}}, **NODE)
    assert other.json["message"] == (
        'nodes "n2" is forbidden: node "n1" is not allowed to modify node "n2"'
    )
    labels = {"node-restriction.kubernetes.io/x": "1"}
    body = {"metadata": {"name": "n1", "labels": labels}}
    own = await api.ask("PUT", "/api/v1/nodes/n1", body, **NODE)
    text = 'node "n1" is not allowed to modify labels: node-restriction.kubernetes.io/x'
    assert own.json["message"].endswith(text)
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "x"}]}}
    refused = await api.ask("POST", "/api/v1/namespaces/team/pods", pod, **NODE)
    assert 'node "n1" can only create mirror pods' in refused.json["message"]


@pytest.mark.parametrize("verb", ["update", "patch"])
async def test_a_write_that_would_create_needs_that_right(api: Caller, verb: str) -> None:
    rule = {
        "verbs": [verb], "apiGroups": ["coordination.k8s.io"], "resources": ["leases"],
    }  # fmt: skip
    await grant(api, [rule])
    path = "/apis/coordination.k8s.io/v1/namespaces/team/leases/x"
    body = {
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "x"},
    }  # fmt: skip
    if verb == "update":
        refused = await api.ask("PUT", path, body, "bob")
    else:
        kind = "application/apply-patch+yaml"
        refused = await api.ask("PATCH", f"{path}?fieldManager=m", body, "bob", content_type=kind)
    assert refused.json["message"] == (
        'leases.coordination.k8s.io "x" is forbidden: User "bob" cannot create resource "leases" '
        'in API group "coordination.k8s.io" in the namespace "team"'
    )


async def test_roles_of_the_dashboard_reach_as_far_as_they_say(api: Caller) -> None:
    async def may(group: str, verb: str, resource: str, in_group: str = "") -> bool:
        what = {"verb": verb, "resource": resource, "group": in_group}
        spec = {"groups": [group], "resourceAttributes": what}
        path = f"{ACCESS}/subjectaccessreviews"
        answer = await api.ask("POST", path, {"spec": spec})
        return bool(answer.json["status"]["allowed"])

    assert await may("orrery:viewers", "list", "nodes")
    assert not await may("orrery:viewers", "create", "faults", "orrery.sim")
    assert await may("orrery:operators", "create", "faults", "orrery.sim")
    assert not await may("orrery:operators", "list", "clusterroles", "rbac.authorization.k8s.io")


# ---- the parts


def test_a_field_selector_names_the_object_that_is_meant() -> None:
    query = {"fieldSelector": "metadata.name=one", "watch": "true"}
    found = attributes_of("GET", "/api/v1/namespaces/team/configmaps", query)
    assert (found.verb, found.name) == ("watch", "one")


def test_default_roles_are_upstreams() -> None:
    found = {(o["kind"], o["metadata"]["name"]): o for o in default_objects()}
    view = found["ClusterRole", "view"]
    assert view["metadata"]["labels"]["rbac.authorization.k8s.io/aggregate-to-edit"] == "true"
    assert found["ClusterRole", "cluster-admin"]["rules"] == [
        {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
        {"verbs": ["*"], "nonResourceURLs": ["*"]},
    ]
    events = found["ClusterRole", "system:controller:job-controller"]["rules"][-1]
    assert events["apiGroups"] == ["", "events.k8s.io"]
    assert "secrets" not in str(found["ClusterRole", "system:aggregate-to-view"]["rules"])
