"""Celery runs the components: without it nothing happens, and killing it changes nothing."""

from __future__ import annotations

import signal
from collections.abc import Callable

from tests.e2e.instance import Orrery, eventually

PODS = 200
WORKERS = ("scheduler", "controller-manager", "kubelet.0")


def test_with_celery_stopped_nothing_binds_or_starts(orrery: Orrery) -> None:
    for name in WORKERS:
        orrery.signal(name, signal.SIGSTOP)
    try:
        orrery.kubectl("run", "waiting", "--image=registry.k8s.io/pause:3.10")
        orrery.kubectl("run", "--overrides", '{"spec":{"nodeName":"minikube-m02"}}', "bound",
                       "--image=registry.k8s.io/pause:3.10")  # fmt: skip
        done = orrery.run("wait", "--for=condition=PodScheduled", "pod/waiting", "--timeout=2s")
        assert done.returncode != 0
        assert orrery.get("pod", "bound")["status"]["phase"] == "Pending"
        assert "nodeName" not in orrery.get("pod", "waiting")["spec"]
    finally:
        for name in WORKERS:
            orrery.signal(name, signal.SIGCONT)
    orrery.kubectl("wait", "--for=condition=Ready", "pod/waiting", "pod/bound", "--timeout=20s")
    orrery.kubectl("delete", "pod", "waiting", "bound", "--now")


def test_workers_killed_in_the_middle_of_a_rollout_change_nothing(orrery: Orrery) -> None:
    image = "--image=registry.k8s.io/pause:3.10"
    orrery.kubectl("create", "deployment", "killed", image, f"--replicas={PODS}")
    for step, name in enumerate(WORKERS):
        # Each at another point of the rollout, in the middle of its work.
        eventually(lambda at=step: len(orrery.pods("app=killed")) > at * PODS // 8)
        orrery.signal(name, signal.SIGKILL)
    eventually(lambda: orrery.ready("app=killed") == PODS, 40, "all ready")
    pods = orrery.pods("app=killed")
    assert len(pods) == PODS
    assert len({p["status"]["podIP"] for p in pods}) == PODS
    assert all(s["restartCount"] == 0 for p in pods for s in p["status"]["containerStatuses"])
    for name in WORKERS:
        assert f"{name} ended (killed by SIGKILL); starting it again" in orrery.said()
    orrery.kubectl("delete", "deployment", "killed")
    eventually(lambda: not orrery.pods("app=killed"), 40, "pods gone")


def test_redis_killed_loses_no_work(orrery: Orrery) -> None:
    old = orrery.signal("valkey", signal.SIGKILL)
    eventually(lambda: orrery.children().get("valkey", old) != old, what="valkey again")
    orrery.kubectl("create", "deployment", "after", "--image=registry.k8s.io/pause:3.10")
    eventually(lambda: orrery.ready("app=after") == 1, 30, "ready")
    orrery.kubectl("delete", "deployment", "after")


def test_kubelets_may_be_spread_over_several_workers(make: Callable[..., Orrery]) -> None:
    made = make()
    made.env["ORRERY_KUBELET_SHARDS"] = "2"
    made.start("--nodes", "6")
    assert {"kubelet.0", "kubelet.1"} <= set(made.children())
    made.kubectl("create", "deployment", "spread", "--image=registry.k8s.io/pause:3.10",
                 "--replicas=30")  # fmt: skip
    eventually(lambda: made.ready("app=spread") == 30, 30, "ready")
    assert len({p["spec"]["nodeName"] for p in made.pods("app=spread")}) == 6
