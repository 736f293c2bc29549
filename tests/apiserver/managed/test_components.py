"""Components' writes are recorded by shape: quickly, and exactly as the long way would."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.apiserver.admission.attributes import Attributes
from cluster.apiserver.managed.outline import ROOT, outline
from cluster.apiserver.managed.programs import manager_of
from cluster.apiserver.managed.shapes import SHAPES
from cluster.apiserver.managed.sources import types
from cluster.apiserver.operations import Operation, User
from cluster.apiserver.resources import RESOURCES
from cluster.apiserver.strategy import Context
from cluster.client import kinds
from cluster.machinery.meta import Object
from cluster.simulation import Shape, Simulation
from tests.apiserver.conftest import Caller
from tests.simulation.builders import deployment


def owners(obj: Object) -> dict[tuple[str, str], Any]:
    shown = SHAPES.expanded(obj)["metadata"]["managedFields"]
    return {(e["manager"], e.get("subresource", "")): e["fieldsV1"] for e in shown}


def test_quick_and_slow_agree_over_a_cluster_s_life(checked: list[str]) -> None:
    simulation = Simulation(Shape(nodes=2))
    simulation.client.do_create(deployment("web", 3))
    simulation.advance(60)
    simulation.client.do_patch(
        kinds.DEPLOYMENTS, "default", "web",
        lambda old: {**old, "spec": {**old["spec"], "replicas": 1}},
    )  # fmt: skip
    simulation.advance(60)
    assert {"pods", "nodes", "replicasets.apps", "deployments.apps", "events"} <= set(checked)


def test_who_owns_what_of_a_pod(checked: list[str]) -> None:
    simulation = Simulation(Shape(nodes=1))
    simulation.advance(60)  # the node is ready, so the scheduler has nothing to say of the pod
    simulation.client.do_create(deployment("web", 1))
    simulation.advance(60)
    (pod,) = simulation.client.list(kinds.PODS, "default")
    found = owners(pod)
    assert set(found) == {("kube-controller-manager", ""), ("kubelet", "status")}
    controller, kubelet = found["kube-controller-manager", ""], found["kubelet", "status"]
    (owner,) = pod["metadata"]["ownerReferences"]
    assert controller["f:metadata"] == {
        "f:generateName": {},
        "f:labels": {".": {}, "f:app": {}, "f:pod-template-hash": {}},
        "f:ownerReferences": {".": {}, f'k:{{"uid":"{owner["uid"]}"}}': {}},
    }
    spec = controller["f:spec"]
    assert "f:nodeName" not in spec, "a binding owns nothing"
    assert "f:serviceAccountName" not in spec, "admission owns nothing"
    assert "f:volumes" not in spec
    (container,) = spec["f:containers"].values()
    assert container["."] == container["f:image"] == container["f:imagePullPolicy"] == {}
    ip = pod["status"]["podIP"]
    assert kubelet["f:status"]["f:podIPs"] == {
        ".": {}, f'k:{{"ip":"{ip}"}}': {".": {}, "f:ip": {}},
    }  # fmt: skip
    ready = kubelet["f:status"]["f:conditions"]['k:{"type":"Ready"}']
    assert ready["f:status"] == ready["."] == {}


def test_pods_of_a_template_share_their_sets() -> None:
    simulation = Simulation(Shape(nodes=1))
    simulation.advance(60)
    simulation.client.do_create(deployment("web", 5))
    simulation.advance(60)
    pods = simulation.client.list(kinds.PODS, "default")
    entries = [e for pod in pods for e in pod["metadata"]["managedFields"]]
    assert len(entries) == 10
    assert len({e["fieldsV1"].partition("|")[0] for e in entries}) == 2


def test_a_restarted_store_still_knows_the_sets() -> None:
    simulation = Simulation(Shape(nodes=1))
    simulation.advance(60)  # the node is ready, so the scheduler has nothing to say of the pod
    simulation.client.do_create(deployment("web", 1))
    simulation.advance(60)
    (pod,) = simulation.client.list(kinds.PODS, "default")
    for entry in pod["metadata"]["managedFields"]:
        digest = entry["fieldsV1"][1:].partition("|")[0]
        assert simulation.registry.field_set(digest) == SHAPES.texts[digest]


async def test_quick_and_slow_agree_for_clients_too(api: Caller, checked: list[str]) -> None:
    where, kind = "/api/v1/namespaces/default/pods", "application/strategic-merge-patch+json"
    pod = {"metadata": {"name": "a"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    await api.ask("POST", f"{where}?fieldManager=one", pod)
    for manager, change in [
        ("two", {"metadata": {"labels": {"a": "1"}, "annotations": {"n": "1"}}}),
        ("one", {"metadata": {"labels": {"a": "2"}}}),
        ("two", {"metadata": {"labels": None}}),
        ("three", {"spec": {"containers": [{"name": "c", "image": "j"}]}}),
        ("two", {"metadata": {"finalizers": ["x/y"]}}),
    ]:
        path = f"{where}/a?fieldManager={manager}"
        answer = await api.ask("PATCH", path, change, content_type=kind)
        assert answer.status == 200, answer.body
    whole = answer.json
    whole["metadata"]["labels"] = {"b": "1"}
    put = await api.ask("PUT", f"{where}/a?fieldManager=four", whole)
    names = {e["manager"] for e in put.json["metadata"]["managedFields"]}
    assert names == {"one", "two", "three", "four"}
    assert checked.count("pods") == 7


async def test_what_only_one_client_made_is_stored_in_full(api: Caller) -> None:
    """The store is not filled with sets that nothing else uses; what comes again is shared."""
    where = "/api/v1/namespaces/default/configmaps"
    for name in "abc":
        body = {"metadata": {"name": name}, "data": {"only-here": "1"}}
        shown = await api.ask("POST", f"{where}?fieldManager=me", body)
        assert shown.json["metadata"]["managedFields"][0]["fieldsV1"] == {
            "f:data": {".": {}, "f:only-here": {}}
        }
    stored = [
        api.server.registry.get(kinds.CONFIG_MAPS, "default", name)["metadata"]["managedFields"][0]
        for name in "abc"
    ]
    assert [isinstance(entry["fieldsV1"], str) for entry in stored] == [False, True, True]
    listed = await api.ask("GET", where)
    assert (
        len({str(i["metadata"]["managedFields"][0]["fieldsV1"]) for i in listed.json["items"]}) == 1
    )


@pytest.mark.parametrize(
    ("user", "resource", "name"),
    [
        ("system:kube-scheduler", "pods", "kube-scheduler"),
        ("system:kube-controller-manager", "pods", "kube-controller-manager"),
        (
            "system:serviceaccount:kube-system:job-controller",
            "jobs.batch",
            "kube-controller-manager",
        ),
        ("system:node:minikube", "nodes", "kubelet"),
        ("system:nodes", "pods", "kubelet"),
        ("system:orrery:bootstrap", "namespaces", "kube-apiserver"),
        ("system:orrery:bootstrap", "configmaps", "kubeadm"),
    ],
)
def test_components_write_as_the_program_they_stand_for(
    user: str, resource: str, name: str
) -> None:
    operation = Operation("create", RESOURCES[resource], "", "x", User(user))
    assert manager_of(operation) == name


def test_only_what_belongs_to_the_object_itself_is_left_out_of_its_outline() -> None:
    kind = types().type_of("apps", "v1", "ReplicaSet")
    assert kind is not None

    def shape(own: str, template: str) -> Any:
        def meta(uid: str) -> Object:
            return {"ownerReferences": [{"uid": uid}]}

        obj = {"metadata": meta(own), "spec": {"template": {"metadata": meta(template)}}}
        return outline(kind, obj, {}, "", ROOT)

    assert shape("a", "x") == shape("b", "x")
    assert shape("a", "x") != shape("a", "y")


def test_webhooks_and_policies_see_sets_in_full() -> None:
    simulation = Simulation(Shape(nodes=1))
    simulation.client.do_create(deployment("web", 1))
    simulation.advance(60)
    (pod,) = simulation.client.list(kinds.PODS, "default")
    operation = Operation("update", kinds.PODS, "default", "x", User("x"))
    ctx = Context(operation, simulation.registry, 0.0, simulation.registry.entropy)
    shown = Attributes(ctx, pod, pod).shown(pod, kinds.PODS)
    assert shown is not None
    assert all(isinstance(e["fieldsV1"], dict) for e in shown["metadata"]["managedFields"])
