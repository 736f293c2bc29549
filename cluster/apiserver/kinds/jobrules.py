"""What a JobSpec must satisfy, in Jobs and in CronJobs. Models pkg/apis/batch/validation."""

from __future__ import annotations

from cluster.apiserver.kinds import names
from cluster.apiserver.kinds.podrules import pod_spec
from cluster.machinery.errors import (
    Cause,
    duplicate,
    invalid_value,
    not_supported,
    required,
)
from cluster.machinery.meta import Object

NEGATIVE = "must be greater than or equal to 0"
COUNTS = (
    "parallelism", "completions", "activeDeadlineSeconds", "backoffLimit",
    "ttlSecondsAfterFinished", "backoffLimitPerIndex", "maxFailedIndexes",
)  # fmt: skip
MODES = ("Indexed", "NonIndexed")
RESTART = ("OnFailure", "Never")
ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
REPLACEMENT = ("Failed", "TerminatingOrFailed")
STATUSES = ("False", "True", "Unknown")
MAX_RULES, MAX_PATTERNS, MAX_CODES = 20, 20, 255
MAX_INDEXED = 100_000
INDEXED_ONLY = "requires indexed completion mode"


def too_many(path: str, have: int, most: int) -> Cause:
    text = f"Too many: {have}: must have at most {most} items"
    return Cause(path, "FieldValueTooMany", text)


def bare(path: str, detail: str) -> Cause:
    """An Invalid error that shows no value (field.OmitValueType)."""
    return Cause(path, "FieldValueInvalid", f"Invalid value: {detail}")


def _quoted(values: tuple[str, ...]) -> str:
    """As Go prints a []string with %q."""
    return "[" + " ".join(f'"{v}"' for v in values) + "]"


def job_spec(spec: Object, path: str) -> list[Cause]:
    causes = [
        invalid_value(f"{path}.{field}", value, NEGATIVE)
        for field in COUNTS
        if isinstance(value := spec.get(field), int) and value < 0
    ]
    if spec.get("maxFailedIndexes") is not None and spec.get("backoffLimitPerIndex") is None:
        text = "when maxFailedIndexes is specified"
        causes.append(required(f"{path}.backoffLimitPerIndex", text))
    causes += _completion_mode(spec, path)
    if spec.get("podFailurePolicy"):
        causes += _failure_policy(spec, f"{path}.podFailurePolicy.rules")
    if spec.get("successPolicy") is not None:
        if spec.get("completionMode") != "Indexed":
            causes.append(
                invalid_value(f"{path}.successPolicy", spec["successPolicy"], INDEXED_ONLY)
            )
        else:
            causes += _success_policy(spec, f"{path}.successPolicy.rules")
    causes += _replacement_policy(spec, f"{path}.podReplacementPolicy")
    return causes + _template(spec, f"{path}.template")


def _completion_mode(spec: Object, path: str) -> list[Cause]:
    mode = spec.get("completionMode") or "NonIndexed"
    if mode not in MODES:
        return [not_supported(f"{path}.completionMode", mode, MODES)]
    failed, completions = spec.get("maxFailedIndexes"), spec.get("completions")
    if mode == "NonIndexed":
        return [
            invalid_value(f"{path}.{field}", spec[field], INDEXED_ONLY)
            for field in ("backoffLimitPerIndex", "maxFailedIndexes")
            if spec.get(field) is not None
        ]
    causes: list[Cause] = []
    if completions is None:
        causes.append(required(f"{path}.completions", "when completion mode is Indexed"))
    if (spec.get("parallelism") or 0) > MAX_INDEXED:
        text = f"must be less than or equal to {MAX_INDEXED} when completion mode is Indexed"
        causes.append(invalid_value(f"{path}.parallelism", spec["parallelism"], text))
    if failed is not None and completions is not None and failed > completions:
        text = "must be less than or equal to completions"
        causes.append(invalid_value(f"{path}.maxFailedIndexes", failed, text))
    return causes


def _failure_policy(spec: Object, path: str) -> list[Cause]:
    rules = spec["podFailurePolicy"].get("rules") or []
    causes = [too_many(path, len(rules), MAX_RULES)] if len(rules) > MAX_RULES else []
    pod = spec["template"]["spec"]
    known = {c.get("name") for f in ("containers", "initContainers") for c in pod.get(f) or ()}
    for index, rule in enumerate(rules):
        here = f"{path}[{index}]"
        causes += _rule_action(spec, rule, f"{here}.action")
        codes, conditions = rule.get("onExitCodes"), rule.get("onPodConditions") or []
        if codes is not None:
            causes += _exit_codes(codes, f"{here}.onExitCodes", known)
        causes += _pod_conditions(conditions, f"{here}.onPodConditions")
        if codes is not None and conditions:
            text = "specifying both OnExitCodes and OnPodConditions is not supported"
            causes.append(bare(here, text))
        if codes is None and not conditions:
            text = "specifying one of OnExitCodes and OnPodConditions is required"
            causes.append(bare(here, text))
    return causes


