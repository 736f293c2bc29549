"""Completion indexes of Indexed Jobs. Models pkg/controller/job/indexed_job_utils.go."""

from __future__ import annotations

from typing import Any

from cluster.machinery.meta import Object, annotations_of

INDEX = "batch.kubernetes.io/job-completion-index"
ENV = "JOB_COMPLETION_INDEX"


def is_indexed(job: Object) -> bool:
    return bool(job["spec"].get("completionMode") == "Indexed")


def parse(text: str) -> set[int]:
    """`1,3-5` -> {1, 3, 4, 5}."""
    out: set[int] = set()
    for part in filter(None, text.split(",")):
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


def missing(
    job: Object, status: dict[str, Any], active: list[Object], count: int
) -> list[int] | None:
    """The first indexes that are neither done nor running; None for a Job without indexes."""
    if not is_indexed(job):
        return None
    done = parse(status.get("completedIndexes", ""))
    running = {index_of(p) for p in active}
    free = (i for i in range(job["spec"]["completions"]) if i not in done and i not in running)
    return [i for i, _ in zip(free, range(count))]


def is_new(job: Object, status: dict[str, Any], pod: Object) -> bool:
    """Whether the pod's success has not been counted for its index yet."""
    if not is_indexed(job):
        return True
    return index_of(pod) not in parse(status.get("completedIndexes", ""))


def complete(job: Object, status: dict[str, Any], pod: Object) -> None:
    index = index_of(pod)
    if is_indexed(job) and index is not None and pod.get("status", {}).get("phase") == "Succeeded":
        done = parse(status.get("completedIndexes", "")) | {index}
        status["completedIndexes"] = render(done)


def mark(pod: Object, job: Object, index: int) -> None:
    """The pod of an index knows it: label, annotation, environment and hostname."""
    meta = pod["metadata"]
    meta["labels"] = {**(meta.get("labels") or {}), INDEX: str(index)}
    meta["annotations"] = {**(meta.get("annotations") or {}), INDEX: str(index)}
    source = {"fieldRef": {"apiVersion": "v1", "fieldPath": f"metadata.labels['{INDEX}']"}}
    entry = {"name": ENV, "valueFrom": source}
    spec = pod["spec"]
    pod["spec"] = {**spec, "hostname": f"{job['metadata']['name']}-{index}"}
    for field in ("initContainers", "containers"):
        if spec.get(field):
            each = [{**c, "env": [*(c.get("env") or ()), entry]} for c in spec[field]]
            pod["spec"][field] = each
