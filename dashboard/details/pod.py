"""A pod: where it runs, its containers, why it does not run."""

from __future__ import annotations

from cluster.client import Client, kinds
from cluster.machinery.clock import parse_time
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object
from dashboard.details.base import (
    Detail,
    Fact,
    Section,
    common_facts,
    conditions,
    labels_sections,
)
from dashboard.projection.pods import why_not_running
from dashboard.projection.podstate import FAILING, summarise


def pod(client: Client, obj: Object) -> Detail:
    summary, status, spec = summarise(obj), obj.get("status") or {}, obj["spec"]
    node = spec.get("nodeName", "")
    facts = [
        Fact("Node", node or "not scheduled", link=f"nodes/-/{node}" if node else ""),
        Fact("Pod IP", status.get("podIP") or "—", mono=True),
        Fact("Ready", f"{summary.ready} of {summary.containers} containers"),
        Fact("Restarts", str(summary.restarts)),
        Fact("QoS class", status.get("qosClass") or "—"),
        Fact("Service account", spec.get("serviceAccountName") or "—"),
        *common_facts(obj),
    ]
    sections = _containers(obj) + _decision(client, obj) + conditions(obj)
    if tolerations := spec.get("tolerations"):
        sections.append(Section("list", "Tolerations", [_toleration(t) for t in tolerations]))
    return Detail(
        summary.state,
        summary.status,
        facts,
        "" if summary.state in ("run", "done") else why_not_running(status),
        sections + labels_sections(obj),
    )


def _decision(client: Client, obj: Object) -> list[Section]:
    """What the scheduler made of it in its last attempt; for an hour."""
    meta = obj["metadata"]
    try:
        found = client.get(kinds.SCHEDULING_DECISIONS, meta["namespace"], meta["name"])
    except StatusError:
        return []
    if (found.get("spec") or {}).get("podUID") != meta["uid"]:
        return []
    status = found["status"]
    last = status["attempts"][-1]
    lines = [status["message"]]
    lines += [f"{b['node']}: {b['score']} points" for b in last.get("best", ())]
    title = "Why here" if status["node"] else f"Why nowhere (attempt {last['attempt']})"
    return [Section("list", title, lines)]


def _containers(obj: Object) -> list[Section]:
    spec, status = obj["spec"], obj.get("status") or {}
    out = []
    for field, title, statuses in (
        ("initContainers", "Init containers", "initContainerStatuses"),
        ("containers", "Containers", "containerStatuses"),
    ):
        by_name = {s["name"]: s for s in status.get(statuses) or ()}
        rows = [_container(c, by_name.get(c["name"], {})) for c in spec.get(field) or ()]
        if rows:
            out.append(Section("containers", title, rows))
    return out


def _container(spec: Object, status: Object) -> Object:
    tone, text, stamp = _container_state(status)
    last = (status.get("lastState") or {}).get("terminated")
    resources = spec.get("resources") or {}
    return {
        "name": spec["name"],
        "image": spec.get("image", ""),
        "tone": tone,
        "status": text,
        "moment": int(parse_time(stamp)) if stamp else None,
        "restarts": status.get("restartCount", 0),
        "command": " ".join([*(spec.get("command") or ()), *(spec.get("args") or ())]),
        "ports": [
            f"{p['containerPort']}/{p.get('protocol', 'TCP')}" for p in spec.get("ports", ())
        ],
        "requests": _amounts(resources.get("requests")),
        "limits": _amounts(resources.get("limits")),
        "last": f"{last.get('reason', '')} (exit {last.get('exitCode', 0)})" if last else "",
        "id": status.get("containerID", ""),
    }


def _container_state(status: Object) -> tuple[str, str, str | None]:
    state = status.get("state") or {}
    if running := state.get("running"):
        return ("run" if status.get("ready") else "wait"), "Running", running.get("startedAt")
    if ended := state.get("terminated"):
        tone = "done" if ended.get("exitCode", 0) == 0 else "fail"
        text = f"{ended.get('reason', 'Terminated')} (exit {ended.get('exitCode', 0)})"
        return tone, text, ended.get("finishedAt")
    reason = (state.get("waiting") or {}).get("reason", "Waiting")
    return ("fail" if reason in FAILING else "pend"), reason, None


def _amounts(amounts: Object | None) -> str:
    return ", ".join(f"{k} {v}" for k, v in (amounts or {}).items())


def _toleration(toleration: Object) -> str:
    """As kubectl describe prints it."""
    text = toleration.get("key", "")
    if toleration.get("value"):
        text += f"={toleration['value']}"
    if toleration.get("effect"):
        text += f":{toleration['effect']}"
    if toleration.get("operator") == "Exists" and not toleration.get("value"):
        text += " op=Exists"
    if toleration.get("tolerationSeconds") is not None:
        text += f" for {toleration['tolerationSeconds']}s"
    return text.strip()
