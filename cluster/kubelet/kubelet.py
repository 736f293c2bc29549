"""Machines, their nodes and the pods bound to them: who is asked to do what, and when.

Handlers only mark keys dirty: `node/NAME` and `pod/NAMESPACE/NAME`. A machine without power is
frozen: its keys are dropped, and when the power is back everything on it is looked at again.
Models pkg/kubelet/kubelet.go (syncLoop).
"""

from __future__ import annotations

from functools import partial
from zlib import crc32

from cluster.client import Env, InformerEvent, kinds
from cluster.client.informer import by_node
from cluster.kubelet import machine as machines
from cluster.kubelet.faults import KUBELET_STOPPED, POWER_OFF, silenced, targets
from cluster.kubelet.machine import Host
from cluster.kubelet.podsync import PodSync
from cluster.kubelet.staticpods import is_mirror, manifests, mirror
from cluster.kubelet.surroundings import ClusterSurroundings
from cluster.machinery.clock import format_micro_time, parse_time
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object, annotations_of, key_of, name_of, revision_of
from cluster.machinery.workqueue import WorkQueue
from cluster.runtime import Runtime
from cluster.runtime.images import preloaded


class Kubelet:
    """The kubelets of one shard."""

    name = "kubelet"

    def __init__(
        self,
        env: Env,
        runtime: Runtime,
        shard: int,
        shards: int,
        around: ClusterSurroundings | None = None,
    ) -> None:
        self.env = env
        self.client = env.client
        self.clock = env.clock
        self.runtime = runtime
        self.recorder = env.recorder(self.name)
        self.queue = WorkQueue()
        self.hosts: dict[str, Host] = {}
        self._shard, self._shards = shard, shards
        informers = env.informers
        self.machines = informers.lister(kinds.MACHINES)
        self.nodes = informers.lister(kinds.NODES)
        self.faults = informers.lister(kinds.FAULTS)
        self.leases = informers.lister(kinds.LEASES)
        self.pods = informers.lister(kinds.PODS)
        self.pods.add_index("node", by_node)
        self.sync = PodSync(env, self.recorder, runtime, self.queue, around)
        informers[kinds.MACHINES].add_handler(self._on_machine)
        informers[kinds.NODES].add_handler(self._on_node)
        informers[kinds.FAULTS].add_handler(self._on_fault)
        informers[kinds.PODS].add_handler(self._on_pod)
        self.journal = informers.lister(kinds.JOURNAL)
        self.journal.add_index("pod", lambda entry: (entry["spec"]["podUID"],))
        informers[kinds.JOURNAL].add_handler(self._on_journal)
        self.sync.stepper.live.around.entries = self._entries
        informers[kinds.LEASES].add_handler(lambda event: None)

    def _mine(self, node: str) -> bool:
        return self._shards == 1 or crc32(node.encode()) % self._shards == self._shard

    # ---- what happened

    def _on_machine(self, event: InformerEvent) -> None:
        if self._mine(event.key):
            self.queue.add(f"node/{event.key}", event.revision)

    def _on_node(self, event: InformerEvent) -> None:
        if event.type != "MODIFIED" and self._mine(event.key):
            self.queue.add(f"node/{event.key}", event.revision)
        elif event.new is not None and self._mine(event.key):
            host = self.hosts.get(event.key)
            if host is not None and not host.cidr and event.new["spec"].get("podCIDR"):
                self.queue.add(f"node/{event.key}", event.revision)

    def _on_fault(self, event: InformerEvent) -> None:
        for name in sorted(targets(event.obj)):
            if self._mine(name):
                self.queue.add(f"node/{name}", event.revision)

    def _on_pod(self, event: InformerEvent) -> None:
        node = event.obj["spec"].get("nodeName")
        if node and self._mine(node) and not _status_only(event):
            self.queue.add(f"pod/{event.key}", event.revision)
        if event.type == "DELETED" and node and is_mirror(event.obj):
            self.queue.add(f"node/{node}", event.revision)

    def _on_journal(self, event: InformerEvent) -> None:
        if event.type == "ADDED":
            meta = event.obj["metadata"]
            self.queue.add(f"pod/{meta['namespace']}/{event.obj['spec']['pod']}", event.revision)

    def _entries(self, pod: Object) -> list[Object]:
        return self.journal.by_index("pod", pod["metadata"]["uid"])

    # ---- what is to be done

    def process(self, now: float) -> bool:
        batch = self.queue.drain(now)
        for key, cause in batch:
            kind, _, rest = key.partition("/")
            self.client.acting("kubelet", rest, cause, partial(self._failed, key))
            if kind == "node":
                self._node(rest, now)
            else:
                self._pod(rest, now)
        return bool(batch)

    def _failed(self, key: str, error: StatusError) -> None:
        self.queue.retry(key, self.clock.now())

    def next_deadline(self) -> float | None:
        return self.queue.next_deadline()

    def _pod(self, key: str, now: float) -> None:
        pod = self.pods.get(key)
        if pod is None:
            self.sync.gone(key)
            return
        host = self.hosts.get(pod["spec"].get("nodeName", ""))
        if host is None or host.off_since is not None or not host.registered:
            return
        self.sync.sync(key, pod, host, now)

    def _node(self, name: str, now: float) -> None:
        found = self.machines.get(name)
        host = self.hosts.get(name)
        if found is None:
            if host is not None:
                self._unplug(host, now)
                del self.hosts[name]
            return
        if host is None:
            host = self.hosts[name] = self._new_host(found)
        host.machine = found
        if why := silenced(self.faults).get(name):
            self._silence(host, why, now)
            return
        node = self.nodes.get(name)
        if host.off_since is not None:
            self._come_back(host, node, now)
        elif node is None:
            self._register(host, now)
        else:
            self._run(host, node, now)

    def _new_host(self, found: Object) -> Host:
        name, role = name_of(found), found["spec"]["role"]
        host = Host(name, found, boot=self.env.entropy.uid())
        host.images = {i.name for i in preloaded(role)}
        lease = self.leases.get(f"{machines.LEASES}/{name}")
        if lease is not None and machines.HEARTBEAT not in annotations_of(lease):
            host.off_since = parse_time(lease["spec"]["renewTime"])
        return host

    def _register(self, host: Host, now: float) -> None:
        """A node that somebody deleted stays away until its kubelet starts anew, as upstream."""
        if host.registered:
            return
        self.client.create(machines.new_node(host, self.runtime, now))

    def _run(self, host: Host, node: Object, now: float) -> None:
        if not host.registered:
            host.registered = True
            self._started(host, node)
            self._keep_status(host, node, now)
            self._renew(node, now)
            self._look_at_pods(host)
        if not host.cidr and node["spec"].get("podCIDR"):
            host.cidr = node["spec"]["podCIDR"]
            self._look_at_pods(host)
        if host.machine["spec"]["role"] == "control-plane":
            self._static_pods(node, now)

    def _look_at_pods(self, host: Host) -> None:
        for pod in self.pods.by_index("node", host.name):
            self.queue.add(f"pod/{key_of(pod)}", revision_of(pod))

    def _keep_status(self, host: Host, node: Object, now: float) -> None:
        """Write the node's status if it says anything else than what is."""
        old = node.get("status") or {}
        info = old.get("nodeInfo") or {}
        if info.get("bootID") and host.boot != info["bootID"] and _is_ready(old):
            host.boot = info["bootID"]  # the process started anew, not the machine
        new = machines.status(host, self.runtime, now, old)
        if _without_heartbeats(new) != _without_heartbeats(old):
            self.client.update_status({**node, "status": {**old, **new}}, base=node)

    def _renew(self, node: Object, now: float) -> None:
        """Make the lease a live one."""
        old = self.leases.get(f"{machines.LEASES}/{name_of(node)}")
        lease = machines.new_lease(node, now)
        if old is None:
            self.client.create(lease)
        elif machines.HEARTBEAT not in annotations_of(old):
            meta = {**old["metadata"], "annotations": lease["metadata"]["annotations"]}
            self.client.update({**lease, "metadata": meta}, base=old)

    def _started(self, host: Host, node: Object) -> None:
        """The events of a kubelet's start; a restarted process of ours is no restarted kubelet."""
        if self.leases.get(f"{machines.LEASES}/{host.name}") is not None and host.off_since is None:
            return
        about = {**node, "metadata": {**node["metadata"], "uid": host.name}}
        for reason, text in (
            ("Starting", "Starting kubelet."),
            ("NodeHasSufficientMemory", f"Node {host.name} status is now: NodeHasSufficientMemory"),
            ("NodeHasNoDiskPressure", f"Node {host.name} status is now: NodeHasNoDiskPressure"),
            ("NodeHasSufficientPID", f"Node {host.name} status is now: NodeHasSufficientPID"),
            ("NodeAllocatableEnforced", "Updated Node Allocatable limit across pods"),
            ("NodeReady", f"Node {host.name} status is now: NodeReady"),
        ):
            self.recorder.event(about, "Normal", reason, text, host=host.name)

    # ---- silence

    def _silence(self, host: Host, why: str, now: float) -> None:
        if why == POWER_OFF and host.off_why != POWER_OFF:
            self.sync.power_off(host)
        host.off_why = why
        if host.off_since is None:
            self._last_beat(host, now)
            host.off_since = now

    def _come_back(self, host: Host, node: Object | None, now: float) -> None:
        why, host.off_why = host.off_why, ""
        if why in ("", POWER_OFF) or node is None:
            self._boot(host, node, now)
            return
        host.registered = False  # what was missed meanwhile is caught up with
        if why == KUBELET_STOPPED:
            self._started(host, node)
        host.off_since = None
        self._run(host, node, now)

    def _unplug(self, host: Host, now: float) -> None:
        self.sync.power_off(host)
        self._last_beat(host, now)

    def _last_beat(self, host: Host, now: float) -> None:
        """Nothing is said any more, except what the lease's last renewal was: see HEARTBEAT."""
        lease = self.leases.get(f"{machines.LEASES}/{host.name}")
        if lease is None or machines.HEARTBEAT not in annotations_of(lease):
            return
        renewed = parse_time(lease["spec"]["renewTime"])
        beats = max(0.0, now - renewed) // machines.RENEW_SECONDS
        last = renewed + beats * machines.RENEW_SECONDS
        annotations = {k: v for k, v in annotations_of(lease).items() if k != machines.HEARTBEAT}
        meta = {**lease["metadata"], "annotations": annotations}
        spec = {**lease["spec"], "renewTime": format_micro_time(last)}
        self.client.update({**lease, "metadata": meta, "spec": spec}, base=lease)

    def _boot(self, host: Host, node: Object | None, now: float) -> None:
        host.registered = False
        host.boot = self.env.entropy.uid()
        host.addresses.clear()
        host.cidr = ""
        if node is None:
            host.off_since = None
            self._register(host, now)
            return
        about = {**node, "metadata": {**node["metadata"], "uid": host.name}}
        text = f"Node {host.name} has been rebooted, boot id: {host.boot}"
        self.recorder.event(about, "Warning", "Rebooted", text, host=host.name)
        self._started(host, node)
        host.off_since = None
        self.sync.booted(host, self.pods.by_index("node", host.name), now)
        self._run(host, node, now)

    # ---- static pods

    def _static_pods(self, node: Object, now: float) -> None:
        """Every manifest has its mirror; one that somebody deleted comes back."""
        for manifest in manifests():
            pod = mirror(manifest, node, now)
            if self.pods.get(key_of(pod)) is None:
                self.client.create(pod)


def _is_ready(status: Object) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions", ()))


def _without_heartbeats(status: Object) -> Object:
    conditions = [
        {k: v for k, v in c.items() if k != "lastHeartbeatTime"}
        for c in status.get("conditions", ())
    ]
    return {**status, "conditions": conditions}


def _status_only(event: InformerEvent) -> bool:
    """Our own status writes come back as events; they are no reason to look again."""
    if event.type != "MODIFIED" or event.old is None or event.new is None:
        return False
    old, new = event.old["metadata"], event.new["metadata"]
    return (
        old.get("generation") == new.get("generation")
        and old.get("deletionTimestamp") == new.get("deletionTimestamp")
        and old.get("finalizers") == new.get("finalizers")
        and event.old["spec"].get("nodeName") == event.new["spec"].get("nodeName")
    )
