"""Moments that are coming follow from leases, taints, tolerations and back-offs."""

from __future__ import annotations

from typing import Any

from cluster.machinery.clock import parse_time
from cluster.machinery.meta import Object
from dashboard.projection import countdowns

T = "2026-01-01T00:00:00Z"
AT = parse_time(T)
UNREACHABLE = "node.kubernetes.io/unreachable"


def node(ready: str = "True") -> Object:
    return {
        "metadata": {"name": "n"},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }


def lease(live: bool = False) -> Object:
    annotations = {"orrery.sim/heartbeat": "10"} if live else {}
    return {"metadata": {"name": "n", "annotations": annotations}, "spec": {"renewTime": T}}


def pod(*tolerations: Object, **meta: Any) -> Object:
    return {"metadata": {"name": "p", **meta}, "spec": {"tolerations": list(tolerations)}}


def bears(key: str = UNREACHABLE, seconds: int | None = 300) -> Object:
    out: Object = {"key": key, "operator": "Exists", "effect": "NoExecute"}
    return out if seconds is None else {**out, "tolerationSeconds": seconds}


def taint(key: str = UNREACHABLE, effect: str = "NoExecute", at: str = T) -> Object:
    return {"key": key, "effect": effect, "timeAdded": at}


def test_a_silent_node_is_called_unknown_40_seconds_after_its_last_heartbeat() -> None:
    assert countdowns.not_ready_at(node(), lease()) == AT + 40


def test_a_node_that_is_heard_has_no_countdown() -> None:
    assert countdowns.not_ready_at(node(), lease(live=True)) is None


def test_a_node_already_unknown_has_none_either() -> None:
    assert countdowns.not_ready_at(node("Unknown"), lease()) is None


def test_a_pod_is_evicted_when_its_toleration_ends() -> None:
    assert countdowns.eviction_at(pod(bears()), [taint()]) == AT + 300


def test_the_shortest_toleration_counts() -> None:
    assert countdowns.eviction_at(pod(bears(), bears(seconds=60)), [taint()]) == AT + 60


def test_a_taint_not_tolerated_evicts_at_once() -> None:
    assert countdowns.eviction_at(pod(), [taint()]) == AT


def test_a_pod_that_tolerates_for_ever_stays() -> None:
    assert countdowns.eviction_at(pod(bears(seconds=None)), [taint()]) is None
    assert countdowns.eviction_at(pod({"operator": "Exists"}), [taint()]) is None


def test_no_schedule_taints_evict_nobody() -> None:
    assert countdowns.eviction_at(pod(), [taint(effect="NoSchedule")]) is None


def test_a_pod_on_its_way_out_is_not_evicted() -> None:
    assert countdowns.eviction_at(pod(deletionTimestamp=T), [taint()]) is None


def test_before_the_taint_the_eviction_is_foreseen() -> None:
    assert countdowns.expected_eviction_at(pod(bears()), AT + 40) == AT + 340


def test_equal_tolerations_need_the_value() -> None:
    wanted = {"key": "k", "operator": "Equal", "value": "v", "effect": "NoExecute"}
    assert countdowns.tolerates(wanted, {"key": "k", "value": "v", "effect": "NoExecute"})
    assert not countdowns.tolerates(wanted, {"key": "k", "value": "w", "effect": "NoExecute"})


def test_a_crashed_container_starts_again_after_its_back_off() -> None:
    message = "back-off 1m20s restarting failed container=main pod=p_default(u)"
    status = {
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": message}},
        "lastState": {"terminated": {"finishedAt": T}},
    }
    assert countdowns.restart_at({"status": {"containerStatuses": [status]}}) == AT + 80
