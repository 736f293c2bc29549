"""A scenario file, read and checked; every complaint has its line.

name: A node dies
description: Its pods come back elsewhere after 40 s + 300 s.
cluster: {nodes: 3, cpu: "8", memory: 16Gi, pods: 110, seed: 0}
steps:
  - {name: deploy, apply: [...]}                    an action...
  - {after: 30s, fault: {name: off, type: NodePowerOff, target: {...}}}
  - {expect: {kind: Pod, where: {status.phase: Running}, count: ">=6"}, within: 6m}
  - {expect: {kind: Node, name: minikube}, always: 1m}      ...or an expectation
always:                                              these hold the whole time
  - {kind: Deployment, name: web}
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from cluster.simulation.bootstrap import Shape
from cluster.simulation.scenario.claims import CLAIM_FIELDS, Claim
from cluster.simulation.scenario.steps import ACTIONS

LIBRARY = Path(__file__).with_name("library")
TOP = {"name", "description", "cluster", "steps", "always", "never"}
CLUSTER = {"nodes", "cpu", "memory", "pods", "seed"}
STEP = {"name", "at", "after", "expect", "within", "always", "never", *ACTIONS}
DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?")
WITHIN = 300.0  # seconds an expectation has when it names none

Where = tuple[str | int, ...]


class ScenarioError(Exception):
    """`complaints` are (line, text)."""

    def __init__(self, name: str, complaints: list[tuple[int, str]]) -> None:
        self.complaints = complaints
        super().__init__("\n".join(f"{name}:{line}: {text}" for line, text in complaints))


@dataclass(frozen=True, slots=True)
class Step:
    """`at` counts from the start, `after` from the end of the step before. `mode` says how long
    and in what way an expectation must hold: within, always or never, for `seconds`."""

    name: str
    line: int
    action: str
    body: Any
    at: float | None = None
    after: float = 0.0
    claim: Claim | None = None
    mode: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    description: str
    shape: Shape
    seed: int
    steps: tuple[Step, ...]
    always: tuple[Claim, ...] = ()
    never: tuple[Claim, ...] = ()


def seconds_of(value: Any) -> float | None:
    """`90`, `90s`, `1m30s`, `2h`; None for anything else."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value) if value >= 0 else None
    match = DURATION.fullmatch(value) if isinstance(value, str) and value else None
    if match is None:
        return None
    hours, minutes, seconds = (float(g or 0) for g in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def library() -> dict[str, Path]:
    """The scenarios that come with the project, by file name."""
    return {path.stem: path for path in sorted(LIBRARY.glob("*.yaml"))}


def load(path: Path) -> Scenario:
    """Raises ScenarioError, and OSError for a file that cannot be read."""
    text = path.read_text()
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        raise ScenarioError(path.name, [(line, getattr(error, "problem", "") or "")]) from error
    reader = _Reader(dict(_lines(node, ())))
    scenario = reader.scenario(found)
    if reader.complaints or scenario is None:
        raise ScenarioError(path.name, sorted(reader.complaints))
    return scenario


def _lines(node: Any, where: Where) -> Iterator[tuple[Where, int]]:
    """The line at which each part of the document begins."""
    if node is None:
        return
    yield where, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*where, key.value), key.start_mark.line + 1
            yield from (
                (w, n) for w, n in _lines(value, (*where, key.value)) if w != (*where, key.value)
            )
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _lines(value, (*where, index))


