"""What etcdctl writes into the store: its reader gets upstream's error, and nobody else suffers."""

from __future__ import annotations

import orjson
import pytest

from cluster.apiserver.resources import CONFIG_MAPS
from cluster.client import Informers
from cluster.etcd.api import Delete, Origin, Put, Txn
from tests.apiserver.conftest import Caller

KEY = b"/registry/configmaps/default/one"
PATH = "/api/v1/namespaces/default/configmaps"
STRUCT = (
    'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; '
    'Kind string "json:\\"kind,omitempty\\"" }'
)


def etcdctl_put(api: Caller, value: bytes, key: bytes = KEY) -> None:
    api.server.registry.store.commit([Txn((), (Put(key, value),), Origin("etcd", "gRPC"))])


async def create(api: Caller, name: str) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
    assert (await api.ask("POST", PATH, body)).status == 201


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (b"hello", f"json: cannot unmarshal string into Go value of type {STRUCT}"),
        (b"\xff\x00", f"json: cannot unmarshal string into Go value of type {STRUCT}"),
        (b'{"apiVersion":"v1","kind":"Conf', "json parse error: unexpected end of JSON input"),
        (b'{"apiVersion":"v1"}', "Object 'Kind' is missing in '{\"apiVersion\":\"v1\"}'"),
    ],
)
async def test_a_reader_gets_the_error_and_the_next_good_value_heals_it(
    api: Caller, value: bytes, message: str
) -> None:
    await create(api, "one")
    await create(api, "two")
    good = api.server.registry.store.get(KEY)
    assert good is not None
    etcdctl_put(api, value)
    one = await api.ask("GET", f"{PATH}/one")
    assert (one.status, one.json["message"].endswith(message)) == (500, True), one.json
    assert "reason" not in one.json
    assert (await api.ask("GET", f"{PATH}/two")).status == 200
    assert (await api.ask("GET", PATH)).status == 500
    assert (await api.ask("DELETE", f"{PATH}/one")).status == 500
    etcdctl_put(api, good.value)
    assert (await api.ask("GET", f"{PATH}/one")).status == 200
    assert (await api.ask("GET", PATH)).status == 200


async def test_a_watch_goes_on_over_it(api: Caller) -> None:
    await create(api, "one")
    revision = api.server.registry.store.revision()
    good = api.server.registry.store.get(KEY)
    assert good is not None
    etcdctl_put(api, b"garbage")
    await create(api, "two")
    etcdctl_put(api, good.value)
    api.server.registry.store.commit([Txn((), (Delete(KEY),))])
    for field in ("", "&labelSelector=!a"):
        query = f"?watch=1&resourceVersion={revision}&timeoutSeconds=1{field}"
        lines = (await api.ask("GET", PATH + query)).body.splitlines()
        events = [orjson.loads(line) for line in lines]
        assert [(e["type"], e["object"]["metadata"]["name"]) for e in events] == [
            ("ADDED", "two"),
            ("MODIFIED", "one"),
            ("DELETED", "one"),
        ]


async def test_components_do_not_see_it(api: Caller) -> None:
    await create(api, "one")
    informers = Informers(api.server.registry)
    lister = informers.lister(CONFIG_MAPS)
    informers.sync()
    etcdctl_put(api, b"garbage")
    etcdctl_put(api, b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{}}', KEY + b"-more")
    etcdctl_put(api, b"{}", b"/registry/configmaps/default/\xff")
    await create(api, "two")
    informers.sync()
    assert sorted(o["metadata"]["name"] for o in lister) == ["one", "two"]
    fresh = Informers(api.server.registry)
    other = fresh.lister(CONFIG_MAPS)
    fresh.sync()
    assert [o["metadata"]["name"] for o in other] == ["two"]


async def test_without_room_creating_fails_in_etcds_words_and_deleting_works(api: Caller) -> None:
    await create(api, "one")
    api.server.registry.store._alarms = 1  # type: ignore[attr-defined]
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "two"}}
    full = await api.ask("POST", PATH, body)
    assert full.status == 500
    assert full.json["message"] == "etcdserver: mvcc: database space exceeded"
    assert (await api.ask("DELETE", f"{PATH}/one")).status == 200
