"""Roles and bindings as they are at a revision, compiled, and compiled again when they change.

An API server is one of many: its truth is the watch cache, that is, the log. Only objects that
changed are parsed again. Models pkg/registry/rbac/validation/rule.go.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from cluster.apiserver.authz.rules import Rule
from cluster.apiserver.operations import User
from cluster.apiserver.resources import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    ROLE_BINDINGS,
    ROLES,
    Resource,
)
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object

RBAC = "rbac.authorization.k8s.io"
KINDS = (ROLES, CLUSTER_ROLES, ROLE_BINDINGS, CLUSTER_ROLE_BINDINGS)
SERVICE_ACCOUNT = "system:serviceaccount:"


class Stored(Protocol):
    """One object of the watch cache."""

    namespace: str
    name: str

    def decode(self) -> Object: ...


class Source(Protocol):
    """The watch cache, as far as rights are concerned."""

    def version(self, resource: Resource) -> object:
        """Another value whenever something of the resource may have changed."""
        ...

    def entries(self, resource: Resource) -> Iterable[Stored]: ...

    def refresh(self) -> int:
        """Catch up with the log; returns the revision reached."""
        ...


@dataclass(frozen=True, slots=True)
class Binding:
    """`who` are keys as `keys_of` makes them of a user."""

    name: str
    namespace: str
    role_kind: str
    role: str
    who: tuple[str, ...]


@dataclass(slots=True)
class Policy:
    """All rights at one revision. Never changed once it is made."""

    roles: dict[tuple[str, str], tuple[Rule, ...]] = field(default_factory=dict)
    bindings: dict[str, dict[str, list[Binding]]] = field(default_factory=dict)
    decisions: dict[Any, Any] = field(default_factory=dict)

    def rules_of(self, binding: Binding) -> tuple[Rule, ...] | None:
        namespace = binding.namespace if binding.role_kind == "Role" else ""
        return self.roles.get((namespace, binding.role))

    def bound(self, user: User, namespace: str) -> Iterator[Binding]:
        """The user's bindings for the whole cluster, then those of the namespace."""
        keys = keys_of(user)
        for place in ("", namespace) if namespace else ("",):
            here = self.bindings.get(place)
            if not here:
                continue
            seen: set[str] = set()
            for key in keys:
                for binding in here.get(key, ()):
                    if binding.name not in seen:
                        seen.add(binding.name)
                        yield binding


def keys_of(user: User) -> list[str]:
    return [f"User {user.name}", *(f"Group {g}" for g in user.groups)]


def subject_key(subject: Object, namespace: str) -> str:
    kind, name = subject.get("kind", ""), subject.get("name", "")
    if kind == "ServiceAccount":
        return f"User {SERVICE_ACCOUNT}{subject.get('namespace') or namespace}:{name}"
    return f"{kind} {name}"


class Policies:
    """Thread-safe; `current` is a few comparisons while nothing changes."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._lock = threading.Lock()
        self._version: tuple[object, ...] = ()
        self._policy = Policy()
        self._parsed: dict[Resource, dict[tuple[str, str], tuple[Stored, Any]]] = {
            r: {} for r in KINDS
        }

    def current(self) -> Policy:
        version = tuple(self.source.version(r) for r in KINDS)
        if version == self._version:
            return self._policy
        with self._lock:
            self._policy = self._compile()
            self._version = version
            return self._policy

    def _compile(self) -> Policy:
        policy = Policy()
        for resource in (ROLES, CLUSTER_ROLES):
            for (namespace, name), rules in self._parse(resource, _rules):
                policy.roles[namespace, name] = rules
        for resource in (ROLE_BINDINGS, CLUSTER_ROLE_BINDINGS):
            for (namespace, _), binding in self._parse(resource, _binding):
                here = policy.bindings.setdefault(namespace, {})
                for key in binding.who:
                    here.setdefault(key, []).append(binding)
        return policy

    def _parse(self, resource: Resource, parse: Any) -> Iterator[tuple[tuple[str, str], Any]]:
        before = self._parsed[resource]
        now: dict[tuple[str, str], tuple[Stored, Any]] = {}
        for entry in self.source.entries(resource):
            key = (entry.namespace, entry.name)
            known = before.get(key)
            if known is None or known[0] is not entry:
                try:
                    known = (entry, parse(entry))
                except (StatusError, ValueError, TypeError, AttributeError):
                    continue  # written past the API by somebody; it grants nothing
            now[key] = known
        self._parsed[resource] = now
        return ((key, parsed) for key, (_, parsed) in now.items())


def _rules(entry: Stored) -> tuple[Rule, ...]:
    return tuple(Rule.of(raw) for raw in entry.decode().get("rules") or ())


def _binding(entry: Stored) -> Binding:
    obj = entry.decode()
    ref = obj.get("roleRef") or {}
    who = tuple(subject_key(s, entry.namespace) for s in obj.get("subjects") or ())
    return Binding(entry.name, entry.namespace, ref.get("kind", ""), ref.get("name", ""), who)
