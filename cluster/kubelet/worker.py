"""A pod on its way through a kubelet.

                 admitted                 deletionTimestamp              all stopped
  (bound) ---> Syncing: sandbox, init ---> Terminating: SIGTERM, grace ---> Terminated: deleted
     |         containers, containers          ^
     |                 |  all ended, no restart|
     +-- rejected ---> Finished (Succeeded, Failed), until it is deleted

`step` moves every container as far as it can go at this moment; what takes time leaves a moment
in `wake`. Models pkg/kubelet/pod_workers.go and kuberuntime_manager.go (computePodActions).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from cluster.kubelet import probes
from cluster.kubelet.containers import ContainerState, adopt
from cluster.kubelet.live import MOUNT_RETRY, LiveContainers, always_passes
from cluster.kubelet.machine import Host
from cluster.machinery.entropy import Entropy
from cluster.machinery.meta import Object
from cluster.runtime import PullError, Runtime, program_for
from cluster.runtime.images import image, pull
from cluster.runtime.pod import PodRun

PULL_BACKOFF = (10.0, 300.0)
KILLED = 137
NOT_FOUND = 127
NO_RESTART_AFTER_SUCCESS = ("OnFailure", "Never")


class Teller(Protocol):
    """How a worker speaks: Events about its pod."""

    def __call__(
        self,
        pod: Object,
        kind: str,
        reason: str,
        message: str,
        container: str = "",
        init: bool = False,
    ) -> None: ...


@dataclass(slots=True)
class Worker:
    """`containers` holds init containers and main ones by name, in their order of starting."""

    key: str
    uid: str
    host: Host
    containers: dict[str, ContainerState] = field(default_factory=dict)
    address: str = ""
    sandbox: bool = False
    started_at: str = ""
    rejected: tuple[str, str] | None = None
    stop_at: float | None = None
    static: bool = False
    cpu: int = 0
    memory: int = 0
    run: PodRun | None = None  # for a pod whose containers have to be run
    mounted: bool = False
    mount_at: float | None = None
    mount_pause: float = 0.0

    def prepare(self, pod: Object) -> None:
        """A state for each container that has none yet."""
        spec = pod["spec"]
        for container in (*(spec.get("initContainers") or ()), *spec["containers"]):
            if container["name"] not in self.containers:
                self.containers[container["name"]] = ContainerState(container["name"])

    def states(self, specs: list[Object]) -> list[ContainerState]:
        return [self.containers[s["name"]] for s in specs]

    @property
    def wake(self) -> float | None:
        moments = [c.wake for c in self.containers.values()]
        return min(
            (m for m in [*moments, self.stop_at, self.mount_at] if m is not None), default=None
        )

    def remember(self, pod: Object) -> None:
        """Take the containers over from the pod's status (the process started anew)."""
        status = pod.get("status", {})
        for entry in (
            *status.get("initContainerStatuses", ()),
            *status.get("containerStatuses", ()),
            *status.get("ephemeralContainerStatuses", ()),
        ):
            self.containers[entry["name"]] = adopt(entry)
        self.sandbox = any(c.id for c in self.containers.values())
        self.started_at = status.get("startTime", "")
        if not pod["spec"].get("hostNetwork"):
            self.address = status.get("podIP", "")
            if self.address:
                self.host.addresses.add(self.address)


