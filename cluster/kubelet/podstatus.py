"""What a kubelet says of a pod. Models kubelet_pods.go (getPhase) and pkg/kubelet/status."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cluster.kubelet.containers import ContainerState
from cluster.kubelet.machine import node_address
from cluster.machinery.clock import format_time
from cluster.machinery.meta import Object


def phase(pod: Object, main: list[ContainerState], initialized: bool) -> str:
    policy = pod["spec"].get("restartPolicy", "Always")
    if not initialized:
        return "Pending"
    if any(c.phase == "running" for c in main):
        return "Running"
    ended = [c for c in main if c.phase == "terminated"]
    if len(ended) == len(main) and main:
        if policy == "Always":
            return "Running"
        if all(c.exit_code == 0 for c in ended):
            return "Succeeded"
        return "Failed" if policy == "Never" else "Running"
    # Waiting: for the first start, or to be started again.
    return "Running" if any(c.restarts or c.last for c in main) else "Pending"


def finished(pod: Object, main: list[ContainerState], initialized: bool) -> bool:
    return phase(pod, main, initialized) in ("Succeeded", "Failed")


def conditions(
    pod: Object, values: dict[str, tuple[bool, str, str]], now: float
) -> list[dict[str, Any]]:
    """`values` are (true?, reason, message) in upstream's order; others' conditions are kept."""
    before = {c["type"]: c for c in pod.get("status", {}).get("conditions", ())}
    generation = pod["metadata"].get("generation", 1)
    out: list[dict[str, Any]] = []
    for kind, (true, reason, message) in values.items():
        status = "True" if true else "False"
        old = before.pop(kind, None)
        same = old is not None and old["status"] == status
        new: dict[str, Any] = {
            "type": kind,
            "status": status,
            "observedGeneration": generation,
            "lastProbeTime": None,
            "lastTransitionTime": old["lastTransitionTime"] if old and same else format_time(now),
        }
        if reason:
            new["reason"] = reason
        if message:
            new["message"] = message
        out.append(new)
    return out + [{**c, "observedGeneration": generation} for c in before.values()]


def _unready(states: Iterable[ContainerState]) -> str:
    names = " ".join(s.name for s in states if not s.ready)
    return f"containers with unready status: [{names}]" if names else ""


def condition_values(
    pod: Object, main: list[ContainerState], init: list[ContainerState], initialized: bool,
    sandbox: bool, current: str,
) -> dict[str, tuple[bool, str, str]]:  # fmt: skip
    """Models GeneratePodReadyCondition and its siblings."""
    if current in ("Succeeded", "Failed"):
        reason = "PodCompleted" if current == "Succeeded" else "PodFailed"
        return {
            "PodReadyToStartContainers": (False, "", ""),
            "Initialized": (True, "PodCompleted" if current == "Succeeded" else "", ""),
            "Ready": (False, reason, ""),
            "ContainersReady": (False, reason, ""),
        }
    waiting = " ".join(s.name for s in init if s.phase != "terminated" or s.exit_code)
    incomplete = f"containers with incomplete status: [{waiting}]"
    ready = initialized and all(s.ready for s in main)
    not_ready = ("", "") if ready else ("ContainersNotReady", _unready(main))
    return {
        "PodReadyToStartContainers": (sandbox, "", ""),
        "Initialized": (True, "", "")
        if initialized
        else (False, "ContainersNotInitialized", incomplete),
        "Ready": (ready, *not_ready),
        "ContainersReady": (ready, *not_ready),
    }


def addresses(pod: Object, node: str, ip: str) -> dict[str, Any]:
    """hostIP(s) and podIP(s)."""
    host = node_address(node)
    out: dict[str, Any] = {"hostIP": host, "hostIPs": [{"ip": host}]}
    shown = host if pod["spec"].get("hostNetwork") else ip
    if shown:
        out["podIP"] = shown
        out["podIPs"] = [{"ip": shown}]
    return out
