"""clusterrole-aggregation: roles that are made of other roles' rules, chosen by label.

Models pkg/controller/clusterroleaggregation.
"""

from __future__ import annotations

from cluster.client import Controller, Env, InformerEvent, kinds
from cluster.machinery.meta import Object, labels_of, name_of
from cluster.machinery.selectors import from_label_selector


class ClusterRoleAggregationController(Controller):
    name = "clusterrole-aggregation-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.roles = env.informers.lister(kinds.CLUSTER_ROLES)
        self._aggregates: dict[str, None] = {}
        env.informers[kinds.CLUSTER_ROLES].add_handler(self._on_role)

    def _on_role(self, event: InformerEvent) -> None:
        """Any role may be a part of any aggregate, now or until now."""
        if event.new is not None and event.new.get("aggregationRule"):
            self._aggregates[event.key] = None
        else:
            self._aggregates.pop(event.key, None)
        for key in self._aggregates:
            self.enqueue(key, event.revision)

    def reconcile(self, key: str) -> None:
        role = self.roles.get(key)
        if role is None or not role.get("aggregationRule"):
            return
        rules = self._rules(role)
        if rules != (role.get("rules") or []):
            self.client.update({**role, "rules": rules}, base=role)

    def _rules(self, role: Object) -> list[Object]:
        """Without repetitions, in the order of the parts' names."""
        found: list[Object] = []
        for raw in role["aggregationRule"].get("clusterRoleSelectors") or ():
            selector = from_label_selector(raw)
            for part in sorted(self.roles, key=name_of):
                if name_of(part) != name_of(role) and selector.matches(labels_of(part)):
                    found += [r for r in part.get("rules") or () if r not in found]
        return found
