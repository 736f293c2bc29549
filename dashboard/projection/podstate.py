"""A pod's STATUS as kubectl prints it, and the one of seven states in which the page draws it.

Models pkg/printers/internalversion printPod.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from cluster.machinery.meta import Object, condition

# The page's states: running and ready; running, not ready; waiting to run; done; failed; on its
# way out; on a node nobody hears of.
State = Literal["run", "wait", "pend", "done", "fail", "term", "lost"]

FAILING = frozenset(
    {
        "CrashLoopBackOff",
        "ImagePullBackOff",
        "ErrImagePull",
        "ErrImageNeverPull",
        "InvalidImageName",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "OOMKilled",
        "Error",
        "ContainerCannotRun",
        "DeadlineExceeded",
        "Evicted",
        "StartError",
    }
)


@dataclass(frozen=True, slots=True)
class PodSummary:
    state: State
    status: str
    ready: int
    containers: int
    restarts: int


def summarise(pod: Object, node_lost: bool = False) -> PodSummary:
    status: Object = pod.get("status") or {}
    text, ready, restarts = _text(pod, status)
    total = len(pod["spec"].get("containers") or ())
    return PodSummary(_state(pod, status, text, node_lost), text, ready, total, restarts)


def _text(pod: Object, status: Object) -> tuple[str, int, int]:
    reason = status.get("reason") or status.get("phase") or "Pending"
    scheduled = condition(status.get("conditions"), "PodScheduled")
    if scheduled and scheduled.get("reason") == "SchedulingGated":
        reason = "SchedulingGated"
    initial, restarts = _init_text(pod, status)
    ready = 0
    if initial is not None:
        reason = initial
    else:
        reason, ready, restarts = _main_text(status, reason)
    if pod["metadata"].get("deletionTimestamp"):
        if status.get("reason") == "NodeLost":
            reason = "Unknown"
        elif status.get("phase") not in ("Succeeded", "Failed"):
            reason = "Terminating"
    return reason, ready, restarts


def _ended(terminated: Object) -> str:
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode', 0)}"


def _init_text(pod: Object, status: Object) -> tuple[str | None, int]:
    """The text while init containers run, None when they are through; and their restarts."""
    specs = pod["spec"].get("initContainers") or ()
    restarts = 0
    for at, container in enumerate(status.get("initContainerStatuses") or ()):
        restarts += container.get("restartCount", 0)
        state = container.get("state") or {}
        ended = state.get("terminated")
        if ended is not None and ended.get("exitCode", 0) == 0:
            continue
        sidecar = at < len(specs) and specs[at].get("restartPolicy") == "Always"
        if sidecar and container.get("started"):
            continue
        if ended is not None:
            return f"Init:{_ended(ended)}", restarts
        waiting = (state.get("waiting") or {}).get("reason", "")
        if waiting and waiting != "PodInitializing":
            return f"Init:{waiting}", restarts
        return f"Init:{at}/{len(specs)}", restarts
    return None, restarts


def _main_text(status: Object, reason: str) -> tuple[str, int, int]:
    ready = restarts = 0
    running = False
    containers: Iterable[Any] = reversed(status.get("containerStatuses") or ())
    for container in containers:
        restarts += container.get("restartCount", 0)
        state = container.get("state") or {}
        if (state.get("waiting") or {}).get("reason"):
            reason = state["waiting"]["reason"]
        elif "terminated" in state:
            reason = _ended(state["terminated"])
        elif container.get("ready") and "running" in state:
            running = True
            ready += 1
    if reason == "Completed" and running:
        is_ready = (condition(status.get("conditions"), "Ready") or {}).get("status") == "True"
        reason = "Running" if is_ready else "NotReady"
    return reason, ready, restarts


def _state(pod: Object, status: Object, text: str, node_lost: bool) -> State:
    phase = status.get("phase") or "Pending"
    if pod["metadata"].get("deletionTimestamp"):
        return "term"
    if phase == "Succeeded":
        return "done"
    if phase == "Failed" or text.removeprefix("Init:") in FAILING:
        return "fail"
    if node_lost or phase == "Unknown":
        return "lost"
    if phase == "Pending":
        return "pend"
    ready = (condition(status.get("conditions"), "Ready") or {}).get("status") == "True"
    return "run" if ready else "wait"
