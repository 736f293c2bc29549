"""Scenarios: a file says what is done to a cluster and what must come of it.

    model   the file's form, read and checked with line numbers
    steps   what a step does (one function each, one dict that lists them)
    claims  what an expectation says about objects
    runner  step by step, on any stage that can let time pass
    report  as text, JUnit and HTML

`library/` has well-known failures and lessons. Not here: the live stage (workers/scenarios.py).
"""

from cluster.simulation.scenario.model import Scenario, ScenarioError, library, load
from cluster.simulation.scenario.runner import Outcome, Runner, Stage

__all__ = ["Outcome", "Runner", "Scenario", "ScenarioError", "Stage", "library", "load"]
