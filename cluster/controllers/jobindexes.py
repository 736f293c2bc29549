"""Completion indexes of Indexed Jobs. Models pkg/controller/job/indexed_job_utils.go."""

from __future__ import annotations

from cluster.machinery.meta import Object, annotations_of

INDEX = "batch.kubernetes.io/job-completion-index"
FAILURES = "batch.kubernetes.io/job-index-failure-count"
IGNORED = "batch.kubernetes.io/job-index-ignored-failure-count"
ENV = "JOB_COMPLETION_INDEX"


def is_indexed(job: Object) -> bool:
    return bool(job["spec"].get("completionMode") == "Indexed")


def has_limit(job: Object) -> bool:
    """Every index has a back-off limit of its own."""
    return is_indexed(job) and job["spec"].get("backoffLimitPerIndex") is not None


def parse(text: str | None) -> set[int]:
    """`1,3-5` -> {1, 3, 4, 5}."""
    out: set[int] = set()
    for part in filter(None, (text or "").split(",")):
        first, _, last = part.partition("-")
        out.update(range(int(first), int(last or first) + 1))
    return out


def render(indexes: set[int]) -> str:
    runs: list[list[int]] = []
    for index in sorted(indexes):
        if runs and index == runs[-1][1] + 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    return ",".join(str(a) if a == b else f"{a},{b}" if b == a + 1 else f"{a}-{b}" for a, b in runs)


def index_of(pod: Object) -> int | None:
    text = annotations_of(pod).get(INDEX, "")
    return int(text) if text.isdigit() else None


def valid_index(job: Object, pod: Object) -> int | None:
    index = index_of(pod)
    return index if index is not None and index < (job["spec"].get("completions") or 0) else None


def number(pod: Object, annotation: str) -> int:
    text = annotations_of(pod).get(annotation, "0")
    return int(text) if text.isdigit() else 0


def pending(job: Object, taken: set[int], count: int) -> list[int]:
    """The first `count` indexes that are not taken. Models firstPendingIndexes."""
    free = (i for i in range(job["spec"]["completions"]) if i not in taken)
    return [i for i, _ in zip(free, range(count))]


def mark(pod: Object, job: Object, index: int, replaced: Object | None, ignored: bool) -> None:
    """The pod of an index knows it: label, annotation, environment and hostname; and, where each
    index has its limit, how often that index has failed."""
    meta = pod["metadata"]
    meta["labels"] = {**(meta.get("labels") or {}), INDEX: str(index)}
    meta["annotations"] = {**(meta.get("annotations") or {}), INDEX: str(index)}
    if has_limit(job):
        meta["annotations"] |= _failures(replaced, ignored)
    source = {"fieldRef": {"apiVersion": "v1", "fieldPath": f"metadata.labels['{INDEX}']"}}
    entry = {"name": ENV, "valueFrom": source}
    spec = pod["spec"]
    pod["spec"] = {**spec, "hostname": f"{job['metadata']['name']}-{index}"}
    for field in ("initContainers", "containers"):
        if spec.get(field):
            each = [{**c, "env": [*(c.get("env") or ()), entry]} for c in spec[field]]
            pod["spec"][field] = each


def _failures(replaced: Object | None, ignored: bool) -> dict[str, str]:
    """Models getNewIndexFailureCounts."""
    if replaced is None:
        return {FAILURES: "0"}
    counted = number(replaced, FAILURES) + (not ignored)
    passed = number(replaced, IGNORED) + ignored
    return {FAILURES: str(counted), **({IGNORED: str(passed)} if passed else {})}
