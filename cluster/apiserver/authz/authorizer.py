"""The chain of authorisers: system:masters, the node authoriser, RBAC. Any yes is a yes.

Decisions are remembered as long as no role and no binding changes. A no is only given after the
log was read to its end, so a right granted through another API server counts at once.
"""

from __future__ import annotations

from typing import NamedTuple

from cluster.apiserver.authz.attributes import Attributes
from cluster.apiserver.authz.node import NodeAuthorizer, NodeSource, node_of
from cluster.apiserver.authz.policy import Binding, Policies, Policy
from cluster.apiserver.authz.rules import Rule
from cluster.apiserver.operations import User
from cluster.machinery import errors
from cluster.machinery.errors import StatusError

MASTERS = "system:masters"
# Probes get an answer before the first role exists (--authorization-always-allow-paths).
ALWAYS = ("/healthz", "/livez", "/readyz")
REMEMBERED = 20_000  # decisions


class Decision(NamedTuple):
    allowed: bool
    reason: str = ""


class Authorizer:
    """Thread-safe."""

    def __init__(self, source: NodeSource) -> None:
        self.policies = Policies(source)
        self._source = source
        self._nodes = NodeAuthorizer(source)

    def authorize(self, user: User, asked: Attributes) -> None:
        """Raises StatusError 403 in upstream's words."""
        if MASTERS not in user.groups and asked.path not in ALWAYS:
            decision = self.decide(user, asked)
            if not decision.allowed:
                raise forbidden(user, asked, decision.reason)

    def may(
        self, user: User, verb: str, group: str, resource: str, namespace: str, name: str
    ) -> bool:
        return self.decide(
            user, Attributes(verb, group, "*", resource, "", namespace, name)
        ).allowed

    def decide(self, user: User, asked: Attributes) -> Decision:
        if MASTERS in user.groups:
            return Decision(True)
        found = self._decide(user, asked)
        if not found.allowed:
            before = self._source.revision
            if self._source.refresh() != before:
                found = self._decide(user, asked)
        return found

    def _decide(self, user: User, asked: Attributes) -> Decision:
        node = node_of(user)
        if node:  # depends on pods, too, so it is not remembered
            allowed, reason = self._nodes.decide(node, asked)
            if allowed:
                return Decision(True)
            return _joined(reason, self._rbac(self.policies.current(), user, asked))
        policy = self.policies.current()
        key = (user.name, user.groups, asked)
        known: Decision | None = policy.decisions.get(key)
        if known is None:
            known = self._rbac(policy, user, asked)
            if len(policy.decisions) < REMEMBERED:
                policy.decisions[key] = known
        return known

    def _rbac(self, policy: Policy, user: User, asked: Attributes) -> Decision:
        problems: list[str] = []
        for binding in policy.bound(user, asked.namespace):
            rules = policy.rules_of(binding)
            if rules is None:
                problems.append(_missing(binding))
                continue
            for rule in rules:
                if rule.allows(asked):
                    return Decision(True, _because(binding, user))
        if not problems:
            return Decision(False)
        text = problems[0] if len(problems) == 1 else f"[{', '.join(dict.fromkeys(problems))}]"
        return Decision(False, f"RBAC: {text}")

    def rules(self, user: User, namespace: str) -> tuple[list[Rule], list[str]]:
        """Everything the user may do there, and why that may not be all."""
        self._source.refresh()
        policy = self.policies.current()
        found: list[Rule] = []
        problems: list[str] = []
        for binding in policy.bound(user, namespace):
            rules = policy.rules_of(binding)
            if rules is None:
                problems.append(_missing(binding))
            else:
                found += rules
        if node_of(user):
            problems.append("node authorizer does not support user rule resolution")
        return found, problems

    def role_rules(self, kind: str, namespace: str, name: str) -> list[Rule]:
        """Of a roleRef. Raises StatusError 404."""
        self._source.refresh()
        place = namespace if kind == "Role" else ""
        found = self.policies.current().roles.get((place, name))
        if found is None:
            plural = "roles" if kind == "Role" else "clusterroles"
            raise errors.not_found(plural, "rbac.authorization.k8s.io", name)
        return list(found)


def _missing(binding: Binding) -> str:
    kind = binding.role_kind.lower()
    return f'{kind}.rbac.authorization.k8s.io "{binding.role}" not found'


def _because(binding: Binding, user: User) -> str:
    """What SubjectAccessReviews tell."""
    kind = "RoleBinding" if binding.namespace else "ClusterRoleBinding"
    where = f'"{binding.name}/{binding.namespace}"' if binding.namespace else f'"{binding.name}"'
    role = f'{binding.role_kind} "{binding.role}"'
    return f"RBAC: allowed by {kind} {where} of {role} to {_subject(binding, user)}"


def _subject(binding: Binding, user: User) -> str:
    for key in binding.who:
        kind, _, name = key.partition(" ")
        if kind == "Group" and name in user.groups:
            return f'Group "{name}"'
        if kind == "User" and name == user.name:
            parts = name.split(":")
            if name.startswith("system:serviceaccount:") and len(parts) == 4:
                return f'ServiceAccount "{parts[3]}/{parts[2]}"'
            return f'User "{name}"'
    return ""


def _joined(reason: str, decision: Decision) -> Decision:
    if decision.allowed or not reason:
        return decision
    return Decision(False, "\n".join(filter(None, (reason, decision.reason))))


def sentence(user: User, asked: Attributes) -> str:
    """Models forbiddenMessage of apiserver/pkg/endpoints/handlers/responsewriters."""
    if asked.path:
        return f'User "{user.name}" cannot {asked.verb} path "{asked.path}"'
    where = f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
    return (
        f'User "{user.name}" cannot {asked.verb} resource "{asked.full_resource}" '
        f'in API group "{asked.group}" {where}'
    )


def forbidden(user: User, asked: Attributes, reason: str = "") -> StatusError:
    text = sentence(user, asked)
    if reason:
        text = f"{text}: {reason}"
    if asked.path:
        return StatusError(403, "Forbidden", f"forbidden: {text}", {})
    return errors.forbidden(asked.resource, asked.group, asked.name, text)
