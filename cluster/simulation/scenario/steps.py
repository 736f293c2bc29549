"""What a step can do. Each is a function of a client and the step's body, and one line below."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from cluster.apiserver.patch import merge
from cluster.client import Client, Options, kinds
from cluster.client.client import resource_of
from cluster.machinery.clock import format_time
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object, deep_copy

RESTARTED = "kubectl.kubernetes.io/restartedAt"
Act = Callable[[Client, Any, float], None]
Check = Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class Action:
    """`check` returns a complaint about the body, or nothing."""

    act: Act
    check: Check


def _onto(change: Object, old: Object) -> Object:
    merged: Object = merge(old, change)
    return merged


def _apply(client: Client, objects: list[Object], now: float) -> None:
    for raw in objects:
        obj = deep_copy(raw)
        resource = resource_of(obj)
        meta = obj.setdefault("metadata", {})
        if resource.namespaced:
            meta.setdefault("namespace", "default")
        try:
            client.do_create(obj)
        except StatusError as error:
            if error.reason != "AlreadyExists":
                raise
            client.do_patch(resource, meta.get("namespace", ""), meta["name"], partial(_onto, obj))


def _target(body: Object) -> tuple[Any, str, str]:
    from cluster.simulation.scenario.claims import resource_of as by_kind

    resource = by_kind(str(body.get("kind") or ""))
    namespace = str(body.get("namespace") or "default") if resource.namespaced else ""
    return resource, namespace, str(body.get("name") or "")


def _delete(client: Client, body: Object, now: float) -> None:
    resource, namespace, name = _target(body)
    grace = body.get("grace")
    client.do_delete(resource, namespace, name, Options(grace=grace))


def _scale(client: Client, body: Object, now: float) -> None:
    resource, namespace, name = _target({"kind": "Deployment", **body})
    spec = {"spec": {"replicas": body["replicas"]}}
    client.do_patch(resource, namespace, name, lambda old: merge(old, spec))


def _patch(client: Client, body: Object, now: float) -> None:
    resource, namespace, name = _target(body)
    client.do_patch(resource, namespace, name, lambda old: merge(old, body["with"]))


def _fault(client: Client, body: Object, now: float) -> None:
    spec = {k: v for k, v in body.items() if k != "name"}
    client.do_create({"apiVersion": "orrery.sim/v1", "kind": "Fault",
                      "metadata": {"name": body["name"]}, "spec": spec})  # fmt: skip


def _repair(client: Client, body: str, now: float) -> None:
    client.do_delete(kinds.FAULTS, "", body)


def _cordon(client: Client, body: str, now: float) -> None:
    client.do_patch(kinds.NODES, "", body, lambda o: merge(o, {"spec": {"unschedulable": True}}))


def _uncordon(client: Client, body: str, now: float) -> None:
    client.do_patch(kinds.NODES, "", body, lambda o: merge(o, {"spec": {"unschedulable": None}}))


def _restart(client: Client, body: Object, now: float) -> None:
    resource, namespace, name = _target({"kind": "Deployment", **body})
    marks = {RESTARTED: format_time(now)}
    change = {"spec": {"template": {"metadata": {"annotations": marks}}}}
    client.do_patch(resource, namespace, name, lambda old: merge(old, change))


def _wait(client: Client, body: Any, now: float) -> None:
    """The runner lets the time pass."""


# ---- checks


def _objects(body: Any) -> str:
    if not isinstance(body, list):
        return "a list of objects is expected"
    for obj in body:
        if not isinstance(obj, dict) or "kind" not in obj or "apiVersion" not in obj:
            return "each object needs apiVersion and kind"
        try:
            resource_of(obj)
        except KeyError:
            return f"there is no {obj['kind']} in {obj['apiVersion']}"
        if not (obj.get("metadata") or {}).get("name"):
            return f"a {obj['kind']} needs metadata.name"
    return ""


def _needs(*fields: str) -> Check:
    def check(body: Any) -> str:
        if not isinstance(body, dict):
            return f"a mapping with {', '.join(fields)} is expected"
        missing = [f for f in fields if f not in body]
        if missing:
            return f"{missing[0]} is missing"
        try:
            _target({"kind": "Deployment", **body} if "type" not in body else {"kind": "Fault"})
        except ValueError as error:
            return str(error)
        return ""

    return check


def _text(body: Any) -> str:
    return "" if isinstance(body, str) and body else "a name is expected"


def _duration(body: Any) -> str:
    from cluster.simulation.scenario.model import seconds_of

    return "" if seconds_of(body) is not None else "a duration is expected, such as 90s or 5m"


ACTIONS: dict[str, Action] = {
    "apply": Action(_apply, _objects),
    "delete": Action(_delete, _needs("kind", "name")),
    "scale": Action(_scale, _needs("name", "replicas")),
    "patch": Action(_patch, _needs("kind", "name", "with")),
    "restart": Action(_restart, _needs("name")),
    "fault": Action(_fault, _needs("name", "type", "target")),
    "repair": Action(_repair, _text),
    "cordon": Action(_cordon, _text),
    "uncordon": Action(_uncordon, _text),
    "wait": Action(_wait, _duration),
}
