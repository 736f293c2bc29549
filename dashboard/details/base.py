"""The drawer's vocabulary, and the detail of a kind that has none of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from cluster.client import Client, kinds
from cluster.machinery.clock import parse_time
from cluster.machinery.meta import Object, annotations_of, labels_of, uid_of


@dataclass(frozen=True, slots=True)
class Fact:
    """`moment` is a cluster-time second that the page shows as an age; `link` a drawer path."""

    label: str
    text: str = ""
    moment: int | None = None
    link: str = ""
    mono: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    label: str
    used: float
    limit: float
    text: str


@dataclass(slots=True)
class Section:
    """`template` names a file in templates/dashboard/sections/; `content` is what it draws."""

    template: str
    title: str
    content: Any


@dataclass(slots=True)
class Detail:
    """`tone` is one of the page's pod states; `pods` says which pods belong to it, e.g.
    `node=minikube`, for the list that the page keeps live."""

    tone: str
    status: str
    facts: list[Fact]
    why: str = ""
    sections: list[Section] = field(default_factory=list)
    pods: str = ""


def generic(_: Client, obj: Object) -> Detail:
    return Detail("", "", common_facts(obj), sections=labels_sections(obj))


def age(label: str, stamp: str | None) -> Fact:
    return Fact(label, moment=int(parse_time(stamp)) if stamp else None, text="" if stamp else "—")


def common_facts(obj: Object) -> list[Fact]:
    meta = obj["metadata"]
    facts = []
    for ref in meta.get("ownerReferences") or ():
        path = drawer_path(ref["apiVersion"], ref["kind"], meta.get("namespace", ""), ref["name"])
        facts.append(Fact("Controlled by", f"{ref['kind']}/{ref['name']}", link=path))
    facts.append(age("Created", meta.get("creationTimestamp")))
    if meta.get("deletionTimestamp"):
        facts.append(age("Deletion due", meta["deletionTimestamp"]))
    return facts


def labels_sections(obj: Object) -> list[Section]:
    out = []
    if labels := labels_of(obj):
        out.append(Section("pairs", "Labels", list(labels.items())))
    if annotations := annotations_of(obj):
        out.append(Section("pairs", "Annotations", list(annotations.items())))
    return out


def conditions(obj: Object, good_when_false: Iterable[str] = ()) -> list[Section]:
    found = (obj.get("status") or {}).get("conditions") or ()
    rows = []
    for each in found:
        wanted = "False" if each.get("type") in set(good_when_false) else "True"
        tone = "run" if each.get("status") == wanted else "wait"
        if each.get("status") == "Unknown":
            tone = "lost"
        stamp = each.get("lastTransitionTime")
        rows.append({**each, "tone": tone, "moment": int(parse_time(stamp)) if stamp else None})
    return [Section("conditions", "Conditions", rows)] if rows else []


def drawer_path(api_version: str, kind: str, namespace: str, name: str) -> str:
    """The object's place in the drawer, as the page's address names it; empty if unknown."""
    for resource in kinds.RESOURCES.values():
        if resource.kind == kind and resource.api_version == api_version:
            return f"{resource.id}/{(namespace if resource.namespaced else '') or '-'}/{name}"
    return ""


def events_of(client: Client, obj: Object) -> list[Object]:
    """Events about the object, newest first."""
    namespace = obj["metadata"].get("namespace") or "default"
    name, kind, uid = obj["metadata"]["name"], obj["kind"], uid_of(obj)
    found = []
    for event in client.list(kinds.EVENTS, namespace):
        about = event.get("involvedObject") or {}
        if about.get("name") != name or about.get("kind") != kind:
            continue
        # Events about a node carry its name as UID, as upstream's kubelet writes them.
        if about.get("uid") in (uid, name, None, ""):
            found.append(event)
    return sorted((_shown(e) for e in found), key=lambda e: e["moment"], reverse=True)


def _shown(event: Object) -> Object:
    stamp = event.get("lastTimestamp") or event.get("eventTime")
    stamp = stamp or event["metadata"]["creationTimestamp"]
    source = (event.get("source") or {}).get("component") or event.get("reportingComponent", "")
    return {
        "type": event.get("type", "Normal"),
        "reason": event.get("reason", ""),
        "message": event.get("message", ""),
        "count": event.get("count") or 1,
        "source": source,
        "moment": int(parse_time(stamp)),
    }
