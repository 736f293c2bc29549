"""The default roles and bindings, made whole at every start: what is missing comes back.

What an administrator has added stays, and an object annotated with autoupdate "false" is left
alone. Models pkg/registry/rbac/rest (storage_rbac.go) and pkg/registry/rbac/reconciliation.
"""

from __future__ import annotations

from cluster.apiserver.authz.defaults import default_objects
from cluster.apiserver.authz.rules import Rule, uncovered
from cluster.client import Client, kinds
from cluster.machinery.meta import Object, annotations_of, key_of, labels_of

KINDS = (kinds.CLUSTER_ROLES, kinds.CLUSTER_ROLE_BINDINGS, kinds.ROLES, kinds.ROLE_BINDINGS)
AUTO_UPDATE = "rbac.authorization.kubernetes.io/autoupdate"
BOOTSTRAPPING = "kubernetes.io/bootstrapping"


def ensure_roles(client: Client) -> None:
    client.acting("bootstrap", "rbac/bootstrap-roles")
    have = {(obj["kind"], key_of(obj)): obj for r in KINDS for obj in client.list(r)}
    for wanted in default_objects():
        found = have.get((wanted["kind"], key_of(wanted)))
        if found is None:
            client.create(wanted)
        elif (
            BOOTSTRAPPING in labels_of(wanted) and annotations_of(found).get(AUTO_UPDATE) != "false"
        ):
            whole = _with_missing(found, wanted)
            if whole != found:
                client.update(whole, base=found)
    client.flush()


def _with_missing(found: Object, wanted: Object) -> Object:
    """`found`, and what it lacks of `wanted`."""
    if "roleRef" in wanted:
        subjects = found.get("subjects") or []
        lacking = [s for s in wanted.get("subjects") or () if s not in subjects]
        return {**found, "subjects": [*subjects, *lacking]} if lacking else found
    if "aggregationRule" in wanted:
        return found  # its rules are the aggregation controller's
    rules = found.get("rules") or []
    owned = [Rule.of(raw) for raw in rules]
    lacking = [raw for raw in wanted["rules"] if uncovered(owned, [Rule.of(raw)])]
    return {**found, "rules": [*rules, *lacking]} if lacking else found
