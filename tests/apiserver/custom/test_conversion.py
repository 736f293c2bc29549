"""Versions that a webhook converts."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.apiserver.admission.hook import Webhook
from tests.apiserver.conftest import Caller
from tests.apiserver.custom.samples import CRDS, GROUP, TABS, spec_schema, with_schema

V2 = TABS.replace("v1", "v2")
STRING = {"type": "string"}


def _convert(request: dict[str, Any]) -> dict[str, Any]:
    """v1 has spec.host (`name:port`), v2 has spec.name and spec.port."""
    out = []
    for obj in deepcopy(request["objects"]):
        spec = obj["spec"]
        if request["desiredAPIVersion"].endswith("v2"):
            spec["name"], _, spec["port"] = spec.pop("host").partition(":")
        else:
            spec["host"] = f"{spec.pop('name')}:{spec.pop('port')}"
        obj["apiVersion"] = request["desiredAPIVersion"]
        obj["metadata"]["name"] = "ignored"
        out.append(obj)
    return {"result": {"status": "Success"}, "convertedObjects": out}


@pytest.fixture
def hook(tmp_path: Path) -> Iterator[Webhook]:
    found = Webhook(tmp_path, _convert)
    yield found
    found.close()


async def _define(api: Caller, hook: Webhook) -> None:
    crd = with_schema(spec_schema(host=STRING))
    second = {
        "name": "v2", "served": True, "storage": False,
        "schema": {"openAPIV3Schema": spec_schema(name=STRING, port=STRING)},
    }  # fmt: skip
    crd["spec"]["versions"].append(second)
    crd["spec"]["conversion"] = {
        "strategy": "Webhook",
        "webhook": {
            "clientConfig": {"url": hook.url, "caBundle": hook.bundle},
            "conversionReviewVersions": ["v1"],
        },
    }
    made = await api.ask("POST", CRDS, crd)
    assert made.status == 201, made.json


def _tab(version: str, named: str, **spec: str) -> dict[str, Any]:
    return {
        "apiVersion": f"stable.example.com/{version}",
        "kind": "CronTab",
        "metadata": {"name": named},
        "spec": spec,
    }


async def test_each_version_shows_its_own_fields(api: Caller, hook: Webhook) -> None:
    await _define(api, hook)
    await api.ask("POST", TABS, _tab("v1", "one", host="a:1"))
    shown = (await api.ask("GET", f"{V2}/one")).json
    assert (shown["apiVersion"], shown["spec"]) == (
        "stable.example.com/v2", {"name": "a", "port": "1"},
    )  # fmt: skip
    assert shown["metadata"]["name"] == "one"
    made = await api.ask("POST", V2, _tab("v2", "two", name="b", port="2"))
    assert made.json["spec"] == {"name": "b", "port": "2"}
    assert (await api.ask("GET", f"{TABS}/two")).json["spec"] == {"host": "b:2"}


async def test_a_list_asks_once(api: Caller, hook: Webhook) -> None:
    await _define(api, hook)
    for name in ("one", "two", "three"):
        await api.ask("POST", TABS, _tab("v1", name, host=f"{name}:1"))
    hook.asked.clear()
    listed = (await api.ask("GET", f"{GROUP}/v2/crontabs")).json["items"]
    assert [o["spec"]["name"] for o in listed] == ["one", "three", "two"]
    assert len(hook.asked) == 1
    await api.ask("GET", f"{V2}/one")
    assert len(hook.asked) == 1


async def test_a_patch_is_of_the_version_it_is_sent_to(api: Caller, hook: Webhook) -> None:
    await _define(api, hook)
    await api.ask("POST", TABS, _tab("v1", "one", host="a:1"))
    change = orjson.dumps({"spec": {"port": "9"}})
    kind = "application/merge-patch+json"
    changed = await api.ask("PATCH", f"{V2}/one", change, content_type=kind)
    assert changed.json["spec"] == {"name": "a", "port": "9"}
    assert (await api.ask("GET", f"{TABS}/one")).json["spec"] == {"host": "a:9"}


async def test_a_failing_webhook_is_named(api: Caller, hook: Webhook) -> None:
    await _define(api, hook)
    await api.ask("POST", TABS, _tab("v1", "one", host="a:1"))
    hook.reply = lambda request: {"result": {"status": "Failed", "message": "no idea"}}
    failed = await api.ask("GET", f"{V2}/one")
    assert failed.status == 500
    assert failed.json["message"] == (
        "conversion webhook for stable.example.com/v1, Kind=CronTab failed: no idea"
    )
