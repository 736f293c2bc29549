"""LimitRanges and ResourceQuotas. Models pkg/apis/core (defaults, validation)."""

from __future__ import annotations

from typing import Any

from cluster.apiserver.kinds import names
from cluster.apiserver.kinds.amounts import not_less_than_zero, resource_amount
from cluster.apiserver.kinds.base import Kind, WithStatus
from cluster.apiserver.kinds.podspec import canonical_amounts
from cluster.apiserver.strategy import Context
from cluster.machinery import quantity, selectors
from cluster.machinery.errors import (
    Cause,
    duplicate,
    forbidden_field,
    invalid_value,
    required,
)
from cluster.machinery.meta import Object

QUOTA_NAMES = frozenset(
    (
        "cpu", "memory", "ephemeral-storage", "storage", "requests.cpu", "requests.memory",
        "requests.storage", "requests.ephemeral-storage", "limits.cpu", "limits.memory",
        "limits.ephemeral-storage", "pods", "resourcequotas", "services",
        "replicationcontrollers", "secrets", "persistentvolumeclaims", "configmaps",
        "services.nodeports", "services.loadbalancers",
    )
)  # fmt: skip
CLASS_SUFFIX = ".storageclass.storage.k8s.io/"
SCOPES = ("BestEffort", "CrossNamespacePodAffinity", "NotBestEffort", "NotTerminating",
          "PriorityClass", "Terminating", "VolumeAttributesClass")  # fmt: skip
OPERATORS = ("DoesNotExist", "Exists", "In", "NotIn")
QUALIFIED = "must be a standard resource for quotas"


def check_quota_name(name: str, path: str) -> list[Cause]:
    """Models ValidateResourceQuotaResourceName."""
    if not selectors.is_label_key(name):
        return [invalid_value(path, name, selectors.NAME_FORMAT)]
    standard = name in QUOTA_NAMES or name.removeprefix("requests.").startswith("hugepages-")
    return [] if "/" in name or standard else [invalid_value(path, name, QUALIFIED)]


class ResourceQuotas(WithStatus):
    tracks_generation = False

    def default(self, obj: Object) -> None:
        canonical_amounts({"requests": obj.setdefault("spec", {}).get("hard")})

    def prepare_for_create(self, ctx: Context, obj: Object) -> None:
        obj["status"] = {}

    def check(self, obj: Object) -> list[Cause]:
        spec = obj["spec"]
        causes: list[Cause] = []
        for name, amount in (spec.get("hard") or {}).items():
            path = f"spec.hard[{name}]"
            causes += check_quota_name(name, path) + resource_amount(name, amount, path)
        causes += _check_scopes(spec.get("scopes") or [])
        for index, term in enumerate(
            (spec.get("scopeSelector") or {}).get("matchExpressions") or ()
        ):
            causes += _check_scope_term(term, f"spec.scopeSelector.matchExpressions[{index}]")
        return causes

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        return self.check(new) + names.immutable(new, old, "spec.scopes")


def _check_scopes(scopes: list[str]) -> list[Cause]:
    causes = [
        invalid_value("spec.scopes", scopes, "unsupported scope") for s in scopes if s not in SCOPES
    ]
    for one, other in (("BestEffort", "NotBestEffort"), ("Terminating", "NotTerminating")):
        if one in scopes and other in scopes:
            causes.append(invalid_value("spec.scopes", scopes, "conflicting scopes"))
    return causes


def _check_scope_term(term: Object, path: str) -> list[Cause]:
    causes: list[Cause] = []
    scope, operator, values = term.get("scopeName"), term.get("operator"), term.get("values") or []
    if scope not in SCOPES:
        causes.append(invalid_value(f"{path}.scopeName", scope, "unsupported scope"))
    fixed = ("BestEffort", "NotBestEffort", "Terminating", "NotTerminating",
             "CrossNamespacePodAffinity")  # fmt: skip
    if scope in fixed and operator != "Exists":
        text = (
            "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, "
            "ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, "
            "ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"
        )
        causes.append(invalid_value(f"{path}.operator", operator, text))
    if operator in ("In", "NotIn") and not values:
        text = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
        causes.append(required(f"{path}.values", text))
    elif operator in ("Exists", "DoesNotExist") and values:
        text = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
        causes.append(invalid_value(f"{path}.values", values, text))
    elif operator not in OPERATORS:
        causes.append(invalid_value(f"{path}.operator", operator, "not a valid selector operator"))
    return causes