@dataclass(slots=True)
class Stepper:
    """Carries out `step` for the workers of one kubelet process."""

    runtime: Runtime
    entropy: Entropy
    tell: Teller
    live: LiveContainers

    def step(self, worker: Worker, pod: Object, now: float) -> bool:
        """Move on; returns whether all init containers are done."""
        spec = pod["spec"]
        for container in (*(spec.get("initContainers") or ()), *spec["containers"]):
            if container["name"] not in worker.containers:
                worker.containers[container["name"]] = ContainerState(container["name"])
        if not worker.mounted and not self._mount(worker, pod, now):
            return not spec.get("initContainers")
        initialized = self._init(worker, pod, now)
        for container in spec["containers"]:
            state = worker.containers[container["name"]]
            if not initialized:
                state.reason = "PodInitializing"
                continue
            self._advance(worker, pod, container, state, now, init=False)
        for container in spec.get("ephemeralContainers") or ():
            state = worker.containers.setdefault(
                container["name"], ContainerState(container["name"])
            )
            self._advance(worker, pod, container, state, now, init=False, policy="Never")
        return initialized

    def _mount(self, worker: Worker, pod: Object, now: float) -> bool:
        """Containers wait for their volumes; what is missing is looked for again and again."""
        if worker.mount_at is not None and now < worker.mount_at:
            return False
        missing = self.live.unmounted(worker, pod)
        worker.mounted, worker.mount_at = not missing, None
        for volume, why in missing:
            text = f'MountVolume.SetUp failed for volume "{volume}" : {why}'
            self.tell(pod, "Warning", "FailedMount", text)
        if missing:
            first, longest = MOUNT_RETRY
            worker.mount_pause = min(worker.mount_pause * 2 or first, longest)
            worker.mount_at = now + worker.mount_pause
        return worker.mounted

    def _init(self, worker: Worker, pod: Object, now: float) -> bool:
        """One after the other; a sidecar (restartPolicy Always) only has to be started."""
        for container in pod["spec"].get("initContainers") or ():
            state = worker.containers[container["name"]]
            if state.phase == "terminated" and state.exit_code == 0 and not _sidecar(container):
                continue
            self._advance(worker, pod, container, state, now, init=True)
            done = state.phase == "terminated" and state.exit_code == 0
            if _sidecar(container):
                done = state.phase == "running" and state.started
            if not done:
                return False
            if not _sidecar(container):
                state.ready = True
        return True

    def _advance(
        self,
        worker: Worker,
        pod: Object,
        spec: Object,
        state: ContainerState,
        now: float,
        init: bool,
        policy: str = "",
    ) -> None:
        policy = policy or ("Always" if init and _sidecar(spec) else pod["spec"]["restartPolicy"])
        while True:  # one that ends as it starts goes on to its restart or its back-off
            if state.phase == "running":
                self._run(worker, pod, spec, state, now, policy)
            if state.phase == "terminated" and not self._restart(
                pod, spec, state, now, policy, init
            ):
                return
            if state.phase == "waiting":
                if not self._image(worker, pod, spec, state, now, init):
                    return
                if not self._configured(pod, spec, state, now, init):
                    return
                self._start(worker, pod, spec, state, now, init)
                self._run(worker, pod, spec, state, now, policy)
            if state.phase != "terminated":
                return

    def _image(
        self,
        worker: Worker,
        pod: Object,
        spec: Object,
        state: ContainerState,
        now: float,
        init: bool,
    ) -> bool:
        """True when the image is there. Models image_manager.go."""
        if state.pulling_until is not None:
            return self._pulled(worker, pod, spec, state, now, init)
        if state.pull_retry_at is not None and now < state.pull_retry_at:
            return False
        name = spec.get("image", "")
        found = image(name)
        policy = spec.get("imagePullPolicy", "IfNotPresent")
        present = found.name in worker.host.images
        if present and policy != "Always":
            text = (
                f'Container image "{name}" already present on machine '
                "and can be accessed by the pod"
            )
            self.tell(pod, "Normal", "Pulled", text, spec["name"], init)
            return True
        if policy == "Never":
            return self._never(pod, spec, state, now, init)
        self.tell(pod, "Normal", "Pulling", f'Pulling image "{name}"', spec["name"], init)
        try:
            pull(name, self.runtime)
        except PullError as error:
            self._pull_failed(pod, spec, state, now, init, str(error))
            return False
        state.pull_started = now
        state.pulling_until = now + (min(found.pull, 0.4) if present else found.pull)
        state.pull_retry_at = None
        return self._pulled(worker, pod, spec, state, now, init)

    def _pulled(
        self,
        worker: Worker,
        pod: Object,
        spec: Object,
        state: ContainerState,
        now: float,
        init: bool,
    ) -> bool:
        assert state.pulling_until is not None
        if now < state.pulling_until:
            return False
        found = image(spec.get("image", ""))
        took = f"{state.pulling_until - state.pull_started:.3g}s"
        state.pulling_until = None
        state.pull_backoff = 0.0
        worker.host.images.add(found.name)
        text = (
            f'Successfully pulled image "{spec["image"]}" in {took} ({took} including waiting). '
            f"Image size: {found.size} bytes."
        )
        self.tell(pod, "Normal", "Pulled", text, spec["name"], init)
        return True

    def _never(
        self, pod: Object, spec: Object, state: ContainerState, now: float, init: bool
    ) -> bool:
        name = spec["image"]
        text = f'Container image "{name}" is not present with pull policy of Never'
        state.reason, state.message = "ErrImageNeverPull", text
        self.tell(pod, "Warning", "ErrImageNeverPull", text, spec["name"], init)
        self.tell(pod, "Warning", "Failed", "Error: ErrImageNeverPull", spec["name"], init)
        state.pull_retry_at = now + PULL_BACKOFF[0]
        return False

    def _pull_failed(
        self, pod: Object, spec: Object, state: ContainerState, now: float, init: bool, why: str
    ) -> None:
        """ErrImagePull first; then ImagePullBackOff while it waits."""
        name = spec["image"]
        text = f'Failed to pull image "{name}": {why}'
        first = not state.pull_backoff
        state.pull_backoff = min(state.pull_backoff * 2 or PULL_BACKOFF[0], PULL_BACKOFF[1])
        state.pull_retry_at = now + state.pull_backoff
        self.tell(pod, "Warning", "Failed", text, spec["name"], init)
        self.tell(pod, "Warning", "Failed", "Error: ErrImagePull", spec["name"], init)
        if first:
            state.reason, state.message = "ErrImagePull", why
            state.pull_retry_at = now + PULL_BACKOFF[0]
        else:
            state.reason = "ImagePullBackOff"
            state.message = f'Back-off pulling image "{name}": ErrImagePull: {why}'
        back_off = f'Back-off pulling image "{name}"'
        self.tell(pod, "Normal", "BackOff", back_off, spec["name"], init)
        self.tell(pod, "Warning", "Failed", "Error: ImagePullBackOff", spec["name"], init)

    def _configured(
        self, pod: Object, spec: Object, state: ContainerState, now: float, init: bool
    ) -> bool:
        """Whether everything its environment is made of is there."""
        why = self.live.misconfigured(pod, spec)
        if not why:
            return True
        state.reason, state.message = "CreateContainerConfigError", why
        self.tell(pod, "Warning", "Failed", f"Error: {why}", spec["name"], init)
        state.pull_retry_at = now + PULL_BACKOFF[0]
        return False

    def _start(
        self,
        worker: Worker,
        pod: Object,
        spec: Object,
        state: ContainerState,
        now: float,
        init: bool,
    ) -> None:
        found = image(spec["image"])
        state.id = f"{self.runtime.scheme}://{self.entropy.hex(64)}"
        state.image_id = self.runtime.image_id(found.repository, found.digest)
        state.program = program_for(spec, pod["spec"]["restartPolicy"])
        state.phase, state.reason, state.message = "running", "", ""
        state.started_at = now
        state.restart_at = state.pull_retry_at = None
        state.probe_failures = state.live_failures = 0
        state.why = ""
        self.tell(pod, "Normal", "Created", "Container created", spec["name"], init)
        if state.program.refused:
            self._refused(pod, spec, state, now, init)
            return
        self.tell(pod, "Normal", "Started", "Container started", spec["name"], init)
        if why := self.live.started(worker, pod, spec, state):
            self.tell(pod, "Warning", "FailedPostStartHook", why, spec["name"], init)
            state.finish(now, KILLED)

    def _refused(
        self, pod: Object, spec: Object, state: ContainerState, now: float, init: bool
    ) -> None:
        """The program is not there: the container ends before it began."""
        assert state.program is not None
        about = state.program.refused.partition("process: ")[2].removesuffix(": unknown")
        why = (
            "failed to create task for container: failed to create shim task: OCI runtime create "
            "failed: runc create failed: unable to start container process: error during container "
            f"init: {about}"
        )
        text = (
            f'Error: failed to start container "{spec["name"]}": Error response from daemon: {why}'
        )
        self.tell(pod, "Warning", "Failed", text, spec["name"], init)
        state.finish(now, NOT_FOUND, "ContainerCannotRun")
        state.why = why

    def _run(
        self,
        worker: Worker,
        pod: Object,
        spec: Object,
        state: ContainerState,
        now: float,
        policy: str,
    ) -> None:
        """Exit when it is time, else probe."""
        if state.kill_at is not None:
            self._killed(state, now)
            return
        if state.program is None:
            state.program = program_for(spec, pod["spec"]["restartPolicy"])
        if (ended := self.live.ended(worker, pod, spec, state, now)) is not None:
            state.finish(ended[1], ended[0])
            return
        ends = state.program.ends
        if state.phase == "terminated":
            return
        if ends is not None and now >= state.started_at + ends[1]:
            state.finish(state.started_at + ends[1], ends[0])
            return
        self._probe(worker, pod, spec, state, now)

    def _probe(
        self, worker: Worker, pod: Object, spec: Object, state: ContainerState, now: float
    ) -> None:
        assert state.program is not None
        state.probe_at = None
        startup, ready = spec.get("startupProbe"), spec.get("readinessProbe")
        if startup and not self._passes(worker, pod, spec, state, startup, "Startup", now):
            return
        state.started = True
        live = spec.get("livenessProbe")
        lives = not live or self._passes(worker, pod, spec, state, live, "Liveness", now)
        if not lives and state.phase != "running":
            return
        state.ready = not ready or self._passes(worker, pod, spec, state, ready, "Readiness", now)

    def _passes(
        self, worker: Worker, pod: Object, spec: Object, state: ContainerState, probe: Object,
        kind: str, now: float,
    ) -> bool:  # fmt: skip
        """Whether the probe counts as passed now; leaves the moment of its next result."""
        assert state.program is not None
        asked = probe.get("exec") and not always_passes(worker, spec, probe)
        if asked or (state.program.live and not probe.get("exec")):
            return self._command(worker, pod, spec, state, probe, kind, now)
        if probes.succeeds(spec, probe, state.program, float("inf")):
            at = state.started_at + probes.ready_after(probe, state.program)
            if kind == "Liveness" or now >= at:
                return True
            state.probe_at = min(at, state.probe_at or at)
            return False
        period = float(probe.get("periodSeconds") or 10)
        since = now - probes.first_at(probe, state.started_at)
        failures = int(since // period) + 1 if since >= 0 else 0
        counted = state.live_failures if kind != "Readiness" else state.probe_failures
        if failures > counted:
            address = worker.address or "127.0.0.1"
            text = probes.failure_text(kind, spec, probe, address)
            self.tell(pod, "Warning", "Unhealthy", text, spec["name"])
        if kind == "Readiness":
            state.probe_failures = failures
        else:
            state.live_failures = failures
            if failures >= int(probe.get("failureThreshold") or 3):
                self._kill_unhealthy(worker, pod, spec, state, probe, kind, now)
                return False
        following = probes.first_at(probe, state.started_at) + failures * period
        state.probe_at = min(following, state.probe_at or following)
        return False

    def _command(
        self, worker: Worker, pod: Object, spec: Object, state: ContainerState, probe: Object,
        kind: str, now: float,
    ) -> bool:  # fmt: skip
        """A probe by command: run each time, as its answer may change."""
        before = state.checks[kind].failures if kind in state.checks else 0
        if kind == "Startup" and kind in state.checks and state.checks[kind].passed:
            return True
        check = self.live.check(worker, pod, spec, state, probe, kind, now)
        if check.failures > before:
            text = f"{kind} probe failed: {check.output}"
            self.tell(pod, "Warning", "Unhealthy", text, spec["name"])
        state.probe_at = min(check.at, state.probe_at or check.at)
        limit = int(probe.get("failureThreshold") or 3)
        if kind != "Readiness" and check.failures >= limit:
            self._kill_unhealthy(worker, pod, spec, state, probe, kind, now)
            return False
        return check.passed

    def _kill_unhealthy(
        self, worker: Worker, pod: Object, spec: Object, state: ContainerState, probe: Object,
        kind: str, now: float,
    ) -> None:  # fmt: skip
        """SIGTERM; whoever does not obey is killed when its grace period is over."""
        text = f"Container {spec['name']} failed {kind.lower()} probe, will be restarted"
        self.tell(pod, "Normal", "Killing", text, spec["name"])
        given = probe.get("terminationGracePeriodSeconds")
        grace = float(
            pod["spec"].get("terminationGracePeriodSeconds", 30) if given is None else given
        )
        seconds = self.live.seconds_to_stop(worker, pod, spec, state, now, grace)
        state.kill_code = KILLED if seconds >= grace else 0
        state.kill_at = now + min(seconds, grace)
        state.probe_at = None
        self._killed(state, now)

    @staticmethod
    def _killed(state: ContainerState, now: float) -> None:
        if state.kill_at is not None and now >= state.kill_at:
            state.finish(state.kill_at, state.kill_code)

    def _restart(
        self, pod: Object, spec: Object, state: ContainerState, now: float, policy: str, init: bool
    ) -> bool:
        """True when the ended container is to be started again now."""
        if policy == "Never" or (
            (policy == "OnFailure" or init) and state.exit_code == 0 and policy != "Always"
        ):
            return False
        at = state.next_restart()
        if now < at:
            if state.restart_at is None:
                state.restart_at = at
                delay = f"{state.backoff:.0f}s" if state.backoff < 60 else _minutes(state.backoff)
                meta = pod["metadata"]
                where = f"{meta['name']}_{meta['namespace']}({meta['uid']})"
                about = f"restarting failed container={spec['name']} pod={where}"
                state.message = f"back-off {delay} {about}"
                text = f"Back-off restarting failed container {spec['name']} in pod {where}"
                self.tell(pod, "Warning", "BackOff", text, spec["name"], init)
            return False
        state.raise_backoff()
        state.restart_at = None
        state.last = {"terminated": state.termination()}
        state.restarts += 1
        state.phase, state.reason, state.message = "waiting", "ContainerCreating", ""
        return True


def shown_state(state: ContainerState) -> Object | None:
    """A container that waits for its restart shows CrashLoopBackOff."""
    if state.phase != "terminated" or state.restart_at is None:
        return None
    return {"waiting": {"reason": "CrashLoopBackOff", "message": state.message}}


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest}s"


def _sidecar(spec: Object) -> bool:
    return bool(spec.get("restartPolicy") == "Always")
