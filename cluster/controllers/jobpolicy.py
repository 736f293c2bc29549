"""A Job's own rules of what failure and success mean.

Pure functions. Models pkg/controller/job/pod_failure_policy.go and success_policy.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cluster.controllers import jobindexes
from cluster.machinery.meta import Object, name_of, namespace_of

COUNT, IGNORE, FAIL_JOB, FAIL_INDEX = "Count", "Ignore", "FailJob", "FailIndex"


def action(job: Object, pod: Object) -> str:
    """What the first rule that matches a failed pod says; Count without one."""
    return _match(job, pod)[0]


def fail_message(job: Object, pod: Object) -> str:
    """Why this pod fails the whole Job; empty when it does not."""
    decided, text = _match(job, pod)
    return text if decided == FAIL_JOB else ""


def _match(job: Object, pod: Object) -> tuple[str, str]:
    policy = job["spec"].get("podFailurePolicy") or {}
    for at, rule in enumerate(policy.get("rules") or ()):
        decided = rule["action"]
        if rule.get("onExitCodes"):
            found = _by_exit_code(rule["onExitCodes"], pod)
        else:
            found = _by_condition(rule.get("onPodConditions") or (), pod)
        if found:
            return decided, f"{found} matching {decided} rule at index {at}"
    return COUNT, ""


def _by_exit_code(requirement: Object, pod: Object) -> str:
    wanted, values = requirement.get("containerName"), requirement.get("values") or ()
    for status in _containers(pod):
        ended = (status.get("state") or {}).get("terminated") or {}
        code = ended.get("exitCode", 0)
        if not code or wanted not in (None, status["name"]):
            continue
        if (code in values) == (requirement["operator"] == "In"):
            where = f"{namespace_of(pod)}/{name_of(pod)}"
            return f"Container {status['name']} for pod {where} failed with exit code {code}"
    return ""


def _containers(pod: Object) -> Iterator[Object]:
    status = pod.get("status", {})
    yield from status.get("containerStatuses") or ()
    yield from status.get("initContainerStatuses") or ()


def _by_condition(patterns: Sequence[Object], pod: Object) -> str:
    for condition in pod.get("status", {}).get("conditions") or ():
        for pattern in patterns:
            same = pattern["type"] == condition["type"]
            if same and pattern.get("status", "True") == condition["status"]:
                where = f"{namespace_of(pod)}/{name_of(pod)}"
                return f"Pod {where} has condition {condition['type']}"
    return ""


def success_message(job: Object, done: set[int]) -> str:
    """The rule of spec.successPolicy that the succeeded indexes fulfil; empty without one."""
    policy = job["spec"].get("successPolicy") or {}
    for at, rule in enumerate(policy.get("rules") or ()):
        text, count = rule.get("succeededIndexes"), rule.get("succeededCount")
        named = jobindexes.parse(text) if text is not None else None
        reached = done & named if named is not None else done
        wanted = count if count is not None else len(named or ())
        if done and (text is not None or count is not None) and len(reached) >= wanted:
            return f"Matched rules at index {at}"
    return ""
