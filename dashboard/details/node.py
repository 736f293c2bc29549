"""A node: what it has, what is asked of it, what is wrong with it."""

from __future__ import annotations

from cluster.client import Client
from cluster.machinery import quantity
from cluster.machinery.meta import Object, condition
from dashboard.actions.nodes import faults_of
from dashboard.details.base import (
    Detail,
    Fact,
    Section,
    common_facts,
    conditions,
    labels_sections,
)
from dashboard.projection.nodes import internal_ip, role, taint_text

PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")


def node(client: Client, obj: Object) -> Detail:
    spec, status, name = obj.get("spec") or {}, obj.get("status") or {}, obj["metadata"]["name"]
    info = status.get("nodeInfo") or {}
    ready = condition(status.get("conditions"), "Ready") or {}
    faults = faults_of(client, name)
    facts = [
        Fact("Role", role(obj) or "worker"),
        Fact("Internal IP", internal_ip(status) or "—", mono=True),
        Fact("Pod CIDR", spec.get("podCIDR") or "—", mono=True),
        Fact("Kubelet", info.get("kubeletVersion") or "—", mono=True),
        Fact("Runtime", info.get("containerRuntimeVersion") or "—", mono=True),
        Fact("OS image", info.get("osImage") or "—"),
        Fact("Scheduling", "disabled (cordoned)" if spec.get("unschedulable") else "enabled"),
        *[Fact("Fault", f["metadata"]["name"], link=f"faults.orrery.sim/-/{f['metadata']['name']}")
          for f in faults],
        *common_facts(obj),
    ]  # fmt: skip
    sections = _room(status)
    if taints := spec.get("taints"):
        sections.append(Section("list", "Taints", [taint_text(t) for t in taints]))
    sections += conditions(obj, PRESSURES)
    tone, text = _state(ready, bool(faults))
    why = "" if ready.get("status") == "True" else ready.get("message", "")
    return Detail(tone, text, facts, why, sections + labels_sections(obj), f"node={name}")


def _state(ready: Object, off: bool) -> tuple[str, str]:
    word = {"True": "Ready", "False": "NotReady"}.get(ready.get("status", ""), "Unknown")
    tone = {"True": "run", "False": "wait"}.get(ready.get("status", ""), "lost")
    return (tone if word != "Ready" or not off else "wait"), word + (" · power off" if off else "")


def _room(status: Object) -> list[Section]:
    room = status.get("allocatable") or status.get("capacity") or {}
    if not room:
        return []
    facts = [
        ("CPU", f"{quantity.milli(room.get('cpu', 0)) / 1000:g} cores"),
        ("Memory", f"{quantity.value(room.get('memory', 0)) / 2**30:.1f} GiB"),
        ("Pods", str(room.get("pods", 0))),
    ]
    return [Section("pairs", "Allocatable", facts)]
