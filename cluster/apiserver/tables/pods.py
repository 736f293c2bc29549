"""The row of a pod: what STATUS says is an art of its own. Models printPod."""

from __future__ import annotations

from typing import Any

from cluster.apiserver.tables.formats import NONE, age, human_duration
from cluster.machinery.clock import parse_time
from cluster.machinery.meta import Object, condition, is_true, name_of


def pod(obj: Object, now: float) -> list[Any]:
    spec, status = obj["spec"], obj.get("status", {})
    ready, total = _readiness(spec, status)
    ips = [ip["ip"] for ip in status.get("podIPs", ())]
    gates = spec.get("readinessGates") or ()
    true_gates = sum(is_true(status.get("conditions"), g["conditionType"]) for g in gates)
    return [
        name_of(obj),
        f"{ready}/{total}",
        reason(obj),
        _restarts(spec, status, now),
        age(obj, now),
        ips[0] if ips else NONE,
        spec.get("nodeName") or NONE,
        status.get("nominatedNodeName") or NONE,
        f"{true_gates}/{len(gates)}" if gates else NONE,
    ]


def _sidecars(spec: Object) -> set[str]:
    return {
        c["name"] for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"
    }


def _readiness(spec: Object, status: Object) -> tuple[int, int]:
    sidecars = _sidecars(spec)
    total = len(spec.get("containers", ())) + len(sidecars)
    ready = sum(
        bool(s.get("ready")) and "running" in (s.get("state") or {})
        for s in status.get("containerStatuses", ())
    )
    ready += sum(
        bool(s.get("ready")) and s["name"] in sidecars
        for s in status.get("initContainerStatuses", ())
    )
    return ready, total


def _restarts(spec: Object, status: Object, now: float) -> str:
    sidecars = _sidecars(spec)
    statuses = [
        *status.get("containerStatuses", ()),
        *(s for s in status.get("initContainerStatuses", ()) if s["name"] in sidecars),
    ]
    count = sum(s.get("restartCount", 0) for s in statuses)
    ends = [
        ended["finishedAt"]
        for s in statuses
        if (ended := (s.get("lastState") or {}).get("terminated")) and ended.get("finishedAt")
    ]
    if not count or not ends:
        return str(count)
    return f"{count} ({human_duration(now - max(parse_time(e) for e in ends))} ago)"


def reason(obj: Object) -> str:
    """The STATUS column."""
    status = obj.get("status", {})
    out = status.get("reason") or status.get("phase", "")
    scheduled = condition(status.get("conditions"), "PodScheduled")
    if scheduled is not None and scheduled.get("reason") == "SchedulingGated":
        out = "SchedulingGated"
    initializing = _initializing(obj)
    if initializing:
        out = initializing
    else:
        out = _running(status, out)
    if "deletionTimestamp" in obj["metadata"]:
        return "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    return str(out)


def _initializing(obj: Object) -> str:
    """Init:1/3, Init:CrashLoopBackOff...: the first init container that is not done."""
    specs = {c["name"]: c for c in obj["spec"].get("initContainers") or ()}
    for index, status in enumerate(obj.get("status", {}).get("initContainerStatuses", ())):
        state = status.get("state") or {}
        ended = state.get("terminated")
        if ended and ended["exitCode"] == 0:
            continue
        spec = specs.get(status["name"], {})
        if spec.get("restartPolicy") == "Always" and status.get("started"):
            continue
        if ended:
            return f"Init:{ended.get('reason') or _exit(ended)}"
        waiting = (state.get("waiting") or {}).get("reason", "")
        if waiting and waiting != "PodInitializing":
            return f"Init:{waiting}"
        return f"Init:{index}/{len(specs)}"
    return ""


def _exit(ended: Object) -> str:
    return f"Signal:{ended['signal']}" if ended.get("signal") else f"ExitCode:{ended['exitCode']}"


def _running(status: Object, out: str) -> str:
    running = False
    for found in reversed(status.get("containerStatuses", ())):
        state = found.get("state") or {}
        if waiting := (state.get("waiting") or {}).get("reason"):
            out = waiting
        elif "terminated" in state:
            out = state["terminated"].get("reason") or _exit(state["terminated"])
        elif found.get("ready") and "running" in state:
            running = True
    if out == "Completed" and running:
        out = "Running" if is_true(status.get("conditions"), "Ready") else "NotReady"
    return out
