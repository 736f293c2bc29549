"""PolicyRules: whether one allows an action, and whether some cover others.

Models pkg/apis/rbac/v1/evaluation_helpers.go and component-helpers/auth/rbac/validation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from cluster.apiserver.authz.attributes import Attributes

ALL = "*"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rbac/v1 PolicyRule."""

    verbs: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()

    @classmethod
    def of(cls, raw: dict[str, Any]) -> Rule:
        def field(name: str) -> tuple[str, ...]:
            return tuple(raw.get(name) or ())

        return cls(
            field("verbs"), field("apiGroups"), field("resources"), field("resourceNames"),
            field("nonResourceURLs"),
        )  # fmt: skip

    def as_dict(self) -> dict[str, list[str]]:
        """As SelfSubjectRulesReview and roles show it."""
        shown = {
            "verbs": self.verbs, "apiGroups": self.groups, "resources": self.resources,
            "resourceNames": self.names, "nonResourceURLs": self.urls,
        }  # fmt: skip
        return {k: list(v) for k, v in shown.items() if v}

    def allows(self, asked: Attributes) -> bool:
        if asked.verb not in self.verbs and ALL not in self.verbs:
            return False
        if asked.path:
            return any(_url(url, asked.path) for url in self.urls)
        return (
            (asked.group in self.groups or ALL in self.groups)
            and self._resource(asked)
            and (not self.names or asked.name in self.names)
        )

    def _resource(self, asked: Attributes) -> bool:
        if ALL in self.resources or asked.full_resource in self.resources:
            return True
        return bool(asked.subresource) and f"*/{asked.subresource}" in self.resources

    def broken_down(self) -> Iterable[Rule]:
        """Rules of one verb, one group, one resource and one name, or one verb and one path."""
        for verb, url in product(self.verbs, self.urls):
            yield Rule((verb,), urls=(url,))
        names: Sequence[str] = self.names
        for group, resource, verb in product(self.groups, self.resources, self.verbs):
            if not names:
                yield Rule((verb,), (group,), (resource,))
            for name in names:
                yield Rule((verb,), (group,), (resource,), (name,))

    def covers(self, one: Rule) -> bool:
        """`one` is broken down."""
        if one.verbs[0] not in self.verbs and ALL not in self.verbs:
            return False
        if one.urls:
            return any(_url(url, one.urls[0]) for url in self.urls)
        return (
            (one.groups[0] in self.groups or ALL in self.groups)
            and self._covers_resource(one.resources[0])
            and (not self.names or bool(one.names and one.names[0] in self.names))
        )

    def _covers_resource(self, resource: str) -> bool:
        if ALL in self.resources or resource in self.resources:
            return True
        _, slash, subresource = resource.partition("/")
        return bool(slash) and f"*/{subresource}" in self.resources

    def __str__(self) -> str:
        """Models CompactString."""
        fields = (
            ("APIGroups", self.groups), ("Resources", self.resources),
            ("NonResourceURLs", self.urls), ("ResourceNames", self.names), ("Verbs", self.verbs),
        )  # fmt: skip
        return "{" + ", ".join(f"{name}:{quoted(v)}" for name, v in fields if v) + "}"


def quoted(texts: Iterable[str]) -> str:
    """As Go's %q prints a []string."""
    return "[" + " ".join(f'"{t}"' for t in texts) + "]"


def _url(pattern: str, path: str) -> bool:
    if pattern in (ALL, path):
        return True
    return pattern.endswith("*") and path.startswith(pattern.rstrip("*"))


def uncovered(owned: Sequence[Rule], wanted: Iterable[Rule]) -> list[Rule]:
    """What of `wanted` nobody with `owned` may do, compacted. Models validation.Covers."""
    missing = [
        one
        for rule in wanted
        for one in rule.broken_down()
        if not any(own.covers(one) for own in owned)
    ]
    return compacted(missing)


def compacted(rules: Iterable[Rule]) -> list[Rule]:
    """Rules of the same simple resource become one with all verbs. Models CompactRules."""
    out: list[Rule] = []
    simple: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for rule in rules:
        if rule.urls or len(rule.groups) != 1 or len(rule.resources) != 1 or len(rule.names) > 1:
            out.append(rule)
            continue
        verbs = simple.setdefault((rule.groups[0], rule.resources[0], rule.names), [])
        verbs += [v for v in rule.verbs if v not in verbs]
    for (group, resource, names), verbs in simple.items():
        out.append(Rule(tuple(verbs), (group,), (resource,), names))
    return out
