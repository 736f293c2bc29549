"""A pod's STATUS in kubectl's words, and the state the page draws."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.machinery.meta import Object
from dashboard.projection.podstate import summarise

READY = [{"type": "Ready", "status": "True"}]


def pod(phase: str = "Running", deleting: bool = False, **status: Any) -> Object:
    meta: Object = {"name": "web", "namespace": "default"}
    if deleting:
        meta["deletionTimestamp"] = "2026-01-01T00:00:30Z"
    containers = [{"name": "main"}]
    inits = [{"name": "setup"}] if "initContainerStatuses" in status else []
    spec = {"containers": containers, "initContainers": inits}
    return {"metadata": meta, "spec": spec, "status": {"phase": phase, **status}}


def running(ready: bool = True) -> Object:
    return {"name": "main", "ready": ready, "restartCount": 2, "state": {"running": {}}}


def waiting(reason: str) -> Object:
    return {"name": "main", "restartCount": 3, "state": {"waiting": {"reason": reason}}}


def ended(code: int, reason: str = "") -> Object:
    return {"name": "main", "state": {"terminated": {"exitCode": code, "reason": reason}}}


SETTING_UP = {"name": "setup", "state": {"running": {}}}
CASES = [
    (pod(conditions=READY, containerStatuses=[running()]), "Running", "run"),
    (pod(containerStatuses=[running(False)]), "Running", "wait"),
    (pod("Pending"), "Pending", "pend"),
    (pod("Pending", containerStatuses=[waiting("ContainerCreating")]), "ContainerCreating", "pend"),
    (pod(containerStatuses=[waiting("CrashLoopBackOff")]), "CrashLoopBackOff", "fail"),
    (pod("Pending", containerStatuses=[waiting("ImagePullBackOff")]), "ImagePullBackOff", "fail"),
    (pod("Succeeded", containerStatuses=[ended(0, "Completed")]), "Completed", "done"),
    (pod("Failed", containerStatuses=[ended(1, "Error")]), "Error", "fail"),
    (pod("Failed", reason="Evicted"), "Evicted", "fail"),
    (pod("Failed", containerStatuses=[ended(3)]), "ExitCode:3", "fail"),
    (pod(deleting=True, containerStatuses=[running()]), "Terminating", "term"),
    (pod("Succeeded", True, containerStatuses=[ended(0, "Completed")]), "Completed", "term"),
    (pod("Pending", initContainerStatuses=[SETTING_UP]), "Init:0/1", "pend"),
    (pod("Pending", initContainerStatuses=[waiting("Error")]), "Init:Error", "fail"),
    (pod("Pending", initContainerStatuses=[ended(2, "Error")]), "Init:Error", "fail"),
]


@pytest.mark.parametrize(("obj", "status", "state"), CASES)
def test_status_and_state(obj: Object, status: str, state: str) -> None:
    summary = summarise(obj)
    assert (summary.status, summary.state) == (status, state)


def test_counts_ready_containers_and_restarts() -> None:
    summary = summarise(pod(conditions=READY, containerStatuses=[running()]))
    assert (summary.ready, summary.containers, summary.restarts) == (1, 1, 2)


def test_a_running_pod_on_a_lost_node_is_unreachable() -> None:
    obj = pod(conditions=READY, containerStatuses=[running()])
    assert summarise(obj, node_lost=True).state == "lost"