@dataclass(slots=True)
class _Reader:
    lines: dict[Where, int]
    complaints: list[tuple[int, str]] = field(default_factory=list)

    def no(self, where: Where, text: str) -> None:
        while where and where not in self.lines:
            where = where[:-1]
        self.complaints.append((self.lines.get(where, 1), text))

    def scenario(self, found: Any) -> Scenario | None:
        if not isinstance(found, dict):
            self.no((), "a scenario is a mapping with name and steps")
            return None
        self._known((), found, TOP)
        if not isinstance(found.get("name"), str):
            self.no((), "name: a text is required")
        steps = found.get("steps")
        if not isinstance(steps, list) or not steps:
            self.no(("steps",), "steps: a list with at least one step is required")
            steps = []
        shape, seed = self._shape(found.get("cluster") or {})
        return Scenario(
            str(found.get("name")),
            str(found.get("description") or "").strip(),
            shape,
            seed,
            tuple(s for i, raw in enumerate(steps) if (s := self._step(i, raw)) is not None),
            self._claims("always", found.get("always")),
            self._claims("never", found.get("never")),
        )

    def _known(self, where: Where, found: dict[str, Any], known: set[str]) -> None:
        for key in found:
            if key not in known:
                self.no((*where, key), f"{key}: unknown; there are {', '.join(sorted(known))}")

    def _shape(self, raw: Any) -> tuple[Shape, int]:
        if not isinstance(raw, dict):
            self.no(("cluster",), "cluster: a mapping is expected")
            return Shape(), 0
        self._known(("cluster",), raw, CLUSTER)
        for key in ("nodes", "pods", "seed"):
            value = raw.get(key, 1)
            if not isinstance(value, int) or isinstance(value, bool) or value < (key != "seed"):
                self.no(("cluster", key), f"{key}: a whole number is expected")
                return Shape(), 0
        shape = Shape(
            nodes=raw.get("nodes", 3), cpu=str(raw.get("cpu", "8")),
            memory=str(raw.get("memory", "16Gi")), pods=raw.get("pods", 110),
        )  # fmt: skip
        return shape, raw.get("seed", 0)

    def _claims(self, key: str, raw: Any) -> tuple[Claim, ...]:
        if not isinstance(raw or [], list):
            self.no((key,), f"{key}: a list is expected")
            return ()
        found = [self._claim((key, i), one) for i, one in enumerate(raw or [])]
        return tuple(c for c in found if c is not None)

    def _claim(self, where: Where, raw: Any) -> Claim | None:
        if not isinstance(raw, dict):
            self.no(where, "an expectation is a mapping with a kind")
            return None
        self._known(where, raw, CLAIM_FIELDS)
        try:
            return Claim.read(raw)
        except ValueError as error:
            self.no(where, str(error))
            return None

    def _step(self, index: int, raw: Any) -> Step | None:
        where: Where = ("steps", index)
        if not isinstance(raw, dict):
            self.no(where, "a step is a mapping")
            return None
        self._known(where, raw, STEP)
        actions = [a for a in (*ACTIONS, "expect") if a in raw]
        if len(actions) != 1:
            known = ", ".join((*ACTIONS, "expect"))
            self.no(where, f"a step does exactly one thing of {known}; this one {len(actions)}")
            return None
        at, after = self._time(where, raw, "at"), self._time(where, raw, "after")
        action = actions[0]
        name = str(raw.get("name") or "")
        line = self.lines.get(where, 1)
        if action == "expect":
            claim = self._claim((*where, "expect"), raw["expect"])
            mode, seconds = self._mode(where, raw)
            if claim is None:
                return None
            name = name or claim.told()
            return Step(name, line, action, None, at, after or 0.0, claim, mode, seconds)
        complaint = ACTIONS[action].check(raw[action])
        if complaint:
            self.no((*where, action), f"{action}: {complaint}")
        return Step(name or action, line, action, raw[action], at, after or 0.0)

    def _time(self, where: Where, raw: dict[str, Any], key: str) -> float | None:
        if key not in raw:
            return None
        found = seconds_of(raw[key])
        if found is None:
            self.no((*where, key), f"{key}: a duration is expected, such as 90s or 5m")
        return found

    def _mode(self, where: Where, raw: dict[str, Any]) -> tuple[str, float]:
        modes = [m for m in ("within", "always", "never") if m in raw]
        if len(modes) > 1:
            self.no(where, f"one of {', '.join(modes)}, not all")
        if not modes:
            return "within", WITHIN
        return modes[0], self._time(where, raw, modes[0]) or 0.0
