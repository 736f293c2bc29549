"""Custom objects in the hands of controllers: owners, namespaces, definitions that go."""

from __future__ import annotations

from typing import Any

from cluster.client import kinds
from cluster.simulation import Shape, Simulation
from tests.apiserver.custom.samples import crd, tab

CRDS = kinds.CUSTOM_RESOURCE_DEFINITIONS
NAME = "crontabs.stable.example.com"


def _simulation() -> Simulation:
    simulation = Simulation(Shape(nodes=1))
    simulation.settle()
    simulation.client.do_create(crd())
    simulation.settle()
    return simulation


def _tab(name: str = "one", **meta: Any) -> dict[str, Any]:
    out = tab(name)
    out["metadata"] |= {"namespace": "default", **meta}
    return out


def _find(simulation: Simulation, resource: kinds.Resource, namespace: str, name: str) -> Any:
    return simulation.registry.find(resource, namespace, name)


def test_a_definition_goes_after_its_objects() -> None:
    simulation = _simulation()
    simulation.client.do_create(_tab(finalizers=["example.com/hold"]))
    hub = simulation.registry.catalog.hub(NAME)
    assert hub is not None
    simulation.client.do_delete(CRDS, "", NAME)
    simulation.settle()
    waiting = simulation.client.get(CRDS, "", NAME)
    conditions = {c["type"]: c["reason"] for c in waiting["status"]["conditions"]}
    assert conditions["Terminating"] == "InstanceDeletionInProgress"
    held = _find(simulation, hub, "default", "one")
    assert held["metadata"]["deletionTimestamp"]
    del held["metadata"]["finalizers"]
    simulation.client.do_update(held)
    simulation.settle()
    assert _find(simulation, CRDS, "", NAME) is None
    assert _find(simulation, hub, "default", "one") is None
    assert simulation.registry.catalog.served() == []


def test_freed_names_are_given_away() -> None:
    simulation = _simulation()
    other = crd(names={"plural": "others", "kind": "Other", "shortNames": ["ct"]})
    other["metadata"] = {"name": "others.stable.example.com"}
    simulation.client.do_create(other)
    simulation.settle()
    assert simulation.registry.catalog.hub("others.stable.example.com") is None
    simulation.client.do_delete(CRDS, "", NAME)
    simulation.settle()
    assert simulation.registry.catalog.hub("others.stable.example.com") is not None


def test_what_a_custom_object_owns_goes_with_it() -> None:
    simulation = _simulation()
    owner = simulation.client.do_create(_tab())
    reference = {
        "apiVersion": "stable.example.com/v1", "kind": "CronTab", "name": "one",
        "uid": owner["metadata"]["uid"],
    }  # fmt: skip
    meta = {"name": "owned", "namespace": "default", "ownerReferences": [reference]}
    simulation.client.do_create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta})
    simulation.client.do_create(_tab("child", ownerReferences=[reference]))
    simulation.settle()
    assert _find(simulation, kinds.CONFIG_MAPS, "default", "owned") is not None
    hub = simulation.registry.catalog.hub(NAME)
    assert hub is not None
    simulation.client.do_delete(hub, "default", "one")
    simulation.settle()
    assert _find(simulation, kinds.CONFIG_MAPS, "default", "owned") is None
    assert _find(simulation, hub, "default", "child") is None


def test_a_namespace_takes_its_custom_objects_along() -> None:
    simulation = _simulation()
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team"}}
    simulation.client.do_create(space)
    simulation.client.do_create(_tab(namespace="team"))
    simulation.settle()
    simulation.client.do_delete(kinds.NAMESPACES, "", "team")
    simulation.settle()
    assert _find(simulation, kinds.NAMESPACES, "", "team") is None
    hub = simulation.registry.catalog.hub(NAME)
    assert hub is not None
    assert _find(simulation, hub, "team", "one") is None


def test_objects_that_lost_their_definition_do_not_stop_the_controllers() -> None:
    simulation = _simulation()
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team"}}
    simulation.client.do_create(space)
    simulation.client.do_create(_tab(namespace="team", finalizers=["example.com/hold"]))
    simulation.settle()
    hub = simulation.registry.catalog.hub(NAME)
    assert hub is not None
    simulation.client.do_delete(CRDS, "", NAME)
    going = simulation.client.get(CRDS, "", NAME)
    del going["metadata"]["finalizers"]
    simulation.client.do_update(going)
    simulation.client.do_delete(kinds.NAMESPACES, "", "team")
    simulation.settle()
    assert simulation.registry.catalog.hub(NAME) is None
    left = _find(simulation, hub, "team", "one")
    assert left["metadata"]["deletionTimestamp"]
