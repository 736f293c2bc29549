"""Deployments, ReplicaSets, DaemonSets and Jobs."""

from __future__ import annotations

from cluster.client import Client, kinds
from cluster.machinery.meta import Object, annotations_of, is_controlled_by
from dashboard.details.base import (
    Detail,
    Fact,
    Section,
    common_facts,
    conditions,
    drawer_path,
    labels_sections,
)
from dashboard.projection.workloads import PROGRESS, REVISION


def workload(client: Client, obj: Object) -> Detail:
    ready, desired, updated, status, tone = PROGRESS[obj["kind"]](obj)
    if obj["metadata"].get("deletionTimestamp"):
        status, tone = "Terminating", "term"
    spec = obj.get("spec") or {}
    word = "Succeeded" if obj["kind"] == "Job" else "Ready"
    facts = [
        Fact(word, f"{ready} of {desired}"),
        *_special(obj, updated),
        Fact("Selector", _selector(spec.get("selector")), mono=True),
        *common_facts(obj),
    ]
    containers = ((spec.get("template") or {}).get("spec") or {}).get("containers") or ()
    images = [(c["name"], c.get("image", "")) for c in containers]
    sections = [Section("pairs", "Images", images)]
    if obj["kind"] == "Deployment":
        sections += _revisions(client, obj)
    good = ("Failed", "FailureTarget", "ReplicaFailure")
    sections += conditions(obj, good) + labels_sections(obj)
    pods = f"owner={obj['metadata']['namespace']}/{obj['kind']}/{obj['metadata']['name']}"
    return Detail(tone, status, facts, "", sections, pods)


def _special(obj: Object, updated: int) -> list[Fact]:
    spec = obj.get("spec") or {}
    if obj["kind"] == "Deployment":
        strategy = spec.get("strategy") or {}
        rolling = strategy.get("rollingUpdate") or {}
        more = ", ".join(f"{k} {v}" for k, v in rolling.items())
        return [
            Fact("Updated", str(updated)),
            Fact(
                "Strategy", strategy.get("type", "RollingUpdate") + (f" ({more})" if more else "")
            ),
        ]
    if obj["kind"] == "DaemonSet":
        return [Fact("Updated", str(updated))]
    if obj["kind"] == "Job":
        status = obj.get("status") or {}
        return [
            Fact("Active", str(status.get("active", 0))),
            Fact("Failed", str(status.get("failed", 0))),
            Fact("Parallelism", str(spec.get("parallelism", 1))),
        ]
    return []


def _selector(selector: Object | None) -> str:
    pairs = ((selector or {}).get("matchLabels") or {}).items()
    return ",".join(f"{k}={v}" for k, v in pairs) or "—"


def _revisions(client: Client, deployment: Object) -> list[Section]:
    """The ReplicaSets behind a Deployment, newest first."""
    namespace = deployment["metadata"]["namespace"]
    found = [
        rs for rs in client.list(kinds.REPLICA_SETS, namespace) if is_controlled_by(rs, deployment)
    ]
    rows = [_revision(rs) for rs in found]
    rows.sort(key=lambda r: int(r["revision"] or 0), reverse=True)
    return [Section("revisions", "Revisions", rows)] if rows else []


def _revision(rs: Object) -> Object:
    meta, spec, status = rs["metadata"], rs.get("spec") or {}, rs.get("status") or {}
    containers = ((spec.get("template") or {}).get("spec") or {}).get("containers") or ()
    return {
        "revision": annotations_of(rs).get(REVISION, ""),
        "name": meta["name"],
        "link": drawer_path("apps/v1", "ReplicaSet", meta["namespace"], meta["name"]),
        "images": ", ".join(c.get("image", "") for c in containers),
        "ready": status.get("readyReplicas", 0),
        "desired": spec.get("replicas", 0),
    }
