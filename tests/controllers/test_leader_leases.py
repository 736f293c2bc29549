"""The leases of leaders, as `kubectl get lease -n kube-system` shows them."""

from __future__ import annotations

from cluster.client import kinds
from tests.controllers.harness import Harness, simple


def test_a_new_process_takes_the_leases_over() -> None:
    cluster = Harness("orrery-leader-leases")
    cluster.add(simple("Namespace", "kube-system"))
    holders = []
    for _ in range(2):
        lease = cluster.get(kinds.LEASES, "kube-scheduler", "kube-system")
        holders.append(lease["spec"]["holderIdentity"])
        assert cluster.settle() is None
        cluster.clock.advance_to(cluster.now + 100)
        cluster.restart()
    lease = cluster.get(kinds.LEASES, "kube-controller-manager", "kube-system")
    assert lease["spec"]["leaseTransitions"] == 2
    assert lease["spec"]["leaseDurationSeconds"] == 15
    assert f"LeaderElection: {holders[0]} became leader" in cluster.events("LeaderElection")
