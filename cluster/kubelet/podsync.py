"""One pod of one node: admit it, run it, stop it, and say so in its status.

Models syncPod, syncTerminatingPod and the lifecycle predicates of pkg/kubelet.
"""

from __future__ import annotations

from typing import Any

from cluster.client import Env, EventRecorder
from cluster.kubelet import podstatus
from cluster.kubelet.live import LiveContainers
from cluster.kubelet.machine import Host
from cluster.kubelet.staticpods import is_mirror
from cluster.kubelet.surroundings import ClusterSurroundings, of_client
from cluster.kubelet.worker import KILLED, Stepper, Worker, shown_state
from cluster.machinery import quantity
from cluster.machinery.clock import format_time
from cluster.machinery.meta import Object, is_deleting, key_of, revision_of, uid_of
from cluster.machinery.workqueue import WorkQueue
from cluster.runtime import Runtime

LOST = 255  # exit code of a container that was gone when its node came back


class PodSync:
    def __init__(
        self,
        env: Env,
        recorder: EventRecorder,
        runtime: Runtime,
        queue: WorkQueue,
        around: ClusterSurroundings | None = None,
    ) -> None:
        self.client = env.client
        self.recorder = recorder
        self.queue = queue
        self.workers: dict[str, Worker] = {}
        self._on_host: dict[str, set[str]] = {}
        live = LiveContainers(around or of_client(env.client))
        self.stepper = Stepper(runtime, env.entropy, self._tell, live)

    def _tell(
        self, pod: Object, kind: str, reason: str, message: str, container: str = "",
        init: bool = False,
    ) -> None:  # fmt: skip
        field = "spec.initContainers" if init else "spec.containers"
        extra = pod["spec"].get("ephemeralContainers")
        if extra and any(c["name"] == container for c in extra):
            field = "spec.ephemeralContainers"
        path = f"{field}{{{container}}}" if container else ""
        self.recorder.event(
            pod, "Warning" if kind == "Warning" else "Normal", reason, message, field_path=path,
            host=pod["spec"]["nodeName"],
        )  # fmt: skip

    # ---- workers

    def _add(self, worker: Worker) -> None:
        self.workers[worker.key] = worker
        self._on_host.setdefault(worker.host.name, set()).add(worker.key)
        worker.host.pods += 1
        worker.host.cpu += worker.cpu
        worker.host.memory += worker.memory

    def _release(self, worker: Worker) -> None:
        """The node's share of a pod that has ended is free."""
        host = worker.host
        host.pods -= 1
        host.cpu -= worker.cpu
        host.memory -= worker.memory
        worker.cpu = worker.memory = 0
        host.addresses.discard(worker.address)

    def gone(self, key: str) -> None:
        """The pod was deleted. What a static pod runs goes on; only its mirror is gone."""
        worker = self.workers.get(key)
        if worker is not None and not worker.static:
            self.forget(key)

    def forget(self, key: str) -> None:
        """The pod is gone from the API."""
        worker = self.workers.pop(key, None)
        if worker is not None:
            self._on_host[worker.host.name].discard(key)
            self._release(worker)

    def power_off(self, host: Host) -> None:
        """Containers end with their machine; nobody is there to write it down."""
        for key in sorted(self._on_host.get(host.name, ())):
            self.forget(key)

    def booted(self, host: Host, pods: list[Object], now: float) -> None:
        """What ran when the power went is found dead; restart policies decide what follows."""
        for pod in pods:
            worker = self._new(pod, host)
            worker.remember(pod)
            host.addresses.discard(worker.address)
            worker.address, worker.sandbox = "", False
            for state in worker.containers.values():
                if state.phase == "running":
                    state.finish(now, LOST)
                    state.backoff = 0.0
            if any(s.last or s.phase == "terminated" for s in worker.containers.values()):
                text = "Pod sandbox changed, it will be killed and re-created."
                self._tell(pod, "Normal", "SandboxChanged", text)
            self._add(worker)
            self.queue.add(f"pod/{key_of(pod)}", revision_of(pod))

    def _new(self, pod: Object, host: Host) -> Worker:
        cpu, memory = requests_of(pod)
        static = is_mirror(pod)
        return Worker(key_of(pod), uid_of(pod), host, static=static, cpu=cpu, memory=memory)

    def _worker(self, key: str, pod: Object, host: Host) -> Worker:
        worker = self.workers.get(key)
        if worker is not None and worker.uid == uid_of(pod):
            return worker
        new = self._new(pod, host)
        if worker is not None:
            if is_mirror(pod):  # the mirror was made again; what it shows never stopped
                new.containers, new.started_at = worker.containers, worker.started_at
                new.sandbox, new.address = worker.sandbox, worker.address
            self.forget(key)
        if pod.get("status", {}).get("containerStatuses"):
            new.remember(pod)
        elif not is_mirror(pod):
            new.rejected = self._rejection(pod, new, host)
        self._add(new)
        return new

    def _rejection(self, pod: Object, worker: Worker, host: Host) -> tuple[str, str] | None:
        """Models lifecycle.predicateAdmitHandler: what the scheduler would have refused, too."""
        spec = host.machine["spec"]
        for resource, wanted, used, capacity in (
            ("pods", 1, host.pods, spec["pods"]),
            ("cpu", worker.cpu, host.cpu, quantity.milli(spec["cpu"])),
            ("memory", worker.memory, host.memory, quantity.value(spec["memory"])),
        ):
            if wanted and used + wanted > capacity:
                text = (
                    f"Node didn't have enough resource: {resource}, requested: {wanted}, "
                    f"used: {used}, capacity: {capacity}"
                )
                reason = f"OutOf{resource}"
                self._tell(pod, "Warning", reason, text)
                return reason, f"Pod was rejected: {text}"
        return None

    # ---- syncing

    def sync(self, key: str, pod: Object, host: Host, now: float) -> None:
        if pod.get("status", {}).get("phase") in ("Succeeded", "Failed"):
            if is_deleting(pod):
                self.client.delete(pod, grace=0)
            elif (ended := self.workers.get(key)) is not None:
                self.forget(ended.key)
            return
        worker = self._worker(key, pod, host)
        if worker.rejected is not None:
            self._reject(pod, worker, now)
        elif is_deleting(pod):
            self._terminate(key, pod, worker, now)
        else:
            self._run(key, pod, worker, now)

    def _reject(self, pod: Object, worker: Worker, now: float) -> None:
        assert worker.rejected is not None
        reason, message = worker.rejected
        status = {
            **pod.get("status", {}),
            "phase": "Failed",
            "reason": reason,
            "message": message,
            "startTime": format_time(now),
        }
        self.client.update_status({**pod, "status": status}, base=pod)

    def _run(self, key: str, pod: Object, worker: Worker, now: float) -> None:
        if not worker.started_at:
            worker.started_at = format_time(now)
        if not worker.sandbox:
            if not pod["spec"].get("hostNetwork"):
                if not worker.host.cidr:
                    return  # the node is looked at again when it has its range
                worker.address = worker.address or worker.host.allocate()
            worker.sandbox = True
        initialized = self.stepper.step(worker, pod, now)
        self._report(pod, worker, initialized, now)
        wake = worker.wake
        if wake is not None:
            self.queue.add_at(f"pod/{key}", max(wake, now))

    def _report(self, pod: Object, worker: Worker, initialized: bool, now: float) -> None:
        status = self._status(pod, worker, initialized, now)
        if status != pod.get("status"):
            self.client.update_status({**pod, "status": status}, base=pod)

    def _status(self, pod: Object, worker: Worker, initialized: bool, now: float) -> dict[str, Any]:
        spec = pod["spec"]
        init_specs = spec.get("initContainers") or []
        main, init = worker.states(spec["containers"]), worker.states(init_specs)
        phase = podstatus.phase(pod, main, initialized)
        ended = phase in ("Succeeded", "Failed")
        if ended:
            for state in main:
                state.ready = False
        values = podstatus.condition_values(pod, main, init, initialized, worker.sandbox, phase)
        out: dict[str, Any] = {
            "phase": phase,
            "observedGeneration": pod["metadata"].get("generation", 1),
            "conditions": podstatus.conditions(pod, values, now),
            **podstatus.addresses(pod, worker.host.name, worker.address),
            "startTime": worker.started_at,
            "containerStatuses": [_container(s, c) for s, c in zip(main, spec["containers"])],
            "qosClass": pod.get("status", {}).get("qosClass", "BestEffort"),
        }
        if extra := spec.get("ephemeralContainers"):
            out["ephemeralContainerStatuses"] = [
                _container(worker.containers[c["name"]], c)
                for c in extra
                if c["name"] in worker.containers
            ]
        if init_specs:
            out["initContainerStatuses"] = [_container(s, c) for s, c in zip(init, init_specs)]
        return out

    # ---- stopping

    def _terminate(self, key: str, pod: Object, worker: Worker, now: float) -> None:
        if is_mirror(pod):
            self.client.delete(pod, grace=0)
            return
        if worker.stop_at is None:
            worker.stop_at = now + self._signal(pod, worker, now)
        if now < worker.stop_at:
            self.queue.add_at(f"pod/{key}", worker.stop_at)
            return
        if pod["metadata"].get("finalizers"):
            self._report_stopped(pod, worker, now)
        self.client.delete(pod, grace=0)

    def _signal(self, pod: Object, worker: Worker, now: float) -> float:
        """SIGTERM to all containers; the seconds until the last of them is gone."""
        grace = float(pod["metadata"].get("deletionGracePeriodSeconds") or 0)
        longest = 0.0
        for spec in pod["spec"]["containers"]:
            state = worker.containers.get(spec["name"])
            if state is None or state.phase != "running":
                continue
            self._tell(pod, "Normal", "Killing", f"Stopping container {spec['name']}", spec["name"])
            live = self.stepper.live
            needs = live.seconds_to_stop(worker, pod, spec, state, now, grace)
            longest = max(longest, needs)
        return min(longest, grace)

    def _report_stopped(self, pod: Object, worker: Worker, now: float) -> None:
        """Who holds a finalizer on the pod wants to know how it ended, even if it never began."""
        worker.prepare(pod)
        for state in worker.containers.values():
            if state.phase == "running":
                clean = state.program is not None and state.program.stop is not None
                state.finish(now, 0 if clean else KILLED)
            elif state.phase == "waiting":
                state.finish(now, KILLED, "ContainerStatusUnknown")
                state.started_at = state.started_at or now
        status = self._status(pod, worker, True, now)
        if status["phase"] not in ("Succeeded", "Failed"):
            status["phase"] = "Failed"
        self.client.update_status({**pod, "status": status}, base=pod)


def _container(state: Any, spec: Object) -> Object:
    out: Object = state.status(spec)
    shown = shown_state(state)
    if shown is not None:
        out["state"] = shown
        out["lastState"] = {"terminated": state.termination()}
    return out


def requests_of(pod: Object) -> tuple[int, int]:
    """(cpu in thousandths, memory in bytes) that a pod asks for; init containers run before."""
    spec = pod["spec"]
    totals = []
    for field, combine in (("cpu", quantity.milli), ("memory", quantity.value)):
        main = [
            combine(((c.get("resources") or {}).get("requests") or {}).get(field, 0))
            for c in spec["containers"]
        ]
        init = [
            combine(((c.get("resources") or {}).get("requests") or {}).get(field, 0))
            for c in spec.get("initContainers") or ()
        ]
        totals.append(max([sum(main), *init]))
    return totals[0], totals[1]
