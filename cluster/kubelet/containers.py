"""One container of a pod, from image to exit.

            pull            start              exit
  waiting ---------> waiting -----> running ---------> terminated
  ImagePull...          ^                                  |
                        |   restart policy, after back-off |
                        +------ CrashLoopBackOff <---------+

Models pkg/kubelet/kuberuntime and pkg/kubelet/images.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from cluster.machinery.clock import format_time, parse_time
from cluster.machinery.meta import Object
from cluster.runtime import Program
from cluster.runtime.container import Container

MAX_BACKOFF = 300.0
FIRST_BACKOFF = 10.0
BACKOFF_RESET = 600.0


@dataclass(slots=True)
class Check:
    """How the runs of one probe's command went; `passed` is what counts."""

    at: float
    passed: bool
    successes: int = 0
    failures: int = 0
    output: str = ""


@dataclass(slots=True)
class ContainerState:
    """`wake` is the next moment at which something happens by itself, or None."""

    name: str
    phase: Literal["waiting", "running", "terminated"] = "waiting"
    reason: str = "ContainerCreating"
    message: str = ""
    id: str = ""
    image_id: str = ""
    started_at: float = 0.0
    finished_at: float = 0.0
    exit_code: int = 0
    restarts: int = 0
    last: Object = field(default_factory=dict)
    program: Program | None = None
    live: Container | None = None  # of a program that has to be run
    checks: dict[str, Check] = field(default_factory=dict)
    why: str = ""  # the message of its termination
    pulling_until: float | None = None
    pull_started: float = 0.0
    pull_backoff: float = 0.0
    pull_retry_at: float | None = None
    backoff: float = 0.0
    restart_at: float | None = None
    ready: bool = False
    started: bool = False
    probe_at: float | None = None
    probe_failures: int = 0
    live_failures: int = 0
    kill_at: float | None = None  # the end of its grace after a failed liveness probe
    kill_code: int = 0

    @property
    def wake(self) -> float | None:
        moments = [
            self.pulling_until,
            self.pull_retry_at,
            self.restart_at,
            self.probe_at,
            self.kill_at,
        ]
        if self.phase == "running" and self.program is not None and self.program.ends:
            moments.append(self.started_at + self.program.ends[1])
        if self.phase == "running" and self.live is not None:
            moments.append(self.live.kernel.deadline())
        return min((m for m in moments if m is not None), default=None)

    def state(self) -> Object:
        """v1.ContainerState."""
        if self.phase == "running":
            return {"running": {"startedAt": format_time(self.started_at)}}
        if self.phase == "terminated":
            return {"terminated": self.termination()}
        waiting = {"reason": self.reason}
        if self.message:
            waiting["message"] = self.message
        return {"waiting": waiting}

    def termination(self) -> Object:
        out = {
            "exitCode": self.exit_code,
            "reason": self.reason,
            "startedAt": format_time(self.started_at),
            "finishedAt": format_time(self.finished_at),
            "containerID": self.id,
        }
        if self.why:
            out["message"] = self.why
        return out

    def status(self, spec: Object) -> Object:
        """v1.ContainerStatus."""
        out: Object = {
            "name": self.name,
            "image": spec.get("image", ""),
            "imageID": self.image_id,
            "lastState": self.last,
            "ready": self.ready,
            "restartCount": self.restarts,
            "started": self.started,
            "state": self.state(),
        }
        if self.id:
            out["containerID"] = self.id
        if resources := spec.get("resources"):
            out["resources"] = resources
            if requests := resources.get("requests"):
                out["allocatedResources"] = requests
        if mounts := spec.get("volumeMounts"):
            out["volumeMounts"] = [
                {**m, "recursiveReadOnly": "Disabled"} if m.get("readOnly") else m for m in mounts
            ]
        return out

    def finish(self, at: float, code: int, reason: str = "") -> None:
        self.phase = "terminated"
        self.finished_at = at
        self.exit_code = code
        self.reason = reason or ("Completed" if code == 0 else "Error")
        self.message = ""
        self.ready = self.started = False
        self.probe_at = self.kill_at = None
        self.live = None
        self.checks.clear()

    def next_restart(self) -> float:
        """When it may start again: at once the first time, then 10 s, 20 s... after its end."""
        if self.finished_at - self.started_at >= BACKOFF_RESET:
            self.backoff = 0.0
        if not self.backoff:
            return self.finished_at
        return self.finished_at + self.backoff

    def raise_backoff(self) -> None:
        self.backoff = min(self.backoff * 2 or FIRST_BACKOFF, MAX_BACKOFF)


def adopt(status: Object) -> ContainerState:
    """A container as its pod's status tells it, after the kubelet's process started anew."""
    state = status.get("state") or {}
    found = ContainerState(
        name=status["name"],
        id=status.get("containerID", ""),
        image_id=status.get("imageID", ""),
        restarts=status.get("restartCount", 0),
        last=status.get("lastState") or {},
        ready=status.get("ready", False),
        started=bool(status.get("started")),
    )
    if running := state.get("running"):
        found.phase = "running"
        found.reason = ""
        found.started_at = parse_time(running["startedAt"])
    elif ended := state.get("terminated"):
        found.phase = "terminated"
        found.exit_code = ended["exitCode"]
        found.why = ended.get("message", "")
        found.reason = ended.get("reason", "")
        found.started_at = parse_time(ended["startedAt"])
        found.finished_at = parse_time(ended["finishedAt"])
    elif waiting := state.get("waiting"):
        found.reason = waiting.get("reason", "ContainerCreating")
    if found.restarts:
        found.backoff = min(FIRST_BACKOFF * 2 ** (found.restarts - 1), MAX_BACKOFF)
    return found
