"""Every scenario that comes with Orrery passes, and the same seed gives the same log."""

from __future__ import annotations

import pytest

from cluster.simulation.scenario import Runner, library, load, report
from cluster.simulation.scenario.runner import Headless


@pytest.mark.parametrize("name", sorted(library()))
def test_it_passes(name: str) -> None:
    scenario = load(library()[name])
    outcome = Runner(scenario, Headless(scenario)).run()
    assert outcome.ok, "\n".join([*map(report.line, outcome.results), report.summary(outcome)])


@pytest.mark.parametrize("seed", [1, 2])
def test_one_seed_gives_one_log(seed: int) -> None:
    scenario = load(library()["rolling-update"])
    first, second = (Runner(scenario, Headless(scenario, seed)).run().digest for _ in range(2))
    assert first == second


def test_another_seed_gives_another_log() -> None:
    scenario = load(library()["rolling-update"])
    first, second = (Runner(scenario, Headless(scenario, s)).run().digest for s in (1, 2))
    assert first != second
