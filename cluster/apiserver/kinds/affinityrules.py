"""Affinity and topology spreading. Models pkg/apis/core/validation."""

from __future__ import annotations

from collections.abc import Iterable

from cluster.apiserver.kinds import names
from cluster.apiserver.kinds.selectorrules import check_label_selector
from cluster.machinery.errors import (
    Cause,
    duplicate,
    forbidden_field,
    invalid_value,
    not_supported,
    required,
)
from cluster.machinery.meta import Object

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
WEIGHT_TEXT = "must be in the range 1-100"
ACTIONS = ("DoNotSchedule", "ScheduleAnyway")
POLICIES = ("Honor", "Ignore")
ONE_VALUE = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
POSITIVE = "must be greater than zero"


def affinity(found: Object, path: str) -> list[Cause]:
    causes: list[Cause] = []
    if found.get("nodeAffinity"):
        causes += _node_affinity(found["nodeAffinity"], f"{path}.nodeAffinity")
    for kind in ("podAffinity", "podAntiAffinity"):
        rules = found.get(kind) or {}
        here = f"{path}.{kind}"
        for index, term in enumerate(rules.get(REQUIRED) or ()):
            causes += _pod_term(term, f"{here}.{REQUIRED}[{index}]")
        for index, weighted in enumerate(rules.get(PREFERRED) or ()):
            where = f"{here}.{PREFERRED}[{index}]"
            causes += _weight(weighted, where)
            causes += _pod_term(weighted.get("podAffinityTerm") or {}, f"{where}.podAffinityTerm")
    return causes


def _weight(weighted: Object, path: str) -> list[Cause]:
    weight = weighted.get("weight", 0)
    return [] if 0 < weight <= 100 else [invalid_value(f"{path}.weight", weight, WEIGHT_TEXT)]


def _node_affinity(found: Object, path: str) -> list[Cause]:
    causes: list[Cause] = []
    if found.get(REQUIRED) is not None:
        causes += node_selector(found[REQUIRED], f"{path}.{REQUIRED}")
    for index, weighted in enumerate(found.get(PREFERRED) or ()):
        here = f"{path}.{PREFERRED}[{index}]"
        causes += _weight(weighted, here)
        causes += _node_term(weighted.get("preference") or {}, f"{here}.preference")
    return causes


def node_selector(found: Object, path: str) -> list[Cause]:
    terms = found.get("nodeSelectorTerms") or []
    if not terms:
        text = "must have at least one node selector term"
        return [required(f"{path}.nodeSelectorTerms", text)]
    causes: list[Cause] = []
    for index, term in enumerate(terms):
        causes += _node_term(term, f"{path}.nodeSelectorTerms[{index}]")
    return causes


def _node_term(term: Object, path: str) -> list[Cause]:
    causes: list[Cause] = []
    for index, rule in enumerate(term.get("matchExpressions") or ()):
        here = f"{path}.matchExpressions[{index}]"
        operator, values = rule.get("operator", ""), rule.get("values") or []
        if operator in ("In", "NotIn"):
            if not values:
                text = "must be specified when `operator` is 'In' or 'NotIn'"
                causes.append(required(f"{here}.values", text))
        elif operator in ("Exists", "DoesNotExist"):
            if values:
                text = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
                causes.append(forbidden_field(f"{here}.values", text))
        elif operator in ("Gt", "Lt"):
            if len(values) != 1:
                text = "must be specified single value when `operator` is 'Lt' or 'Gt'"
                causes.append(required(f"{here}.values", text))
        else:
            text = "not a valid selector operator"
            causes.append(invalid_value(f"{here}.operator", operator, text))
        causes += names.qualified(rule.get("key", ""), f"{here}.key")
    for index, rule in enumerate(term.get("matchFields") or ()):
        here = f"{path}.matchFields[{index}]"
        if rule.get("operator") not in ("In", "NotIn"):
            text = "not a valid selector operator"
            causes.append(invalid_value(f"{here}.operator", rule.get("operator", ""), text))
        elif len(rule.get("values") or ()) != 1:
            text = (
                "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
            )
            causes.append(required(f"{here}.values", text))
        if rule.get("key") != "metadata.name":
            text = "not a valid field selector key"
            causes.append(invalid_value(f"{here}.key", rule.get("key", ""), text))
    return causes


def _pod_term(term: Object, path: str) -> list[Cause]:
    causes: list[Cause] = []
    for field in ("labelSelector", "namespaceSelector"):
        if term.get(field):
            causes += check_label_selector(term[field], f"{path}.{field}")
    for index, namespace in enumerate(term.get("namespaces") or ()):
        texts = names.label(namespace)
        causes += [invalid_value(f"{path}.namespaces[{index}]", namespace, t) for t in texts]
    return causes + _topology_key(term.get("topologyKey", ""), f"{path}.topologyKey")


def _topology_key(key: str, path: str) -> list[Cause]:
    return names.qualified(key, path) if key else [required(path, "can not be empty")]


def spreading(constraints: Iterable[Object], path: str) -> list[Cause]:
    causes: list[Cause] = []
    seen: set[tuple[str, str]] = set()
    for index, found in enumerate(constraints):
        here = f"{path}[{index}]"
        skew, action = found.get("maxSkew", 0), found.get("whenUnsatisfiable", "")
        key = found.get("topologyKey", "")
        if skew <= 0:
            causes.append(invalid_value(f"{here}.maxSkew", skew, POSITIVE))
        causes += _topology_key(key, f"{here}.topologyKey")
        if action not in ACTIONS:
            causes.append(not_supported(f"{here}.whenUnsatisfiable", action, ACTIONS))
        if (key, action) in seen:
            text = f"{{{key}, {action}}}"
            causes.append(duplicate(f"{here}.{{topologyKey, whenUnsatisfiable}}", text))
        seen.add((key, action))
        causes += _domains(found, action, f"{here}.minDomains")
        for field in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
            if found.get(field) is not None and found[field] not in POLICIES:
                causes.append(not_supported(f"{here}.{field}", found[field], POLICIES))
        if found.get("labelSelector"):
            causes += check_label_selector(found["labelSelector"], f"{here}.labelSelector")
    return causes


def _domains(found: Object, action: str, path: str) -> list[Cause]:
    least = found.get("minDomains")
    if least is None:
        return []
    if least <= 0:
        return [invalid_value(path, least, POSITIVE)]
    if action != "DoNotSchedule":
        text = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}"
        return [invalid_value(path, least, text)]
    return []
