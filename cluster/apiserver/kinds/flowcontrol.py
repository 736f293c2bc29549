"""Flow schemas and priority levels. Models pkg/apis/flowcontrol.

They are stored and shown as upstream; requests are not queued by them.
"""

from __future__ import annotations

from cluster.apiserver.kinds import names
from cluster.apiserver.kinds.base import WithStatus
from cluster.apiserver.resources import PRIORITY_LEVELS
from cluster.apiserver.strategy import Context
from cluster.machinery.clock import format_time
from cluster.machinery.errors import Cause, forbidden_field, invalid_value, not_supported, required
from cluster.machinery.meta import Object

METHODS = ("ByNamespace", "ByUser")
TYPES = ("Exempt", "Limited")
KINDS = ("Group", "ServiceAccount", "User")
LIMITED = {
    "nominalConcurrencyShares": 30,
    "lendablePercent": 0,
}
QUEUING = {"queues": 64, "handSize": 8, "queueLengthLimit": 50}


class FlowSchemas(WithStatus):
    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        spec.setdefault("matchingPrecedence", 1000)

    def prepare_for_create(self, ctx: Context, obj: Object) -> None:
        """Its controller looks whether the priority level exists."""
        super().prepare_for_create(ctx, obj)
        name = (obj["spec"].get("priorityLevelConfiguration") or {}).get("name", "")
        there = ctx.lookup.find(PRIORITY_LEVELS, "", name) is not None
        dangling = {
            "type": "Dangling",
            "status": "False" if there else "True",
            "lastTransitionTime": format_time(ctx.now),
            "reason": "Found" if there else "NotFound",
            "message": (
                "This FlowSchema references the PriorityLevelConfiguration object named "
                f'"{name}" and it exists'
            )
            if there
            else (
                f'This FlowSchema references the PriorityLevelConfiguration object named "{name}" '
                "but there is no such object"
            ),
        }
        obj["status"] = {"conditions": [dangling]}

    def check(self, obj: Object) -> list[Cause]:
        spec = obj["spec"]
        causes: list[Cause] = []
        name = (spec.get("priorityLevelConfiguration") or {}).get("name", "")
        precedence = spec["matchingPrecedence"]
        if not 0 < precedence <= 10000:
            text = "must be a value between 1 and 10000, inclusive"
            causes.append(invalid_value("spec.matchingPrecedence", precedence, text))
        if precedence == 1 and obj["metadata"].get("name") != "exempt":
            text = "only the schema named 'exempt' may have matchingPrecedence 1"
            causes.append(invalid_value("spec.matchingPrecedence", precedence, text))
        method = (spec.get("distinguisherMethod") or {}).get("type")
        if spec.get("distinguisherMethod") and method not in METHODS:
            causes.append(not_supported("spec.distinguisherMethod.type", method, METHODS))
        path = "spec.priorityLevelConfiguration.name"
        if not name:
            causes.append(required(path, "must reference a priority level"))
        else:
            causes += [invalid_value(path, name, t) for t in names.subdomain(name)]
        for index, rule in enumerate(spec.get("rules") or ()):
            causes += _check_rule(rule, f"spec.rules[{index}]")
        return causes


def _check_rule(rule: Object, path: str) -> list[Cause]:
    causes: list[Cause] = []
    if not rule.get("subjects"):
        text = "subjects must contain at least one value"
        causes.append(required(f"{path}.subjects", text))
    for index, subject in enumerate(rule.get("subjects") or ()):
        if subject.get("kind") not in KINDS:
            here = f"{path}.subjects[{index}].kind"
            causes.append(not_supported(here, subject.get("kind", ""), KINDS))
    if not rule.get("resourceRules") and not rule.get("nonResourceRules"):
        text = "at least one of resourceRules and nonResourceRules has to be non-empty"
        causes.append(required(path, text))
    return causes


class PriorityLevelConfigurations(WithStatus):
    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        if spec.get("type") == "Exempt":
            exempt = spec.setdefault("exempt", {})
            exempt.setdefault("nominalConcurrencyShares", 0)
            exempt.setdefault("lendablePercent", 0)
        limited = spec.get("limited")
        if limited is not None:
            for field, value in LIMITED.items():
                limited.setdefault(field, value)
            queuing = (limited.get("limitResponse") or {}).get("queuing")
            if queuing is not None:
                for field, value in QUEUING.items():
                    queuing.setdefault(field, value)

    def check(self, obj: Object) -> list[Cause]:
        spec = obj["spec"]
        kind, limited = spec.get("type", ""), spec.get("limited")
        if kind == "Exempt":
            if limited is not None:
                text = "must be nil if the type is not Limited"
                return [forbidden_field("spec.limited", text)]
            return []
        if kind != "Limited":
            return [not_supported("spec.type", kind, TYPES)]
        if limited is None:
            return [required("spec.limited", "must not be empty when type is Limited")]
        causes: list[Cause] = []
        if limited["nominalConcurrencyShares"] < 0:
            path, text = "spec.limited.nominalConcurrencyShares", "must be a non-negative integer"
            causes.append(invalid_value(path, limited["nominalConcurrencyShares"], text))
        return causes + _check_response(limited.get("limitResponse") or {})


def _check_response(response: Object) -> list[Cause]:
    path, kind = "spec.limited.limitResponse", response.get("type", "")
    queuing = response.get("queuing")
    if kind == "Reject":
        text = "must be nil if limited.limitResponse.type is not Limited"
        return [forbidden_field(f"{path}.queuing", text)] if queuing is not None else []
    if kind != "Queue":
        return [not_supported(f"{path}.type", kind, ("Queue", "Reject"))]
    if queuing is None:
        text = "must not be empty if limited.limitResponse.type is Limited"
        return [required(f"{path}.queuing", text)]
    causes: list[Cause] = []
    for field in ("queueLengthLimit", "queues", "handSize"):
        if queuing[field] <= 0:
            text = "must be positive"
            causes.append(invalid_value(f"{path}.queuing.{field}", queuing[field], text))
    if queuing["handSize"] > queuing["queues"]:
        text = f"should not be greater than queues ({queuing['queues']})"
        causes.append(invalid_value(f"{path}.queuing.handSize", queuing["handSize"], text))
    return causes
