"""What of a pod has to be run, and not only known: live programs, hooks, probes by command, and
the objects that its containers are made of.

Models pkg/kubelet/kuberuntime (startContainer, executePreStopHook), prober (exec) and
volumemanager. A pod that needs none of it costs a look at its spec.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from signal import SIGTERM
from typing import TYPE_CHECKING

from cluster.kubelet import probes
from cluster.kubelet.containers import Check, ContainerState
from cluster.kubelet.surroundings import ClusterSurroundings
from cluster.machinery.meta import Object
from cluster.runtime import Program, environment, program_for, volumes
from cluster.runtime.container import Container
from cluster.runtime.environment import ConfigError
from cluster.runtime.pod import PodRun
from cluster.runtime.programs import split
from cluster.runtime.volumes import MissingVolumeError

if TYPE_CHECKING:
    from cluster.kubelet.worker import Worker

TOKEN = "kube-api-access-"
MADE_OF_OBJECTS = ("configMap", "secret", "projected", "downwardAPI")
MOUNT_RETRY = (0.5, 122.0)
TERMINATION_LOG = "/dev/termination-log"
LONGEST_MESSAGE = 4096
KEPT_LINES = 80


@dataclass(slots=True)
class LiveContainers:
    """`around` is the cluster that containers see."""

    around: ClusterSurroundings

    def run_of(self, worker: Worker, pod: Object) -> PodRun:
        if worker.run is None:
            worker.run = PodRun(pod, self.around)
        worker.run.pod = pod
        return worker.run

    def _container(
        self, worker: Worker, pod: Object, spec: Object, state: ContainerState
    ) -> Container:  # fmt: skip
        run = self.run_of(worker, pod)
        made = run.run(spec["name"], state.id, state.started_at)
        made.place(worker.address)
        return made

    # ---- what a container is made of

    def unmounted(self, worker: Worker, pod: Object) -> list[tuple[str, str]]:
        """(volume, why it cannot be set up)."""
        out = []
        for volume in pod["spec"].get("volumes") or ():
            if volume["name"].startswith(TOKEN) or not any(k in volume for k in MADE_OF_OBJECTS):
                continue
            try:
                volumes.contents(pod, volume, self.around)
            except MissingVolumeError as error:
                out.append((volume["name"], str(error)))
        return out

    def misconfigured(self, pod: Object, spec: Object) -> str:
        """Why the container cannot be created, or ""."""
        if not spec.get("envFrom") and not any("valueFrom" in e for e in spec.get("env") or ()):
            return ""
        try:
            environment.build(pod, spec, self.around)
        except ConfigError as error:
            return str(error)
        return ""

    # ---- running

    def started(
        self, worker: Worker, pod: Object, spec: Object, state: ContainerState
    ) -> str:  # fmt: skip
        """Begin a live program and the postStart hook; what is wrong with the hook, or ""."""
        assert state.program is not None
        hook = ((spec.get("lifecycle") or {}).get("postStart") or {}).get("exec")
        if state.program.live or hook:
            state.live = self._container(worker, pod, spec, state)
        if hook and state.live is not None and state.live.hooked not in (0, None):
            return f"PostStartHook failed: command exited with {state.live.hooked}"
        return ""

    def ended(
        self, worker: Worker, pod: Object, spec: Object, state: ContainerState, now: float
    ) -> tuple[int, float] | None:
        """Let a live program go on until now; (exit code, when) if that was its end."""
        if state.program is None or not state.program.live:
            return self._stopped(worker, pod, spec, state, now)
        if state.live is None:  # the kubelet's process started anew: catch up
            state.live = self._container(worker, pod, spec, state)
        live = state.live
        self.run_of(worker, pod).follow(live, now)
        if live.networked:
            self._keep_log(pod, spec, live)
        if not live.over or live.main is None or live.ended_at is None:
            return None
        state.why = self._last_words(spec, live)
        return live.main.status or 0, max(live.ended_at, state.started_at)

    def _stopped(
        self, worker: Worker, pod: Object, spec: Object, state: ContainerState, now: float
    ) -> tuple[int, float] | None:  # fmt: skip
        """Somebody killed the server of an image from inside."""
        if not self.around.journal(pod):
            return None
        container = self._container(worker, pod, spec, state)
        self.run_of(worker, pod).follow(container, now)
        return (0, now) if container.kernel.stopped else None

    def _keep_log(self, pod: Object, spec: Object, live: Container) -> None:
        """What the network answered cannot be told again: such a log is written down."""
        if self.around.log is None:
            return
        lines = split(live.chunks, whole=not live.over)
        for at, line in lines[live.kept :]:
            self.around.log(pod, spec["name"], at, line)
        live.kept = len(lines)

    def _last_words(self, spec: Object, live: Container) -> str:
        """The termination message: a file's, or the end of the log's."""
        path = spec.get("terminationMessagePath") or TERMINATION_LOG
        try:
            text = live.fs.read(path).decode("utf-8", "replace")
        except OSError:
            text = ""
        failed = live.main is not None and live.main.status
        if not text and failed and spec.get("terminationMessagePolicy") == "FallbackToLogsOnError":
            text = b"".join(data for _, data in live.chunks).decode("utf-8", "replace")
            text = "".join(text.splitlines(keepends=True)[-KEPT_LINES:])
        return text[-LONGEST_MESSAGE:]

    # ---- stopping

    def seconds_to_stop(
        self, worker: Worker, pod: Object, spec: Object, state: ContainerState, now: float,
        grace: float,
    ) -> float:  # fmt: skip
        """From SIGTERM (after the preStop hook) to the end, at most the grace period."""
        program = state.program or program_for(spec, pod["spec"]["restartPolicy"])
        hook = (spec.get("lifecycle") or {}).get("preStop") or {}
        before = float((hook.get("sleep") or {}).get("seconds") or 0)
        if command := (hook.get("exec") or {}).get("command"):
            known = program_for({**spec, "command": command, "args": None}, "Never")
            before += known.ends[1] if known.ends else 0.0
            if known.live:
                self._container(worker, pod, spec, state).command(command)
        left = max(0.0, grace - before)
        if state.live is None or not program.live:
            return before + (grace if program.stop is None else program.stop)
        return before + self._asked(state.live, now + before, left)

    def _asked(self, live: Container, moment: float, grace: float) -> float:
        """Nobody looks at the container any more: its remaining life is lived at once."""
        live.advance(moment)
        if live.serving or live.over or live.main is None:
            return 0.0
        live.kernel.kill(live.main.pid, SIGTERM)
        live.advance(moment + grace)
        return max(0.0, live.ended_at - moment) if live.ended_at is not None else grace

    # ---- probes

    def check(
        self, worker: Worker, pod: Object, spec: Object, state: ContainerState, probe: Object,
        kind: str, now: float,
    ) -> Check:  # fmt: skip
        """The probe's command as often as it was due until now."""
        period = float(probe.get("periodSeconds") or 10)
        first = state.started_at + float(probe.get("initialDelaySeconds") or 0)
        check = state.checks.setdefault(kind, Check(first, kind == "Liveness"))
        if now - check.at > 100 * period:  # the process was away
            check.at += period * math.floor((now - check.at) / period)
        while check.at <= now and state.phase == "running":
            code, output = self._probe(worker, pod, spec, state, probe, check.at)
            check.at += period
            if code == 0:
                check.successes, check.failures = check.successes + 1, 0
                check.passed |= check.successes >= int(probe.get("successThreshold") or 1)
            else:
                check.successes, check.failures = 0, check.failures + 1
                check.output = output
                check.passed &= check.failures < int(probe.get("failureThreshold") or 3)
        return check

    def _probe(
        self, worker: Worker, pod: Object, spec: Object, state: ContainerState, probe: Object,
        moment: float,
    ) -> tuple[int, str]:  # fmt: skip
        if not probe.get("exec"):
            return self._connect(worker, pod, spec, state, probe, moment)
        command = (probe.get("exec") or {}).get("command") or []
        known = known_probe(spec, command)
        if known is not None and worker.run is None:
            return (known.ends[0] if known.ends else 1), "\n".join(t for _, t in known.lines)
        container = self._container(worker, pod, spec, state)
        self.run_of(worker, pod).follow(container, moment)
        code, output = container.command(command)
        if code is None:
            seconds = int(probe.get("timeoutSeconds") or 1)
            return 1, f'command timed out: "{" ".join(command)}" timed out after {seconds}s'
        if code == 126 and not container.image.known:
            return 0, ""  # a program of an image we do not know
        return code, output

    def _connect(
        self, worker: Worker, pod: Object, spec: Object, state: ContainerState, probe: Object,
        moment: float,
    ) -> tuple[int, str]:  # fmt: skip
        """A probe over the network, of a program that may listen or not."""
        container = self._container(worker, pod, spec, state)
        self.run_of(worker, pod).follow(container, moment)
        port = probes.target(spec, probe)
        ports = state.program.ports if state.program is not None else ()
        if port in container.listening or (container.serving and port in ports):
            return 0, ""
        if not container.image.known and container.serving:
            return 0, ""
        address = worker.address or "127.0.0.1"
        return 1, probes.failure_text("", spec, probe, address).removeprefix(" probe failed: ")


def known_probe(spec: Object, command: list[str]) -> Program | None:
    """What the command does wherever it runs, if that is so."""
    known = program_for({**spec, "command": command, "args": None, "stdin": False}, "Probe")
    if known.live or known.refused:
        return None
    return known


def always_passes(worker: Worker, spec: Object, probe: Object) -> bool:
    """A command that succeeds whatever happens need not be run."""
    known = known_probe(spec, (probe.get("exec") or {}).get("command") or [])
    return worker.run is None and known is not None and known.ends == (0, 0.0)
