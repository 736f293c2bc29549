"""What components may know of CustomResourceDefinitions."""

from __future__ import annotations

from cluster.apiserver.custom.crds import CLEANUP
from cluster.apiserver.custom.naming import status, terminating
from cluster.machinery.meta import Object


def names_accepted(crd: Object) -> bool:
    conditions = (crd.get("status") or {}).get("conditions") or ()
    return any(c["type"] == "NamesAccepted" and c["status"] == "True" for c in conditions)


__all__ = ["CLEANUP", "names_accepted", "status", "terminating"]
