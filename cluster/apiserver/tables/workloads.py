"""Rows of apps and batch."""

from __future__ import annotations

from typing import Any

from cluster.apiserver.tables.formats import (
    NONE,
    age,
    containers_and_images,
    human_duration,
    label_selector,
    pairs,
    since,
)
from cluster.machinery.clock import parse_time
from cluster.machinery.meta import Object, controller_of, is_true, name_of


def deployment(obj: Object, now: float) -> list[Any]:
    spec, status = obj["spec"], obj.get("status", {})
    names, images = containers_and_images(spec["template"])
    return [
        name_of(obj),
        f"{status.get('readyReplicas', 0)}/{spec['replicas']}",
        str(status.get("updatedReplicas", 0)),
        str(status.get("availableReplicas", 0)),
        age(obj, now),
        names,
        images,
        label_selector(spec.get("selector")),
    ]


def replica_set(obj: Object, now: float) -> list[Any]:
    spec, status = obj["spec"], obj.get("status", {})
    names, images = containers_and_images(spec["template"])
    return [
        name_of(obj),
        spec["replicas"],
        status.get("replicas", 0),
        status.get("readyReplicas", 0),
        age(obj, now),
        names,
        images,
        label_selector(spec.get("selector")),
    ]


def daemon_set(obj: Object, now: float) -> list[Any]:
    spec, status = obj["spec"], obj.get("status", {})
    names, images = containers_and_images(spec["template"])
    return [
        name_of(obj),
        status.get("desiredNumberScheduled", 0),
        status.get("currentNumberScheduled", 0),
        status.get("numberReady", 0),
        status.get("updatedNumberScheduled", 0),
        status.get("numberAvailable", 0),
        pairs(spec["template"]["spec"].get("nodeSelector")),
        age(obj, now),
        names,
        images,
        label_selector(spec.get("selector")),
    ]


def controller_revision(obj: Object, now: float) -> list[Any]:
    ref = controller_of(obj)
    owner = NONE
    if ref is not None:
        group = ref["apiVersion"].partition("/")[0] if "/" in ref["apiVersion"] else ""
        owner = f"{ref['kind'].lower()}{'.' + group if group else ''}/{ref['name']}"
    return [name_of(obj), owner, obj.get("revision", 0), age(obj, now)]


def job(obj: Object, now: float) -> list[Any]:
    spec, status = obj["spec"], obj.get("status", {})
    names, images = containers_and_images(spec["template"])
    return [
        name_of(obj),
        _job_status(obj),
        _completions(spec, status),
        _duration(status, now),
        age(obj, now),
        names,
        images,
        label_selector(spec.get("selector")),
    ]


def _job_status(obj: Object) -> str:
    conditions = obj.get("status", {}).get("conditions")
    for kind in ("Complete", "Failed"):
        if is_true(conditions, kind):
            return kind
    if "deletionTimestamp" in obj["metadata"]:
        return "Terminating"
    for kind in ("Suspended", "FailureTarget", "SuccessCriteriaMet"):
        if is_true(conditions, kind):
            return kind
    return "Running"


def _completions(spec: Object, status: Object) -> str:
    succeeded = status.get("succeeded", 0)
    if spec.get("completions") is not None:
        return f"{succeeded}/{spec['completions']}"
    parallelism = spec.get("parallelism") or 0
    return f"{succeeded}/1 of {parallelism}" if parallelism > 1 else f"{succeeded}/1"


def _duration(status: Object, now: float) -> str:
    if not status.get("startTime"):
        return ""
    start = parse_time(status["startTime"])
    end = parse_time(status["completionTime"]) if status.get("completionTime") else now
    return human_duration(end - start)


def stateful_set(obj: Object, now: float) -> list[Any]:
    spec, status = obj["spec"], obj.get("status", {})
    names, images = containers_and_images(spec["template"])
    ready = f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}"
    return [name_of(obj), ready, age(obj, now), names, images]


def replication_controller(obj: Object, now: float) -> list[Any]:
    spec, status = obj["spec"], obj.get("status", {})
    names, images = containers_and_images(spec.get("template") or {"spec": {"containers": []}})
    return [
        name_of(obj),
        spec.get("replicas", 0),
        status.get("replicas", 0),
        status.get("readyReplicas", 0),
        age(obj, now),
        names,
        images,
        pairs(spec.get("selector")),
    ]


def cron_job(obj: Object, now: float) -> list[Any]:
    spec, status = obj["spec"], obj.get("status", {})
    job_spec = spec["jobTemplate"]["spec"]
    names, images = containers_and_images(job_spec["template"])
    last = status.get("lastScheduleTime")
    return [
        name_of(obj),
        spec["schedule"],
        spec.get("timeZone") or NONE,
        "True" if spec.get("suspend") else "False",
        len(status.get("active") or ()),
        since(last, now) if last else NONE,
        age(obj, now),
        names,
        images,
        label_selector(job_spec.get("selector")),
    ]


def pod_template(obj: Object, now: float) -> list[Any]:
    template = obj.get("template") or {}
    names, images = containers_and_images({"spec": {"containers": [], **template.get("spec", {})}})
    labels = (template.get("metadata") or {}).get("labels")
    return [name_of(obj), names, images, pairs(labels)]
