"""What is coming, and when: moments that follow from leases, taints, tolerations and back-offs.

Pure: objects in, moments of cluster time out. They predict what the node lifecycle controller,
the taint manager and the kubelet will do; none of them acts on these numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cluster.machinery.clock import parse_time
from cluster.machinery.meta import Object, annotations_of, condition

GRACE = 40.0  # --node-monitor-grace-period
HEARTBEAT = "orrery.sim/heartbeat"
UNREACHABLE = "node.kubernetes.io/unreachable"
Toleration = Mapping[str, Any]


def not_ready_at(node: Object, lease: Object | None) -> float | None:
    """When a node that fell silent will be called Unknown; None while it is heard, or lost."""
    ready = condition((node.get("status") or {}).get("conditions"), "Ready")
    if ready is None or ready.get("status") == "Unknown" or lease is None:
        return None
    if HEARTBEAT in annotations_of(lease):
        return None
    renewed = (lease.get("spec") or {}).get("renewTime")
    return parse_time(renewed) + GRACE if renewed else None


def eviction_at(pod: Object, taints: Iterable[Object]) -> float | None:
    """When the taint manager will delete the pod; None for never.

    Models pkg/controller/tainteviction: every NoExecute taint must be tolerated; the shortest
    tolerationSeconds counts, from the moment its taint was added.
    """
    if pod["metadata"].get("deletionTimestamp"):
        return None
    tolerations = pod["spec"].get("tolerations") or ()
    moments = []
    for taint in taints:
        if taint.get("effect") != "NoExecute":
            continue
        added = parse_time(taint["timeAdded"]) if taint.get("timeAdded") else 0.0
        patience = _patience(taint, tolerations)
        if patience is not None:
            moments.append(added + patience)
    return min(moments, default=None)


def expected_eviction_at(pod: Object, lost_at: float) -> float | None:
    """The same, for a node that will get the unreachable taint at `lost_at`."""
    if pod["metadata"].get("deletionTimestamp"):
        return None
    taint = {"key": UNREACHABLE, "effect": "NoExecute"}
    patience = _patience(taint, pod["spec"].get("tolerations") or ())
    return None if patience is None else lost_at + patience


def _patience(taint: Object, tolerations: Sequence[Toleration]) -> float | None:
    """Seconds the taint is borne: 0 when not at all, None for ever."""
    matching = [t for t in tolerations if tolerates(t, taint)]
    if not matching:
        return 0.0
    limits = [t["tolerationSeconds"] for t in matching if t.get("tolerationSeconds") is not None]
    return max(0.0, float(min(limits))) if limits else None


def tolerates(toleration: Toleration, taint: Object) -> bool:
    """Models core/v1 Toleration.ToleratesTaint."""
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if toleration.get("key") and toleration["key"] != taint.get("key"):
        return False
    if toleration.get("operator") == "Exists":
        return True
    return bool(toleration.get("key")) and toleration.get("value", "") == taint.get("value", "")


def restart_at(pod: Object) -> float | None:
    """When the kubelet will start a crashed container again: its end plus the back-off."""
    moments = []
    for container in (pod.get("status") or {}).get("containerStatuses") or ():
        waiting = (container.get("state") or {}).get("waiting") or {}
        ended = ((container.get("lastState") or {}).get("terminated") or {}).get("finishedAt")
        found = re.match(r"back-off ((?:\d+[hms])+) ", waiting.get("message", ""))
        if waiting.get("reason") == "CrashLoopBackOff" and ended and found:
            moments.append(parse_time(ended) + _duration(found[1]))
    return min(moments, default=None)


def _duration(text: str) -> float:
    """Go's 1h2m3s."""
    units = {"h": 3600, "m": 60, "s": 1}
    return float(sum(int(n) * units[u] for n, u in re.findall(r"(\d+)([hms])", text)))


def gone_at(pod: Object) -> float | None:
    """When a terminating pod's grace ends."""
    stamp = pod["metadata"].get("deletionTimestamp")
    return parse_time(stamp) if stamp else None
