"""Whatever a user does, in the end nothing hangs, nothing is orphaned and every status is true."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.client import Resource, kinds
from cluster.machinery.meta import (
    Object,
    controller_of,
    is_deleting,
    is_true,
    key_of,
    labels_of,
    name_of,
    uid_of,
)
from cluster.machinery.selectors import from_label_selector, from_map
from cluster.simulation import Shape, Simulation
from tests.simulation.random_user import NAMESPACES, RandomUser

OPERATIONS = 120
CALM = 1500  # seconds: longer than every grace period, deadline and toleration together


def everything(simulation: Simulation) -> list[Object]:
    return [
        o
        for r in kinds.RESOURCES.values()
        if r is not kinds.EVENTS
        for o in simulation.client.list(r)
    ]


def of(simulation: Simulation, resource: Resource) -> list[Object]:
    return [o for n in NAMESPACES for o in simulation.client.list(resource, n)]


def calm(simulation: Simulation, user: RandomUser) -> None:
    """All faults are mended, CronJobs sleep, and time passes."""
    for fault in simulation.client.list(kinds.FAULTS):
        simulation.client.do_delete(kinds.FAULTS, "", name_of(fault))
    for node in simulation.client.list(kinds.NODES):
        user._spec(node, unschedulable=False)
    for cron in of(simulation, kinds.CRON_JOBS):
        user._spec(cron, suspend=True)
    simulation.advance(CALM)


@pytest.fixture(scope="module", params=[1, 2])
def cluster(request: pytest.FixtureRequest) -> Simulation:
    simulation = Simulation(Shape(nodes=3), seed=request.param)
    simulation.advance(30)
    user = RandomUser(simulation, request.param)
    user.act(OPERATIONS)
    calm(simulation, user)
    assert user.refused == []
    return simulation


def test_nothing_hangs(cluster: Simulation) -> None:
    stuck = [
        (o["kind"], key_of(o), o["metadata"].get("finalizers"))
        for o in everything(cluster)
        if is_deleting(o)
    ]
    assert stuck == []


def test_nothing_has_lost_its_owner(cluster: Simulation) -> None:
    found = everything(cluster)
    uids = {uid_of(o) for o in found}
    orphans = [
        (o["kind"], key_of(o), r["name"])
        for o in found
        for r in o["metadata"].get("ownerReferences") or ()
        if r["uid"] not in uids
    ]
    assert orphans == []


def test_sets_have_the_pods_they_want_and_say_so(cluster: Simulation) -> None:
    pods = of(cluster, kinds.PODS)
    wrong: list[Any] = []
    for resource in (kinds.REPLICA_SETS, kinds.STATEFUL_SETS, kinds.REPLICATION_CONTROLLERS):
        for found in of(cluster, resource):
            own = [p for p in pods if (controller_of(p) or {}).get("uid") == uid_of(found)]
            ready = sum(is_true(p["status"].get("conditions"), "Ready") for p in own)
            status = found["status"]
            said = (status.get("replicas", 0), status.get("readyReplicas", 0))
            wanted = found["spec"]["replicas"]
            if not said == (len(own), ready) == (wanted, wanted):
                wrong.append((found["kind"], key_of(found), wanted, said, len(own), ready))
    assert wrong == []


def test_deployments_are_rolled_out(cluster: Simulation) -> None:
    sets = of(cluster, kinds.REPLICA_SETS)
    for found in of(cluster, kinds.DEPLOYMENTS):
        wanted, status = found["spec"]["replicas"], found["status"]
        fields = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
        assert [status.get(f, 0) for f in fields] == [wanted] * 4, key_of(found)
        own = [s for s in sets if (controller_of(s) or {}).get("uid") == uid_of(found)]
        assert sum(s["spec"]["replicas"] for s in own) == wanted
        assert status["observedGeneration"] == found["metadata"]["generation"]


def test_every_node_has_its_daemons(cluster: Simulation) -> None:
    nodes = len(cluster.client.list(kinds.NODES))
    for found in of(cluster, kinds.DAEMON_SETS):
        status = found["status"]
        fields = ("desiredNumberScheduled", "currentNumberScheduled", "numberReady",
                  "updatedNumberScheduled", "numberAvailable")  # fmt: skip
        assert [status.get(f, 0) for f in fields] == [nodes] * 5, key_of(found)


def test_jobs_count_what_there_is(cluster: Simulation) -> None:
    pods = of(cluster, kinds.PODS)
    for found in of(cluster, kinds.JOBS):
        own = [p for p in pods if (controller_of(p) or {}).get("uid") == uid_of(found)]
        active = [p for p in own if p["status"]["phase"] in ("Pending", "Running")]
        status = found["status"]
        assert status.get("active", 0) == len(active), key_of(found)
        assert not status.get("uncountedTerminatedPods"), key_of(found)
        ended = [c for c in status.get("conditions", ()) if c["type"] in ("Complete", "Failed")]
        assert ended or active or not found["spec"]["parallelism"], key_of(found)


def test_budgets_know_their_pods(cluster: Simulation) -> None:
    pods = of(cluster, kinds.PODS)
    for found in of(cluster, kinds.POD_DISRUPTION_BUDGETS):
        selector = from_label_selector(found["spec"]["selector"])
        behind = [
            p
            for p in pods
            if p["metadata"]["namespace"] == found["metadata"]["namespace"]
            and selector.matches(labels_of(p))
        ]
        healthy = sum(is_true(p["status"].get("conditions"), "Ready") for p in behind)
        status = found["status"]
        if not any(c.get("reason") == "SyncFailed" for c in status["conditions"]):
            assert status["currentHealthy"] == healthy, key_of(found)
        assert not status.get("disruptedPods"), key_of(found)


def test_services_reach_exactly_the_ready_pods(cluster: Simulation) -> None:
    pods, slices = of(cluster, kinds.PODS), of(cluster, kinds.ENDPOINT_SLICES)
    for found in of(cluster, kinds.SERVICES):
        selector = from_map(found["spec"]["selector"])
        namespace = found["metadata"]["namespace"]
        wanted = {
            p["status"]["podIP"]
            for p in pods
            if p["metadata"]["namespace"] == namespace
            and selector.matches(labels_of(p))
            and is_true(p["status"].get("conditions"), "Ready")
        }
        own = [s for s in slices if (controller_of(s) or {}).get("uid") == uid_of(found)]
        reached = {
            a
            for s in own
            for e in s["endpoints"]
            if e["conditions"]["ready"]
            for a in e["addresses"]
        }
        assert reached == wanted, key_of(found)
        if found["spec"]["type"] == "LoadBalancer":
            assert found["status"]["loadBalancer"]["ingress"]


def test_claims_and_volumes_belong_to_each_other(cluster: Simulation) -> None:
    volumes = {name_of(v): v for v in cluster.client.list(kinds.PERSISTENT_VOLUMES)}
    for claim in of(cluster, kinds.PERSISTENT_VOLUME_CLAIMS):
        assert claim["status"]["phase"] == "Bound", key_of(claim)
        volume = volumes.pop(claim["spec"]["volumeName"])
        assert volume["spec"]["claimRef"]["uid"] == uid_of(claim)
        assert volume["status"]["phase"] == "Bound"
    assert volumes == {}


def test_a_cluster_at_rest_has_nothing_to_do(cluster: Simulation) -> None:
    for found in of(cluster, kinds.HORIZONTAL_POD_AUTOSCALERS):  # these look every 15 seconds
        cluster.client.do_delete(
            kinds.HORIZONTAL_POD_AUTOSCALERS, found["metadata"]["namespace"], name_of(found)
        )
    cluster.advance(700)  # back-offs and progress deadlines run out
    before = cluster.store.revision()
    cluster.advance(600)
    expiring = (b"/events/", b"/schedulingdecisions/")
    written = {e.key for e in cluster.store.events(before)}
    assert [k for k in written if not any(part in k for part in expiring)] == []


def test_the_namespaces_go_with_all_they_hold(cluster: Simulation) -> None:
    """Last: it leaves nothing."""
    for name in NAMESPACES:
        cluster.client.do_delete(kinds.NAMESPACES, "", name)
    cluster.advance(200)
    left = [o for o in everything(cluster) if o["metadata"].get("namespace") in NAMESPACES]
    assert [(o["kind"], key_of(o)) for o in left] == []
    assert not {name_of(n) for n in cluster.client.list(kinds.NAMESPACES)} & set(NAMESPACES)
    assert cluster.client.list(kinds.PERSISTENT_VOLUMES) == []
