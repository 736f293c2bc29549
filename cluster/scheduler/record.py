"""A pod's SchedulingDecision: its last attempts as an object that everybody can read.

Written in the transaction that binds the pod, or by itself when the pod fitted nowhere; it lives
for an hour of cluster time. The whole matrix is not in it: `explanation` computes that again.
"""

from __future__ import annotations

from cluster.client import Beside, kinds
from cluster.machinery.clock import format_time
from cluster.machinery.meta import Object
from cluster.scheduler.decisions import Decision

ATTEMPTS = 10
TTL = 3600


def sentence(decision: Decision) -> str:
    """What happened, in one sentence."""
    if not decision.node:
        return decision.message
    if len(decision.best) < 2:
        return f"{decision.node} was the only node that fits"
    (_, score), (other, next_score) = decision.best[:2]
    if decision.equals > 1:
        return f"{decision.node} was drawn from {decision.equals} nodes with the same score"
    return f"{decision.node} won by {score - next_score} over {other}"


def _uid(pod: str) -> str:
    """Its own, but always the same for a pod: the pod's, turned round."""
    first, *rest = pod.split("-")
    return "-".join([first[::-1], *rest])


def record(pod: Object, attempts: list[Decision]) -> Beside:
    """`attempts` are the pod's, the newest last."""
    last = attempts[-1]
    meta = pod["metadata"]
    obj: Object = {
        "apiVersion": "orrery.sim/v1",
        "kind": "SchedulingDecision",
        "metadata": {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "uid": _uid(meta["uid"]),
            "creationTimestamp": format_time(last.time),
        },
        "spec": {"podUID": meta["uid"]},
        "status": {
            "node": last.node,
            "message": sentence(last),
            "attempts": [_attempt(d) for d in attempts[-ATTEMPTS:]],
        },
    }
    return Beside(kinds.SCHEDULING_DECISIONS, obj, TTL)


def _attempt(decision: Decision) -> Object:
    out: Object = {
        "attempt": decision.attempt,
        "time": format_time(decision.time),
        "revision": decision.revision,
        "node": decision.node,
    }
    if decision.best:
        out["best"] = [{"node": node, "score": score} for node, score in decision.best]
        out["equals"] = decision.equals
    if decision.reasons:
        out["reasons"] = [
            {"reason": reason, "nodes": count} for reason, count in decision.reasons.items()
        ]
    if decision.message:
        out["message"] = decision.message
    if decision.nominated:
        out["nominated"] = decision.nominated
    return out
