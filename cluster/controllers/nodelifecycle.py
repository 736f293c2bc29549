"""node-lifecycle: a node whose lease is not renewed is Unknown, and tainted.

   lease live -------- renewTime 40 s old ------> Ready=Unknown, taints unreachable
       ^                                                    |
       +------- kubelet writes Ready=True, lease live <-----+

NoSchedule taints follow at once; NoExecute ones, which evict, only as fast as the health of the
zone allows (nodezones). Keys are nodes, and `zone/name`. Models pkg/controller/nodelifecycle.
"""

from __future__ import annotations

from typing import Any

from cluster.client import Controller, Env, InformerEvent, kinds
from cluster.client.informer import by_node
from cluster.controllers.nodezones import Zones, zone_of
from cluster.machinery.clock import format_time, parse_time
from cluster.machinery.meta import (
    Object,
    annotations_of,
    condition,
    is_deleting,
    is_true,
    name_of,
    revision_of,
    set_condition,
)

GRACE = 40.0  # --node-monitor-grace-period
LEASES = "kube-node-lease"
HEARTBEAT = "orrery.sim/heartbeat"  # a lease that is renewed without being written
NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
POSTED = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")  # by the kubelet
PRESSURES = {
    "MemoryPressure": "node.kubernetes.io/memory-pressure",
    "DiskPressure": "node.kubernetes.io/disk-pressure",
    "PIDPressure": "node.kubernetes.io/pid-pressure",
    "NetworkUnavailable": "node.kubernetes.io/network-unavailable",
}
ZONE = "zone/"
EVICTING = frozenset({NOT_READY, UNREACHABLE})
OURS = frozenset({NOT_READY, UNREACHABLE, UNSCHEDULABLE, *PRESSURES.values()})
STOPPED = "Kubelet stopped posting node status."
NEVER = "Kubelet never posted node status."


