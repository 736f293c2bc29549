"""An outcome for people (text), for CI (JUnit) and to keep (one HTML page)."""

from __future__ import annotations

from html import escape
from pathlib import Path
from string import Template
from xml.etree.ElementTree import Element, SubElement, tostring

from cluster.simulation.scenario.runner import Outcome, Result

PAGE = Path(__file__).with_name("report.html")


def clock(seconds: float) -> str:
    """`5:42`, `1:02:03`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def line(result: Result) -> str:
    mark = "ok  " if result.ok else "FAIL"
    told = f" ({result.told})" if result.told else ""
    return f"{clock(result.ended):>8}  {mark}  {result.step.name}{told}"


def summary(outcome: Outcome) -> str:
    lines = [f"{clock(at):>8}  FAIL  {told}" for at, told in outcome.broken]
    missing = len(outcome.scenario.steps) - len(outcome.results)
    if missing:
        lines.append(f"          {missing} steps were not reached")
    if outcome.digest:
        lines.append(f"          log {outcome.digest}")
    return "\n".join([*lines, "passed" if outcome.ok else "failed"])


def junit(outcomes: list[Outcome]) -> bytes:
    suites = Element("testsuites")
    for outcome in outcomes:
        failures = sum(not r.ok for r in outcome.results) + len(outcome.broken)
        suite = SubElement(
            suites, "testsuite", name=outcome.scenario.name, tests=str(len(outcome.scenario.steps)),
            failures=str(failures),
        )  # fmt: skip
        for result in outcome.results:
            took = f"{result.ended - result.began:.3f}"
            case = SubElement(suite, "testcase", name=result.step.name, time=took)
            if not result.ok:
                SubElement(
                    case, "failure", message=result.told
                ).text = f"line {result.step.line}: {result.told}"
        for at, told in outcome.broken:
            case = SubElement(suite, "testcase", name=told, time=f"{at:.3f}")
            SubElement(case, "failure", message=f"broken at {clock(at)}")
        for step in outcome.scenario.steps[len(outcome.results) :]:
            case = SubElement(suite, "testcase", name=step.name)
            SubElement(case, "skipped", message="not reached")
    return bytes(tostring(suites, encoding="utf-8", xml_declaration=True))


def html(outcome: Outcome) -> str:
    """Self-contained, with the steps on a line of cluster time."""
    end = max([r.ended for r in outcome.results] + [at for at, _ in outcome.broken] + [1.0])
    rows = "".join(_row(result, end) for result in outcome.results)
    rows += "".join(
        f'<tr class="no"><td>{clock(at)}</td><td>{escape(told)}</td><td>broken</td>'
        f"<td>{_bar(at, at, end)}</td></tr>"
        for at, told in outcome.broken
    )
    return Template(PAGE.read_text()).substitute(
        name=escape(outcome.scenario.name),
        description=escape(outcome.scenario.description),
        verdict="passed" if outcome.ok else "failed",
        took=clock(end),
        digest=escape(outcome.digest or "-"),
        rows=rows,
    )


def _row(result: Result, end: float) -> str:
    told = escape(result.told or result.step.action)
    return (
        f'<tr class="{"yes" if result.ok else "no"}"><td>{clock(result.ended)}</td>'
        f"<td>{escape(result.step.name)}</td><td>{told}</td>"
        f"<td>{_bar(result.began, result.ended, end)}</td></tr>"
    )


def _bar(began: float, ended: float, end: float) -> str:
    left, width = 100 * began / end, max(0.6, 100 * (ended - began) / end)
    return (
        '<svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect x="{min(left, 99.4):.2f}" width="{width:.2f}" height="6"/></svg>'
    )
