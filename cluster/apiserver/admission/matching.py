"""Which requests a webhook or a policy is about: rules, selectors, match conditions.

Models admission/plugin/webhook/predicates and matchconditions.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cluster.apiserver.admission.attributes import Attributes
from cluster.apiserver.admission.authorization import asking
from cluster.apiserver.resources import NAMESPACES, Resource
from cluster.machinery.meta import Object
from cluster.machinery.selectors import from_label_selector

CONDITION_VARIABLES = ("object", "oldObject", "request", "authorizer")


class ConditionError(Exception):
    """A match condition could not be evaluated."""


def matching_version(
    attributes: Attributes, rules: Iterable[Object], policy: str
) -> Resource | None:
    """In which version the asker wants to hear of the request; None: not at all."""
    rules = list(rules)
    for rule in rules:
        if _rule_matches(attributes, rule, attributes.resource):
            return attributes.resource
    if policy == "Exact":
        return None
    for version in attributes.versions[1:]:
        if any(_rule_matches(attributes, rule, version) for rule in rules):
            return version
    return None


def _rule_matches(attributes: Attributes, rule: Object, resource: Resource) -> bool:
    scope = rule.get("scope") or "*"
    if scope != "*" and (scope == "Namespaced") != _namespaced(attributes):
        return False
    names = rule.get("resourceNames")
    if names and attributes.name not in names:
        return False
    return (
        _listed(rule.get("operations"), attributes.operation)
        and _listed(rule.get("apiGroups"), resource.group)
        and _listed(rule.get("apiVersions"), resource.version)
        and any(
            _resource_matches(pattern, resource.plural, attributes.subresource)
            for pattern in rule.get("resources") or ()
        )
    )


def _namespaced(attributes: Attributes) -> bool:
    return attributes.resource.namespaced


def _listed(values: list[str] | None, wanted: str) -> bool:
    return bool(values) and values is not None and ("*" in values or wanted in values)


def _resource_matches(pattern: str, plural: str, subresource: str) -> bool:
    resource, _, sub = pattern.partition("/")
    return resource in ("*", plural) and (sub == subresource or (sub == "*"))


def selector_matches(attributes: Attributes, owner: Object) -> bool:
    """namespaceSelector and objectSelector of a webhook or of match constraints."""
    return _namespace_matches(attributes, owner.get("namespaceSelector")) and _object_matches(
        attributes, owner.get("objectSelector")
    )


def _namespace_matches(attributes: Attributes, raw: Object | None) -> bool:
    if not raw:
        return True
    if attributes.resource is NAMESPACES:
        obj = attributes.new if attributes.new is not None else attributes.old
        return from_label_selector(raw).matches(_labels(obj))
    if not attributes.namespace:
        return True
    namespace = attributes.ctx.lookup.policies.find(NAMESPACES, "", attributes.namespace)
    return from_label_selector(raw).matches(_labels(namespace))


def _object_matches(attributes: Attributes, raw: Object | None) -> bool:
    if not raw:
        return True
    found = from_label_selector(raw)
    objects = [obj for obj in (attributes.new, attributes.old) if obj is not None]
    return any(found.matches(_labels(obj)) for obj in objects)


def _labels(obj: Object | None) -> dict[str, str]:
    return ((obj or {}).get("metadata") or {}).get("labels") or {}


def conditions_hold(
    conditions: Iterable[Object], variables: dict[str, Any], attributes: Attributes,
    names: tuple[str, ...] = CONDITION_VARIABLES,
) -> bool:  # fmt: skip
    """All of them; one that is false decides even when others fail. Raises ConditionError."""
    from cluster.apiserver.cel.program import CompileError, EvaluationError, compile_expression

    problems = []
    for condition in conditions:
        try:
            program = compile_expression(condition["expression"], names, ("BOOL",))
            with asking(attributes.ctx):
                if program.run(variables) is not True:
                    return False
        except CompileError as error:
            problems.append(error.text)
        except EvaluationError as error:
            problems.append(
                f"expression '{condition['expression']}' resulted in error: {error.text}"
            )
    if problems:
        text = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
        raise ConditionError(text)
    return True