def _rule_action(spec: Object, rule: Object, path: str) -> list[Cause]:
    action = rule.get("action", "")
    if not action:
        return [required(path, f"valid values: {_quoted(ACTIONS)}")]
    if action == "FailIndex" and spec.get("backoffLimitPerIndex") is None:
        return [invalid_value(path, action, "requires the backoffLimitPerIndex to be set")]
    return [] if action in ACTIONS else [not_supported(path, action, ACTIONS)]


def _exit_codes(rule: Object, path: str, containers: set[str | None]) -> list[Cause]:
    causes: list[Cause] = []
    operator, values, name = rule.get("operator", ""), rule.get("values") or [], None
    if not operator:
        causes.append(required(f"{path}.operator", f"valid values: {_quoted(('In', 'NotIn'))}"))
    elif operator not in ("In", "NotIn"):
        causes.append(not_supported(f"{path}.operator", operator, ("In", "NotIn")))
    name = rule.get("containerName")
    if name is not None and name not in containers:
        text = "must be one of the container or initContainer names in the pod template"
        causes.append(invalid_value(f"{path}.containerName", name, text))
    if not values:
        causes.append(invalid_value(f"{path}.values", values, "at least one value is required"))
    elif len(values) > MAX_CODES:
        causes.append(too_many(f"{path}.values", len(values), MAX_CODES))
    for index, value in enumerate(values):
        here = f"{path}.values[{index}]"
        if operator == "In" and value == 0:
            causes.append(invalid_value(here, value, "must not be 0 for the In operator"))
        if value in values[:index]:
            causes.append(duplicate(here, value))
    if values != sorted(values):
        causes.append(invalid_value(f"{path}.values", values, "must be ordered"))
    return causes


def _pod_conditions(patterns: list[Object], path: str) -> list[Cause]:
    many = len(patterns) > MAX_PATTERNS
    causes = [too_many(path, len(patterns), MAX_PATTERNS)] if many else []
    for index, pattern in enumerate(patterns):
        here, status = f"{path}[{index}].status", pattern.get("status", "")
        causes += names.qualified(pattern.get("type", ""), f"{path}[{index}].type")
        if not status:
            causes.append(required(here, f"valid values: {_quoted(STATUSES)}"))
        elif status not in STATUSES:
            causes.append(not_supported(here, status, STATUSES))
    return causes


def _success_policy(spec: Object, path: str) -> list[Cause]:
    rules, most = spec["successPolicy"].get("rules") or [], spec.get("completions") or 0
    causes: list[Cause] = []
    if not rules:
        text = "at least one rules must be specified when the successPolicy is specified"
        causes.append(required(path, text))
    if len(rules) > MAX_RULES:
        causes.append(too_many(path, len(rules), MAX_RULES))
    for index, rule in enumerate(rules):
        here, count = f"{path}[{index}]", rule.get("succeededCount")
        if count is None and rule.get("succeededIndexes") is None:
            text = "at least one of succeededCount or succeededIndexes must be specified"
            causes.append(required(here, text))
        indexes = rule.get("succeededIndexes")
        if why := indexes_problem(indexes or "", most):
            text = f"error parsing succeededIndexes: {why}"
            causes.append(invalid_value(f"{here}.succeededIndexes", indexes, text))
        if count is not None and count > most:
            text = f"must be less than or equal to {most} (the number of specified completions)"
            causes.append(invalid_value(f"{here}.succeededCount", count, text))
    return causes


def indexes_problem(text: str, completions: int) -> str:
    """What is wrong with `1,3-5`; empty when nothing is. Models validateIndexesFormat."""
    last = -1
    for part in text.split(",") if text else ():
        limits = part.split("-")
        if len(limits) > 2:
            return (
                f'the fragment "{part}" violates the requirement that an index interval can have '
                "at most two parts separated by '-'"
            )
        for limit in limits:
            if not limit.isdigit():
                return f'cannot convert string to integer for index: "{limit}"'
            if int(limit) >= completions:
                return f'too large index: "{limit}"'
            if int(limit) <= last:
                return f"non-increasing order, previous: {last}, current: {limit}"
            last = int(limit)
    return ""


def _replacement_policy(spec: Object, path: str) -> list[Cause]:
    policy = spec.get("podReplacementPolicy")
    if policy is None:
        return []
    allowed = ("Failed",) if spec.get("podFailurePolicy") else REPLACEMENT
    return [] if policy in allowed else [not_supported(path, policy, allowed)]


def _template(spec: Object, path: str) -> list[Cause]:
    template = spec.get("template") or {}
    meta, pod = template.get("metadata") or {}, template.get("spec") or {}
    causes = names.labels(meta.get("labels"), f"{path}.labels")
    causes += names.annotation_map(meta.get("annotations"), f"{path}.annotations")
    causes += pod_spec(pod, f"{path}.spec", (*RESTART, "Always"))
    policy, where = pod.get("restartPolicy"), f"{path}.spec.restartPolicy"
    if policy == "Always":
        causes.append(required(where, 'valid values: "OnFailure", "Never"'))
    elif policy == "OnFailure" and spec.get("podFailurePolicy"):
        text = 'only "Never" is supported when podFailurePolicy is specified'
        causes.append(invalid_value(where, policy, text))
    return causes
