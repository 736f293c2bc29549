"""Components' writes are recorded by shape: quickly, and exactly as the long way would."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.apiserver.managed import hook
from cluster.apiserver.managed.hot import Writer
from cluster.apiserver.managed.shapes import SHAPES
from cluster.apiserver.strategy import Context
from cluster.client import kinds
from cluster.machinery.clock import format_time
from cluster.machinery.meta import Object, deep_copy
from cluster.simulation import Shape, Simulation
from tests.simulation.builders import deployment


def owners(obj: Object) -> dict[tuple[str, str], Any]:
    shown = SHAPES.expanded(obj)["metadata"]["managedFields"]
    return {(e["manager"], e.get("subresource", "")): e["fieldsV1"] for e in shown}


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every quick answer is compared with FieldManager's."""
    seen: list[str] = []
    quickly = hook._record_quickly

    def both(ctx: Context, live: Object | None, new: Object, writer: Writer) -> bool:
        slow = deep_copy(new)
        done = quickly(ctx, live, new, writer)
        if done:
            old = None if live is None else SHAPES.expanded(live)
            operation = ctx.operation
            has_status = bool(writer.ignored)
            manager = hook.field_manager(operation.resource, operation.subresource, has_status)
            slow["metadata"].pop("managedFields", None)
            manager.update(old, slow, writer.manager.name, format_time(ctx.now))
            expected = slow["metadata"].get("managedFields") or []
            got = SHAPES.expanded(new)["metadata"].get("managedFields") or []
            assert got == expected, (operation.resource.id, operation.subresource)
            seen.append(operation.resource.id)
        return done

    monkeypatch.setattr(hook, "_record_quickly", both)
    return seen


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
