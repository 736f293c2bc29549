"""How many pods the owners of some pods want. Models the finders of pkg/controller/disruption.

An owner's change makes the budgets over its pods dirty through the pods themselves: they come and
go. Only the number that a Deployment or set asks for is read here.
"""

from __future__ import annotations

from cluster.client import Env, Lister, kinds
from cluster.machinery.meta import Object, controller_of, namespace_of


class UnknownScaleError(Exception):
    """An owner that does not say how many pods it wants."""


class ExpectedPods:
    def __init__(self, env: Env) -> None:
        self._scaled: dict[str, Lister] = {
            r.kind: env.informers.lister(r)
            for r in (
                kinds.DEPLOYMENTS,
                kinds.REPLICA_SETS,
                kinds.STATEFUL_SETS,
                kinds.REPLICATION_CONTROLLERS,
            )
        }

    def count(self, pods: list[Object]) -> tuple[int, int]:
        """(wanted by all owners of these pods, pods nobody owns). Raises UnknownScaleError."""
        seen: dict[str, int] = {}
        unmanaged = 0
        for pod in pods:
            reference = controller_of(pod)
            if reference is None:
                unmanaged += 1
            elif reference["uid"] not in seen:
                seen[reference["uid"]] = 0
                uid, wanted = self._scale(namespace_of(pod), reference)
                seen[uid] = wanted
        return sum(seen.values()), unmanaged

    def _scale(self, namespace: str, reference: Object) -> tuple[str, int]:
        lister = self._scaled.get(reference["kind"])
        if lister is None:
            found = kinds.BY_KIND.get((reference["apiVersion"], reference["kind"]))
            name = found.id if found is not None else reference["kind"]
            raise UnknownScaleError(f"{name} does not implement the scale subresource")
        owner = lister.get(f"{namespace}/{reference['name']}")
        if owner is None:
            return reference["uid"], 0
        above = controller_of(owner)
        if above is not None and above["kind"] == "Deployment":
            return self._scale(namespace, above)
        return reference["uid"], int(owner["spec"].get("replicas", 1))