class NodeLifecycleController(Controller):
    name = "node-lifecycle-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.recorder = env.recorder("node-controller")
        self.nodes = env.informers.lister(kinds.NODES)
        self.leases = env.informers.lister(kinds.LEASES)
        self.pods = env.informers.lister(kinds.PODS)
        self.pods.add_index("node", by_node)
        self._known: dict[str, bool] = {}  # node -> whether it was Ready when last looked at
        self.zones = Zones()
        env.informers[kinds.NODES].add_handler(self._on_node)
        env.informers[kinds.LEASES].add_handler(self._on_lease)

    def _on_node(self, event: InformerEvent) -> None:
        self.enqueue(event.key, event.revision)
        if event.type == "DELETED" and self._known.pop(event.key, None) is not None:
            text = f"Node {event.key} event: Removing Node {event.key} from Controller"
            self.recorder.event(event.obj, "Normal", "RemovingNode", text)
            if self.zones.remove(event.key):
                self._wake_zones(event.revision)

    def _wake_zones(self, cause: int) -> None:
        for zone in self.zones.by_name:
            self.enqueue(ZONE + zone, cause)

    def _on_lease(self, event: InformerEvent) -> None:
        if event.key.startswith(f"{LEASES}/"):
            self.enqueue(name_of(event.obj), event.revision)

    def reconcile(self, key: str) -> None:
        if key.startswith(ZONE):
            self._give_up(key)
            return
        node = self.nodes.get(key)
        if node is None or is_deleting(node):
            return
        self._register(key, node)
        deadline = self._deadline(node)
        now = self.clock.now()
        if deadline is not None and now < deadline:
            self.queue.add_at(key, deadline)
        elif deadline is not None and self._lose(node, now):
            return  # the write makes the node dirty again; what follows, follows from what it says
        self._follow(key, node, now)
        ready = is_true(node.get("status", {}).get("conditions"), "Ready")
        if self.zones.place(key, zone_of(node), ready):
            self._wake_zones(revision_of(node))
        self._taint(node, now)

    def _register(self, key: str, node: Object) -> None:
        """A node this process has not seen: an event for a new one, silence for an old one."""
        if key in self._known:
            return
        ready = condition(node.get("status", {}).get("conditions"), "Ready")
        self._known[key] = ready is not None and ready["status"] == "True"
        if ready is not None and ready["status"] == "Unknown":
            self._mark_pods(key, self.clock.now())  # whoever lost it may not have come so far
        age = self.clock.now() - parse_time(node["metadata"]["creationTimestamp"])
        if age < GRACE:
            text = f"Node {key} event: Registered Node {key} in Controller"
            self.recorder.event(node, "Normal", "RegisteredNode", text)

    def _follow(self, key: str, node: Object, now: float) -> None:
        """A node that was Ready and is not: its pods are not, either."""
        ready = is_true(node.get("status", {}).get("conditions"), "Ready")
        was_ready, self._known[key] = self._known[key], ready
        if was_ready and not ready:
            text = f"Node {key} status is now: NodeNotReady"
            self.recorder.event(node, "Normal", "NodeNotReady", text)
            self._mark_pods(key, now)

    def _deadline(self, node: Object) -> float | None:
        """When the node counts as lost; None while its lease is live."""
        lease = self.leases.get(f"{LEASES}/{name_of(node)}")
        if lease is None:
            return parse_time(node["metadata"]["creationTimestamp"]) + GRACE
        if HEARTBEAT in annotations_of(lease):
            return None
        renewed = (lease.get("spec") or {}).get("renewTime") or node["metadata"][
            "creationTimestamp"
        ]
        return parse_time(renewed) + GRACE

    def _lose(self, node: Object, now: float) -> bool:
        """Everything the kubelet said is Unknown now; True when that had to be written."""
        status = node.get("status", {})
        before = after = status.get("conditions") or []
        for kind in POSTED:
            after = self._unknown(after, kind, node, now)
        if after == before:
            return False
        self.client.update_status({**node, "status": {**status, "conditions": after}}, base=node)
        return True

    @staticmethod
    def _unknown(conditions: list[Object], kind: str, node: Object, now: float) -> list[Object]:
        old = condition(conditions, kind)
        if old is not None and old["status"] == "Unknown":
            return conditions
        beat = (old or {}).get("lastHeartbeatTime") or node["metadata"]["creationTimestamp"]
        new = {
            "type": kind,
            "status": "Unknown",
            "lastHeartbeatTime": beat,
            "reason": "NodeStatusUnknown" if old else "NodeStatusNeverUpdated",
            "message": STOPPED if old else NEVER,
        }
        return set_condition(conditions, new, now)

    def _mark_pods(self, node: str, now: float) -> None:
        """Models MarkPodsNotReady: Services must not send to them."""
        for pod in self.pods.by_index("node", node):
            conditions = pod.get("status", {}).get("conditions")
            if not is_true(conditions, "Ready"):
                continue
            new = {"type": "Ready", "status": "False"}
            status = {**pod["status"], "conditions": set_condition(conditions, new, now)}
            self.recorder.event(pod, "Warning", "NodeNotReady", "Node is not ready")
            self.client.update_status({**pod, "status": status}, base=pod)

    # ---- taints

    def _taint(self, node: Object, now: float) -> None:
        """Taints follow from conditions and spec.unschedulable. Models TaintNodesByCondition."""
        wanted = self._wanted(node)
        have = node["spec"].get("taints") or []
        evicting = [t for t in have if t["key"] in EVICTING and t["effect"] == "NoExecute"]
        lost = next((key for key, _ in wanted if key in EVICTING), "")
        if lost and evicting:  # given up already: only the name of the reason may change
            wanted.append((lost, "NoExecute"))
        elif lost:
            self.enqueue(ZONE + self.zones.wait(name_of(node)), revision_of(node))
        self._set_taints(node, wanted, now)

    def _set_taints(self, node: Object, wanted: list[tuple[str, str]], now: float) -> None:
        have = node["spec"].get("taints") or []
        kept = [t for t in have if t["key"] not in OURS or (t["key"], t["effect"]) in wanted]
        present = {(t["key"], t["effect"]) for t in kept}
        added: list[dict[str, Any]] = []
        for key, effect in wanted:
            if (key, effect) not in present:
                added.append({"key": key, "effect": effect, "timeAdded": format_time(now)})
        if len(kept) == len(have) and not added:
            return
        spec = {k: v for k, v in node["spec"].items() if k != "taints"}
        if kept or added:
            spec["taints"] = [*kept, *added]
        self.client.update({**node, "spec": spec}, base=node)

    def _give_up(self, key: str) -> None:
        """Let the next nodes of a zone be evicted. Models doNoExecuteTaintingPass."""
        zone = self.zones.by_name.get(key.removeprefix(ZONE))
        if zone is None:
            return
        if self.zones.all_lost():
            self._forgive([*zone.lost])
            return
        now = self.clock.now()
        for name in zone.lost:  # those that were forgiven before
            node = self.nodes.get(name)
            if node is not None and not _is_evicting(node):
                zone.waiting.setdefault(name)
        while (taken := zone.take(now)) is not None:
            node = self.nodes.get(taken)
            if node is None or _is_evicting(node):
                continue
            wanted = self._wanted(node)
            lost = [(taint, "NoExecute") for taint, _ in wanted if taint in EVICTING]
            self._set_taints(node, wanted + lost, now)
        if (due := zone.due()) is not None:
            self.queue.add_at(key, due)

    def _forgive(self, names: list[str]) -> None:
        """No node answers: nobody is evicted. Models "master disruption mode"."""
        for name in names:
            node = self.nodes.get(name)
            if node is not None and _is_evicting(node):
                self._set_taints(node, self._wanted(node), self.clock.now())

    @staticmethod
    def _wanted(node: Object) -> list[tuple[str, str]]:
        conditions = node.get("status", {}).get("conditions")
        ready = condition(conditions, "Ready")
        out: list[tuple[str, str]] = []
        if ready is not None and ready["status"] == "False":
            out.append((NOT_READY, "NoSchedule"))
        elif ready is not None and ready["status"] == "Unknown":
            out.append((UNREACHABLE, "NoSchedule"))
        out += [
            (taint, "NoSchedule") for kind, taint in PRESSURES.items() if is_true(conditions, kind)
        ]
        if node["spec"].get("unschedulable"):
            out.append((UNSCHEDULABLE, "NoSchedule"))
        return out


def _is_evicting(node: Object) -> bool:
    taints = node["spec"].get("taints") or ()
    return any(t["key"] in EVICTING and t["effect"] == "NoExecute" for t in taints)
