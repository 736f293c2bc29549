"""Runs a scenario step by step on a stage: a headless cluster in virtual time, or a live one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from cluster.client import Client, Resource
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object
from cluster.simulation.headless import Simulation
from cluster.simulation.scenario.claims import Claim
from cluster.simulation.scenario.model import Scenario, Step, seconds_of
from cluster.simulation.scenario.steps import ACTIONS

WARM_UP = 60.0  # until a new cluster's own pods run


class Stage(Protocol):
    """Where it happens. `run_until` lets time pass until `reached()`, at most `within` seconds,
    and says whether it was; it asks again whenever something has changed."""

    client: Client

    def now(self) -> float: ...

    def run_until(self, reached: Callable[[], bool], within: float) -> bool: ...

    def objects(self, resource: Resource, namespace: str) -> list[Object]: ...


@dataclass(slots=True)
class Result:
    """Of one step. Times are seconds since the start; `told` is what a reader wants to know."""

    step: Step
    began: float
    ended: float
    ok: bool
    told: str = ""


@dataclass(slots=True)
class Outcome:
    scenario: Scenario
    results: list[Result] = field(default_factory=list)
    broken: list[tuple[float, str]] = field(default_factory=list)  # of always and never
    digest: str = ""

    @property
    def ok(self) -> bool:
        return all(r.ok for r in self.results) and not self.broken


class Headless:
    """A fresh cluster on a virtual clock."""

    def __init__(self, scenario: Scenario, seed: int | None = None) -> None:
        chosen = scenario.seed if seed is None else seed
        self.simulation = Simulation(scenario.shape, chosen)
        self.simulation.advance(WARM_UP)
        self.client = self.simulation.client

    def now(self) -> float:
        return self.simulation.clock.now()

    def run_until(self, reached: Callable[[], bool], within: float) -> bool:
        return self.simulation.run_until(reached, within)

    def objects(self, resource: Resource, namespace: str) -> list[Object]:
        informers = self.simulation.informers
        if resource in informers.resources:
            return informers.lister(resource).list(namespace)
        return self.client.list(resource, namespace)


class Runner:
    """`progress` is told of every step's result as it comes."""

    def __init__(
        self, scenario: Scenario, stage: Stage, progress: Callable[[Result], None] | None = None
    ) -> None:
        self._scenario = scenario
        self._stage = stage
        self._progress = progress or (lambda _: None)
        self._start = stage.now()
        self._seen = -1
        self._outcome = Outcome(scenario)
        self._open = [(c, True) for c in scenario.always] + [(c, False) for c in scenario.never]

    def run(self) -> Outcome:
        """All steps, or up to the first that fails."""
        for step in self._scenario.steps:
            result = self._step(step)
            self._outcome.results.append(result)
            self._progress(result)
            if not result.ok or self._outcome.broken:
                break
        if isinstance(self._stage, Headless):
            self._outcome.digest = self._stage.simulation.digest()
        return self._outcome

    def _elapsed(self) -> float:
        return self._stage.now() - self._start

    def _pass(self, seconds: float) -> None:
        if seconds > 0:
            self._stage.run_until(self._watch(lambda: False), seconds)

    def _step(self, step: Step) -> Result:
        due = step.at - self._elapsed() if step.at is not None else step.after
        self._pass(due)
        began = self._elapsed()
        if step.claim is not None:
            return self._expect(step, step.claim, began)
        try:
            ACTIONS[step.action].act(self._stage.client, step.body, self._stage.now())
        except StatusError as error:
            return Result(step, began, began, False, error.message)
        if step.action == "wait":
            self._pass(seconds_of(step.body) or 0.0)
        return Result(step, began, self._elapsed(), True)

    def _expect(self, step: Step, claim: Claim, began: float) -> Result:
        objects = self._stage.objects
        wanted = step.mode != "always"  # what ends the waiting
        ended_early = self._stage.run_until(
            self._watch(lambda: claim.holds(objects) is wanted), step.seconds
        )
        ended = self._elapsed()
        took, found = ended - began, claim.found(objects)
        if step.mode == "within":
            told = (
                f"after {took:.0f} s"
                if ended_early
                else (f"not within {step.seconds:.0f} s: there are {found}")
            )
            return Result(step, began, ended, ended_early and claim.holds(objects), told)
        if ended_early:
            word = "no longer" if step.mode == "always" else "became"
            return Result(step, began, ended, False, f"{word} true after {took:.0f} s ({found})")
        return Result(step, began, ended, True, f"for {took:.0f} s")

    def _watch(self, reached: Callable[[], bool]) -> Callable[[], bool]:
        """`reached`, and on the way what must hold the whole time. Asks only after changes."""

        def asked() -> bool:
            revision = self._stage.client.registry.store.revision()
            if revision == self._seen:
                return False
            self._seen = revision
            self._look_at_the_rest()
            return reached() or bool(self._outcome.broken)

        self._seen = -1
        return asked

    def _look_at_the_rest(self) -> None:
        for claim, wanted in self._open:
            if claim.holds(self._stage.objects) is not wanted:
                word = "always" if wanted else "never"
                self._outcome.broken.append((self._elapsed(), f"{word}: {claim.told()}"))
