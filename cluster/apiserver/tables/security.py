"""Rows of role bindings and certificate signing requests."""

from __future__ import annotations

from typing import Any

from cluster.apiserver.tables.formats import NONE, age, human_duration
from cluster.machinery.meta import Object, name_of


def binding(obj: Object, now: float) -> list[Any]:
    ref = obj.get("roleRef") or {}
    found: dict[str, list[str]] = {"User": [], "Group": [], "ServiceAccount": []}
    for subject in obj.get("subjects") or ():
        name = subject.get("name", "")
        if subject.get("kind") == "ServiceAccount":
            name = f"{subject.get('namespace', '')}/{name}"
        found.setdefault(subject.get("kind", ""), []).append(name)
    who = [", ".join(found[kind]) for kind in ("User", "Group", "ServiceAccount")]
    return [name_of(obj), f"{ref.get('kind', '')}/{ref.get('name', '')}", age(obj, now), *who]


def signing_request(obj: Object, now: float) -> list[Any]:
    spec = obj.get("spec") or {}
    seconds = spec.get("expirationSeconds")
    return [
        name_of(obj),
        age(obj, now),
        spec.get("signerName") or NONE,
        spec.get("username", ""),
        NONE if seconds is None else human_duration(seconds),
        _state(obj.get("status") or {}),
    ]


def _state(status: Object) -> str:
    """Models extractCSRStatus."""
    types = {c.get("type") for c in status.get("conditions") or ()}
    shown = next((t for t in ("Denied", "Approved") if t in types), "Pending")
    if "Failed" in types:
        shown += ",Failed"
    return f"{shown},Issued" if status.get("certificate") else shown
