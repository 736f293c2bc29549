"""Whose names are whose: the conditions of a definition. Models controller/status."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cluster.machinery.meta import Object, set_condition

Names = dict[str, Any]
SINGLE = ("plural", "singular", "kind", "listKind")
ORDER = ("plural", "singular", "shortNames", "kind", "listKind", "categories")


def _used(group: str, others: Iterable[Object]) -> tuple[set[str], set[str]]:
    """(resource names, kinds) that other definitions of the group hold."""
    resources: set[str] = set()
    kinds: set[str] = set()
    for crd in others:
        if crd["spec"]["group"] == group:
            names = (crd.get("status") or {}).get("acceptedNames") or {}
            resources.update((names.get("plural", ""), names.get("singular", "")))
            resources.update(names.get("shortNames") or ())
            kinds.update((names.get("kind", ""), names.get("listKind", "")))
    return resources, kinds


def status(crd: Object, others: Iterable[Object], now: float) -> Object:
    """The status that follows from the spec and from what others hold; established at once, as
    every reader of the log serves it from this revision on."""
    old: Object = crd.get("status") or {}
    wanted, accepted = crd["spec"]["names"], dict(old.get("acceptedNames") or {})
    resources, kinds = _used(crd["spec"]["group"], others)
    reason, message = "", ""

    def fresh(name: str, have: str, used: set[str]) -> str:
        return f'"{name}" is already in use' if name != have and name in used else ""

    for field in ORDER:
        used = kinds if field in ("kind", "listKind") else resources
        if field == "categories":
            found = ""
        elif field == "shortNames":
            mine = accepted.get(field) or ()
            texts = [fresh(n, "", used) for n in wanted.get(field) or () if n not in mine]
            conflicts = [t for t in texts if t]
            found = conflicts[0] if len(conflicts) == 1 else ", ".join(conflicts)
            found = f"[{found}]" if len(conflicts) > 1 else found
        else:
            found = fresh(wanted.get(field, ""), accepted.get(field, ""), used)
        if found:
            reason, message = f"{field[0].upper()}{field[1:]}Conflict", found
        elif wanted.get(field):
            accepted[field] = wanted[field]
        else:
            accepted.pop(field, None)
    for field in SINGLE:
        accepted.setdefault(field, "")
    return {
        **old,
        "acceptedNames": {k: accepted[k] for k in sorted(accepted)},
        "conditions": _conditions(crd, old, reason, message, now),
    }


def _conditions(
    crd: Object, old: Object, reason: str, message: str, now: float
) -> list[dict[str, Any]]:
    conditions = list(old.get("conditions") or ())
    named = {
        "type": "NamesAccepted",
        "status": "False" if reason else "True",
        "reason": reason or "NoConflicts",
        "message": message or "no conflicts found",
    }
    conditions = set_condition(conditions, named, now)
    established = next((c for c in conditions if c["type"] == "Established"), None)
    if established is None or established["status"] != "True":
        new = {
            "type": "Established",
            "status": "False" if reason else "True",
            "reason": "NotAccepted" if reason else "InitialNamesAccepted",
            "message": "not all names are accepted"
            if reason
            else "the initial names have been accepted",
        }
        conditions = set_condition(conditions, new, now)
    return _with_approval(crd, conditions, now)


def _with_approval(crd: Object, conditions: list[Object], now: float) -> list[Object]:
    """Models controller/apiapproval: *.k8s.io is the community's."""
    if not protected(crd["spec"]["group"]):
        return conditions
    text = (crd["metadata"].get("annotations") or {}).get(APPROVAL, "")
    if text.startswith("unapproved"):
        new = {
            "status": "False",
            "reason": "UnapprovedAnnotation",
            "message": f'not approved: "{text}"',
        }
    else:
        new = {"status": "True", "reason": "ApprovedAnnotation", "message": f"approved in {text}"}
    return set_condition(conditions, {"type": "KubernetesAPIApprovalPolicyConformant", **new}, now)


APPROVAL = "api-approved.kubernetes.io"


def protected(group: str) -> bool:
    return group.endswith((".k8s.io", ".kubernetes.io")) or group in ("k8s.io", "kubernetes.io")


def terminating(crd: Object, now: float, done: bool = False) -> Object:
    """The status of a definition that is being deleted."""
    new = {
        "type": "Terminating",
        "status": "False" if done else "True",
        "reason": "InstanceDeletionCompleted" if done else "InstanceDeletionInProgress",
        "message": "removed all instances" if done else "CustomResource deletion is in progress",
    }
    old = crd.get("status") or {}
    return {**old, "conditions": set_condition(old.get("conditions") or [], new, now)}
