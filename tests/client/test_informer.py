"""Informers follow the log; listers and indexes show its newest state."""

from __future__ import annotations

import pytest

from cluster.apiserver.registry import Registry
from cluster.client import Client, InformerEvent, Informers, kinds
from cluster.etcd.memory import MemoryStore
from cluster.machinery.clock import VirtualClock
from cluster.machinery.entropy import Entropy
from cluster.machinery.meta import Object


@pytest.fixture
def registry() -> Registry:
    return Registry(MemoryStore(), VirtualClock(), Entropy(1))


@pytest.fixture
def client(registry: Registry) -> Client:
    found = Client(registry, "test")
    found.do_create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "d"}})
    return found


def config_map(name: str, **data: str) -> Object:
    meta = {"name": name, "namespace": "d"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def test_the_first_sync_lists_and_later_ones_tail(registry: Registry, client: Client) -> None:
    client.do_create(config_map("a"))
    informers = Informers(registry)
    seen: list[InformerEvent] = []
    informers[kinds.CONFIG_MAPS].add_handler(seen.append)
    assert informers.sync()
    client.do_create(config_map("b"))
    client.do_delete(kinds.CONFIG_MAPS, "d", "a")
    assert informers.sync()
    assert not informers.sync()
    assert [(e.type, e.key) for e in seen] == [
        ("ADDED", "d/a"),
        ("ADDED", "d/b"),
        ("DELETED", "d/a"),
    ]
    assert [o["metadata"]["name"] for o in informers.lister(kinds.CONFIG_MAPS)] == ["b"]


def test_a_compacted_position_leads_to_a_fresh_list_with_the_differences_as_events(
    registry: Registry, client: Client
) -> None:
    informers = Informers(registry)
    client.do_create(config_map("gone"))
    client.do_create(config_map("stays"))
    informers[kinds.CONFIG_MAPS]
    informers.sync()
    seen: list[InformerEvent] = []
    informers[kinds.CONFIG_MAPS].handlers.append(seen.append)
    client.do_delete(kinds.CONFIG_MAPS, "d", "gone")
    client.do_create(config_map("new"))
    registry.store.compact(registry.store.revision())
    client.do_create(config_map("newer"))
    informers.sync()
    assert sorted((e.type, e.key) for e in seen) == [
        ("ADDED", "d/new"),
        ("ADDED", "d/newer"),
        ("DELETED", "d/gone"),
    ]


def test_an_index_follows_changes(registry: Registry, client: Client) -> None:
    informers = Informers(registry)
    lister = informers.lister(kinds.CONFIG_MAPS)
    lister.add_index("colour", lambda o: [o["data"]["colour"]])
    client.do_create(config_map("a", colour="red"))
    informers.sync()
    assert [o["metadata"]["name"] for o in lister.by_index("colour", "red")] == ["a"]
    client.do_patch(kinds.CONFIG_MAPS, "d", "a", lambda o: {**o, "data": {"colour": "blue"}})
    informers.sync()
    assert lister.by_index("colour", "red") == []
    assert lister.index_values("colour") == ["blue"]


def test_a_resource_asked_for_later_is_listed_then(registry: Registry, client: Client) -> None:
    informers = Informers(registry)
    informers[kinds.NODES]
    informers.sync()
    client.do_create(config_map("a"))
    informers.sync()
    seen: list[InformerEvent] = []
    informers[kinds.CONFIG_MAPS].add_handler(seen.append)
    informers.sync()
    assert [e.key for e in seen] == ["d/a"]
