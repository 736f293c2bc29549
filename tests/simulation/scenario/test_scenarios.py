"""Files are checked line by line; what fails is told; reports hold what happened."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from cluster.simulation.scenario import Outcome, Runner, ScenarioError, load, report
from cluster.simulation.scenario.claims import value_at
from cluster.simulation.scenario.model import seconds_of
from cluster.simulation.scenario.runner import Headless

POD = """
      - apiVersion: v1
        kind: Pod
        metadata: {name: p}
        spec: {containers: [{name: c, image: "registry.k8s.io/pause:3.10"}]}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "it.yaml"
    path.write_text(text)
    return path


def run(folder: Path, text: str) -> Outcome:
    scenario = load(write(folder, text))
    return Runner(scenario, Headless(scenario)).run()


@pytest.mark.parametrize(
    "text, complaint",
    [
        ("name: x\nsteps: []\n", "it.yaml:2: steps: a list with at least one step is required"),
        ("name: x\nsteps:\n  - {wait: long}\n", "it.yaml:3: wait: a duration is expected"),
        ("name: x\nsteps:\n  - {wait: 1s, cordon: a}\n", "it.yaml:3: a step does exactly one"),
        ("name: x\nsteps:\n  - wait: 1s\n    wen: 2s\n", "it.yaml:4: wen: unknown"),
        ("name: x\nsteps:\n  - expect: {kind: Pot}\n", "it.yaml:3: kind: there is no Pot"),
        ("name: x\nsteps:\n  - {wait: 1s, at: soon}\n", "it.yaml:3: at: a duration"),
        ("name: x\ncluster: {nodes: 0}\nsteps: [{wait: 1s}]\n", "it.yaml:2: nodes: a whole"),
        ("name: x\nsteps:\n  - apply: [{kind: Pod}]\n", "it.yaml:3: apply: each object needs"),
        ("name: [x\n", "it.yaml:2:"),
        ("- 1\n", "it.yaml:1: a scenario is a mapping"),
    ],
)
def test_a_broken_file_is_refused_with_its_line(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        load(write(tmp_path, text))
    assert complaint in str(refused.value)


def test_an_expectation_that_does_not_come_true_ends_the_run(tmp_path: Path) -> None:
    outcome = run(
        tmp_path,
        "name: x\nsteps:\n  - {name: a ghost, expect: {kind: Pod, name: ghost}, within: 30s}\n"
        "  - {wait: 1s}\n",
    )
    assert not outcome.ok
    (result,) = outcome.results
    assert result.told == "not within 30 s: there are 0"
    assert "1 steps were not reached" in report.summary(outcome)


def test_what_must_hold_the_whole_time_is_watched(tmp_path: Path) -> None:
    outcome = run(
        tmp_path,
        f"name: x\nsteps:\n  - apply:{POD}  - {{wait: 10s}}\n"
        "  - {delete: {kind: Pod, name: p, grace: 0}}\n  - {wait: 10s}\n"
        "always:\n  - {kind: Node, count: 3}\nnever:\n  - {kind: Pod, name: p, gone: true}\n",
    )
    # It is gone before it is made, too: the claim is broken from the first moment on.
    assert not outcome.ok
    assert outcome.broken[0][1].startswith("never: no Pod p")


def test_an_action_that_the_api_refuses_fails_with_its_words(tmp_path: Path) -> None:
    outcome = run(tmp_path, "name: x\nsteps:\n  - {delete: {kind: Pod, name: ghost}}\n")
    assert outcome.results[0].told == 'pods "ghost" not found'


def test_steps_come_at_their_time(tmp_path: Path) -> None:
    outcome = run(
        tmp_path, f"name: x\nsteps:\n  - {{at: 90s, name: late, apply:{POD}  }}\n".replace(
            "apply:" + POD + "  }", "cordon: minikube-m02}")
        + "  - {after: 1m, uncordon: minikube-m02}\n",
    )  # fmt: skip
    assert [round(r.began) for r in outcome.results] == [90, 150]


def test_reports_hold_what_happened(tmp_path: Path) -> None:
    outcome = run(
        tmp_path,
        "name: <x>\nsteps:\n  - {cordon: minikube-m02}\n"
        "  - {name: a & b, expect: {kind: Pod, name: ghost}, within: 5s}\n  - {wait: 1s}\n",
    )
    suite = ElementTree.fromstring(report.junit([outcome]))[0]
    assert [c.get("name") for c in suite] == ["cordon", "a & b", "wait"]
    assert (suite.get("failures"), len(suite.findall(".//skipped"))) == ("1", 1)
    page = report.html(outcome)
    assert "&lt;x&gt;: failed" in page
    assert "a &amp; b" in page


@pytest.mark.parametrize(
    "text, seconds", [("90s", 90), ("1m30s", 90), ("2h", 7200), (5, 5), ("", None), ("x", None)]
)
def test_durations(text: object, seconds: float | None) -> None:
    assert seconds_of(text) == seconds


def test_paths_reach_into_lists_and_keys_with_dots() -> None:
    obj = {"a": {"b": [{"type": "Ready", "s": 1}, {"name": "x"}]}, "l": {"k.io/v": "w"}}
    assert value_at(obj, "a.b[Ready].s") == 1
    assert value_at(obj, "a.b[1].name") == "x"
    assert value_at(obj, "l[k.io/v]") == "w"
    assert value_at(obj, "a.b[9].s") is None
