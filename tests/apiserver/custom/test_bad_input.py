"""Whatever a client sends, the answer is never a 5xx."""

from __future__ import annotations

import random
from copy import deepcopy
from typing import Any

import pytest

from tests.apiserver.conftest import Caller
from tests.apiserver.custom.samples import CRD, CRDS, TABS, crd, tab

JUNK: tuple[Any, ...] = (None, 0, -1, 1.5, "", "x", [], ["a"], {}, {"a": 1}, True, [{}], "é\n")


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    out = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, below in items:
        if isinstance(below, (dict, list)):
            out += _places(below, (*path, key))
        else:
            out.append((*path, key))
    return out


def damaged(body: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """One or two places hold something else, or nothing."""
    out = deepcopy(body)
    for _ in range(chance.choice((1, 1, 2))):
        *above, last = chance.choice([p for p in _places(out) if p != ("metadata",)])
        target: Any = out
        for step in above:
            target = target[step]
        if chance.random() < 0.3:
            del target[last]
        else:
            target[last] = deepcopy(chance.choice(JUNK))
    return out


@pytest.mark.parametrize("seed", range(6))
async def test_damaged_definitions(api: Caller, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(60):
        body = damaged(CRD, chance)
        answer = await api.ask("POST", f"{CRDS}?dryRun=All", body)
        assert answer.status < 500, (body, answer.json)


@pytest.mark.parametrize("seed", range(4))
async def test_damaged_objects(api: Caller, seed: int) -> None:
    await api.ask("POST", CRDS, crd())
    chance = random.Random(seed)
    whole = tab(
        image="x", mode="fast", note=None, port=1, free={"a": [1]}, labels={"a": "b"},
        envs=[{"name": "a", "value": "b"}],
    )  # fmt: skip
    for _ in range(60):
        body = damaged({**whole, "status": {"replicas": 1}}, chance)
        answer = await api.ask("POST", f"{TABS}?dryRun=All", body)
        assert answer.status < 500, (body, answer.json)
    await api.ask("POST", TABS, whole)
    for _ in range(40):
        change = damaged(whole, chance)
        kind = chance.choice(("application/merge-patch+json", "application/apply-patch+yaml"))
        where = f"{TABS}/one{chance.choice(('', '/status', '/scale'))}?fieldManager=x&dryRun=All"
        answer = await api.ask("PATCH", where, change, content_type=kind)
        assert answer.status < 500, (where, kind, change, answer.json)
