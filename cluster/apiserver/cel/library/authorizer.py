"""authorizer.group("apps").resource("deployments").check("create").allowed().

The variable is a map that collects what is asked about; `ASK` is set for the time of one
evaluation by whoever knows the authorizer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cluster.apiserver.cel.asking import ASK, MARK
from cluster.apiserver.cel.library.signature import BOOL, MAP, STRING, Signature


def _with(name: str) -> Callable[..., Any]:
    return lambda found, value: {**found, name: value}


def _service_account(found: dict[str, Any], namespace: str, name: str) -> Any:
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}"]
    who = f"system:serviceaccount:{namespace}:{name}"
    return {**found, "user": {"name": who, "groups": [*groups, "system:authenticated"]}}


def _check(found: dict[str, Any], verb: str) -> Any:
    ask = ASK.get()
    if ask is None:
        raise ValueError("no authorizer")
    allowed, reason = ask({**found, "verb": verb})
    return {MARK: "decision", "allowed": allowed, "reason": reason}


SIGNATURES = (
    Signature("path", (MAP, STRING), MAP, _with("path")),
    Signature("group", (MAP, STRING), MAP, _with("group")),
    Signature("resource", (MAP, STRING), MAP, _with("resource")),
    Signature("subresource", (MAP, STRING), MAP, _with("subresource")),
    Signature("namespace", (MAP, STRING), MAP, _with("namespace")),
    Signature("name", (MAP, STRING), MAP, _with("name")),
    Signature("serviceAccount", (MAP, STRING, STRING), MAP, _service_account),
    Signature("check", (MAP, STRING), MAP, _check),
    Signature("allowed", (MAP,), BOOL, lambda found: bool(found["allowed"])),
    Signature("reason", (MAP,), STRING, lambda found: str(found["reason"])),
    Signature("errored", (MAP,), BOOL, lambda found: False),
    Signature("error", (MAP,), STRING, lambda found: ""),
)
