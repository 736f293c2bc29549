"""Pages that outlive their revision, and the health endpoints' individual checks."""

from __future__ import annotations

import pytest

from tests.apiserver.conftest import Caller

MAPS = "/api/v1/namespaces/default/configmaps"


async def expired_token(api: Caller) -> str:
    """A token whose revision is compacted: a, b are read; d went and f came meanwhile."""
    for name in "abcde":
        await api.ask("POST", MAPS, {"metadata": {"name": name}})
    token: str = (await api.ask("GET", f"{MAPS}?limit=2")).json["metadata"]["continue"]
    await api.ask("DELETE", f"{MAPS}/d")
    await api.ask("POST", MAPS, {"metadata": {"name": "f"}})
    api.server.registry.store.compact(api.server.registry.store.revision())
    return token


async def test_an_expired_page_offers_to_go_on_inconsistently(api: Caller) -> None:
    token = await expired_token(api)
    refused = await api.ask("GET", f"{MAPS}?limit=10&continue={token}")
    assert (refused.status, refused.json["reason"]) == (410, "Expired")
    go_on = refused.json["metadata"]["continue"]
    rest = await api.ask("GET", f"{MAPS}?limit=10&continue={go_on}")
    assert rest.status == 200
    assert [o["metadata"]["name"] for o in rest.json["items"]] == ["c", "e", "f"]


async def test_a_page_has_no_other_version_than_its_token(api: Caller) -> None:
    token = await expired_token(api)
    refused = await api.ask("GET", f"{MAPS}?limit=2&continue={token}&resourceVersion=7")
    assert refused.status == 400
    why = "specifying resource version is not allowed when using continue"
    assert refused.json["message"] == why


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/livez/ping", 200, "ok"),
        ("/livez/nonsense", 404, "404 page not found\n"),
        ("/readyz/shutdown", 200, "ok"),
        ("/livez/shutdown", 404, "404 page not found\n"),
        ("/readyz", 200, "ok"),
    ],
)
async def test_health_is_asked_check_by_check(
    api: Caller, path: str, status: int, text: str
) -> None:
    answer = await api.ask("GET", path)
    assert (answer.status, answer.body.decode()) == (status, text)


async def test_excluded_checks_are_named_and_unknown_ones_warned_about(api: Caller) -> None:
    shown = (await api.ask("GET", "/readyz?verbose&exclude=etcd&exclude=foo")).body.decode()
    lines = shown.splitlines()
    assert "[+]etcd excluded: ok" in lines
    assert "[+]ping ok" in lines
    assert 'warn: some health checks cannot be excluded: no matches for "foo"' in lines
    assert lines[-1] == "readyz check passed"