AMOUNTS = ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio")
TYPES = ("Container", "PersistentVolumeClaim", "Pod")


class LimitRanges(Kind):
    def default(self, obj: Object) -> None:
        for item in obj.setdefault("spec", {}).get("limits") or ():
            for field in AMOUNTS:
                canonical_amounts({"requests": item.get(field)})
            if item.get("type") == "Container":
                _fill(item)

    def check(self, obj: Object) -> list[Cause]:
        causes: list[Cause] = []
        seen: set[str] = set()
        for index, item in enumerate(obj["spec"].get("limits") or ()):
            path, kind = f"spec.limits[{index}]", item.get("type", "")
            if not kind:
                causes.append(required(f"{path}.type"))
            elif kind not in TYPES and "/" not in kind:
                text = "must be a standard limit type or fully qualified"
                causes.append(invalid_value(f"{path}.type", kind, text))
            if kind in seen:
                causes.append(duplicate(f"{path}.type", kind))
            seen.add(kind)
            causes += _check_item(item, path)
        return causes


def _fill(item: Object) -> None:
    """Models SetDefaults_LimitRangeItem: a limit from the maximum, a request from the limit."""
    default = item.setdefault("default", {})
    for name, amount in (item.get("max") or {}).items():
        default.setdefault(name, amount)
    request = item.setdefault("defaultRequest", {})
    for source in (default, item.get("min") or {}):
        for name, amount in source.items():
            request.setdefault(name, amount)
    for field in ("default", "defaultRequest"):
        if not item[field]:
            del item[field]


def _check_item(item: Object, path: str) -> list[Cause]:
    causes: list[Cause] = []
    kind = item.get("type")
    if kind == "Pod":
        for field in ("default", "defaultRequest"):
            if item.get(field):
                text = "may not be specified when `type` is 'Pod'"
                causes.append(forbidden_field(f"{path}.{field}", text))
    for field in AMOUNTS:
        for name, amount in (item.get(field) or {}).items():
            causes += not_less_than_zero(amount, f"{path}.{field}[{name}]")
    bounds = {*(item.get("min") or ()), *(item.get("max") or ())}
    if kind == "PersistentVolumeClaim" and "storage" not in bounds:
        text = "either minimum or maximum storage value is required, but neither was provided"
        causes.append(required(f"{path}.limits", text))
    if causes:
        return causes
    resources = {n: None for f in AMOUNTS for n in item.get(f) or ()}
    for name in resources:
        causes += _check_order(item, name, path)
    return causes


def _check_order(item: Object, name: str, path: str) -> list[Cause]:
    """min <= defaultRequest <= default <= max, as far as they are given."""
    given = {f: item[f][name] for f in AMOUNTS if name in (item.get(f) or {})}
    causes: list[Cause] = []

    def order(low: str, high: str, shown: str, word: str, bad: str) -> None:
        if low in given and high in given and _number(given[low]) > _number(given[high]):
            text = f"{_words(low)} value {given[low]} is greater than {word} value {given[high]}"
            causes.append(invalid_value(f"{path}.{shown}[{name}]", str(given[bad]), text))

    order("min", "max", "min", "max", "min")
    order("min", "defaultRequest", "defaultRequest", "default request", "defaultRequest")
    order("defaultRequest", "max", "defaultRequest", "max", "defaultRequest")
    order("defaultRequest", "default", "defaultRequest", "default limit", "defaultRequest")
    order("min", "default", "default", "default", "min")
    order("default", "max", "default", "max", "max")
    ratio = given.get("maxLimitRequestRatio")
    if ratio is not None and _number(ratio) < 1:
        text = f"ratio {ratio} is less than 1"
        causes.append(invalid_value(f"{path}.maxLimitRequestRatio[{name}]", str(ratio), text))
    return causes


def _words(field: str) -> str:
    return {"defaultRequest": "default request"}.get(field, field)


def _number(amount: Any) -> Any:
    return quantity.parse(str(amount))
