"""The arithmetic of rolling updates. Models pkg/controller/deployment/util.

Pure functions over ReplicaSets and numbers.
"""

from __future__ import annotations

import math

from cluster.controllers.podutil import without_hash
from cluster.machinery.clock import parse_time
from cluster.machinery.meta import Object, annotations_of, name_of

REVISION = "deployment.kubernetes.io/revision"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAX = "deployment.kubernetes.io/max-replicas"


def resolve(value: int | str, total: int, up: bool) -> int:
    """An IntOrString percentage of `total`. Models intstr.GetScaledValueFromIntOrPercent."""
    if isinstance(value, int):
        return value
    exact = int(value.rstrip("%")) * total / 100
    return math.ceil(exact) if up else math.floor(exact)


def fenceposts(deployment: Object) -> tuple[int, int]:
    """(maxSurge, maxUnavailable) in pods; never both zero."""
    spec = deployment["spec"]
    rolling = spec["strategy"].get("rollingUpdate") or {}
    total = spec["replicas"]
    surge = resolve(rolling.get("maxSurge", "25%"), total, up=True)
    unavailable = resolve(rolling.get("maxUnavailable", "25%"), total, up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return surge, min(unavailable, total) if total else unavailable


def is_rolling(deployment: Object) -> bool:
    return bool(deployment["spec"]["strategy"]["type"] == "RollingUpdate")


def max_surge(deployment: Object) -> int:
    return fenceposts(deployment)[0] if is_rolling(deployment) else 0


def max_unavailable(deployment: Object) -> int:
    if not is_rolling(deployment) or deployment["spec"]["replicas"] == 0:
        return 0
    return fenceposts(deployment)[1]


def replicas_of(sets: list[Object]) -> int:
    return sum(int(s["spec"]["replicas"]) for s in sets)


def actual_of(sets: list[Object], field: str = "replicas") -> int:
    return sum(int(s.get("status", {}).get(field, 0)) for s in sets)


def by_age(sets: list[Object]) -> list[Object]:
    return sorted(sets, key=lambda s: (parse_time(s["metadata"]["creationTimestamp"]), name_of(s)))


def new_set(deployment: Object, sets: list[Object]) -> Object | None:
    """The oldest ReplicaSet with the Deployment's template. Models FindNewReplicaSet."""
    wanted = without_hash(deployment["spec"]["template"])
    for found in by_age(sets):
        if without_hash(found["spec"]["template"]) == wanted:
            return found
    return None


def revision(obj: Object) -> int:
    text = annotations_of(obj).get(REVISION, "0")
    return int(text) if text.isdigit() else 0


def next_replicas(deployment: Object, sets: list[Object], new: Object) -> int:
    """How many the new set may have now. Models reconcileNewReplicaSet and NewRSNewReplicas."""
    wanted: int = deployment["spec"]["replicas"]
    have: int = new["spec"]["replicas"]
    if not is_rolling(deployment) or have > wanted:  # somebody has scaled the set itself
        return wanted
    ceiling = wanted + max_surge(deployment)
    total = replicas_of(sets)
    if total >= ceiling:
        return have
    return have + min(ceiling - total, wanted - have)


def is_idle(found: Object) -> bool:
    """No pods, none wanted, and its controller knows it."""
    status, meta = found.get("status", {}), found["metadata"]
    return (
        not found["spec"]["replicas"]
        and not status.get("replicas")
        and status.get("observedGeneration", 0) >= meta.get("generation", 1)
    )


def shrunk(
    deployment: Object, sets: list[Object], new: Object, active: list[Object]
) -> dict[str, int]:
    """New sizes by name of the old sets: unhealthy pods first, then as many as availability
    allows. Models reconcileOldReplicaSets."""
    old = by_age(active)
    sizes = {name_of(s): int(s["spec"]["replicas"]) for s in old}
    floor = deployment["spec"]["replicas"] - max_unavailable(deployment)
    missing = new["spec"]["replicas"] - new.get("status", {}).get("availableReplicas", 0)
    budget = replicas_of(sets) - floor - missing
    if budget <= 0:
        return sizes
    for found in old:
        unhealthy = sizes[name_of(found)] - found.get("status", {}).get("availableReplicas", 0)
        cut = max(0, min(budget, unhealthy))
        sizes[name_of(found)] -= cut
        budget -= cut
    spare = actual_of(sets, "availableReplicas") - floor
    for found in old:
        cut = max(0, min(spare, sizes[name_of(found)]))
        sizes[name_of(found)] -= cut
        spare -= cut
    return sizes


def proportions(deployment: Object, active: list[Object]) -> dict[str, int]:
    """New sizes by name when a Deployment is scaled in the middle of a rollout: every set gets
    its share, rounded, the largest sets first. Models the proportional scaling of sync.go."""
    wanted = deployment["spec"]["replicas"]
    allowed = wanted + max_surge(deployment) if wanted > 0 else 0
    total = replicas_of(active)
    to_add = allowed - total
    grow = to_add > 0
    ordered = sorted(
        active, key=lambda s: (-s["spec"]["replicas"], _age_key(s, newest_first=grow), name_of(s))
    )
    sizes: dict[str, int] = {}
    added = 0
    for found in ordered:
        have: int = found["spec"]["replicas"]
        share = _share(found, deployment, to_add, added) if to_add and total else 0
        sizes[name_of(found)] = have + share
        added += share
    if ordered and to_add:
        first = name_of(ordered[0])
        sizes[first] = max(0, sizes[first] + to_add - added)
    return sizes


def _age_key(found: Object, newest_first: bool) -> float:
    at = parse_time(found["metadata"]["creationTimestamp"])
    return -at if newest_first else at


def _share(found: Object, deployment: Object, to_add: int, added: int) -> int:
    """Models getReplicaSetFraction."""
    have: int = found["spec"]["replicas"]
    wanted = deployment["spec"]["replicas"]
    if wanted == 0:
        return -have
    before = annotations_of(found).get(MAX, "")
    annotated = int(before) if before.isdigit() else actual_of([deployment])
    if not annotated:
        return 0
    exact = have * (wanted + max_surge(deployment)) / annotated
    share = math.floor(exact + 0.5) - have
    left = to_add - added
    return min(share, left) if to_add > 0 else max(share, left)
