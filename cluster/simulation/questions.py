"""Questions to the scheduler about the past and about what has not happened, for the API server.

Fills `cluster.apiserver.http.questions.Questions`.
"""

from __future__ import annotations

from typing import Any

from cluster.apiserver.registry import Registry
from cluster.client import kinds
from cluster.machinery import errors
from cluster.machinery.meta import Object
from cluster.scheduler.explain import Explanation, NodeView, shown_amount
from cluster.simulation.snapshot import Snapshot
from cluster.simulation.whatif import what_if


class SchedulerQuestions:
    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def what_if(self, body: Object) -> Object:
        store, clock = self._registry.store, self._registry.clock
        return what_if(body, lambda: Snapshot(store, clock.now()))

    def explain(self, namespace: str, name: str) -> Object:
        """The whole matrix for a pod's last decision, from the revision just before it."""
        resource = kinds.SCHEDULING_DECISIONS
        decision = self._registry.get(resource, namespace, name)
        revision = int(decision["metadata"]["resourceVersion"]) - 1
        snapshot = Snapshot(self._registry.store, self._registry.clock.now(), revision)
        snapshot.look()
        found = snapshot.scheduler.explain(f"{namespace}/{name}")
        if found is None:
            raise errors.not_found(resource.plural, resource.group, name)
        return {
            "apiVersion": "orrery.sim/v1",
            "kind": "SchedulingExplanation",
            "metadata": {"namespace": namespace, "name": name},
            "revision": revision,
            "message": found.sentence(),
            **_matrix(found),
        }


def _matrix(found: Explanation) -> dict[str, Any]:
    out: dict[str, Any] = {"nodes": [_node(n) for n in found.nodes]}
    miss = found.nearest_miss
    if miss is not None:
        out["nearestMiss"] = {"node": miss.name, "missing": _missing(miss)}
    return out


def _node(view: NodeView) -> Object:
    out: Object = {"name": view.name, "feasible": view.feasible}
    if view.against:
        out["filters"] = [{"plugin": p, "reasons": r} for p, r in view.against.items()]
    if view.missing:
        out["missing"] = _missing(view)
    if view.scores:
        out["total"] = view.total
        out["scores"] = [
            {"plugin": p, "raw": s.raw, "normalized": s.normalized, "weighted": s.weighted}
            for p, s in view.scores.items()
        ]
    return out


def _missing(view: NodeView) -> dict[str, str]:
    return {resource: shown_amount(resource, lack) for resource, lack in view.missing.items()}
