"""An API server's own pictures of pods, kept while somebody looks into them."""

from __future__ import annotations

from cluster.machinery.clock import parse_time
from cluster.machinery.meta import Object
from cluster.runtime.around import Surroundings
from cluster.runtime.container import Container
from cluster.runtime.pod import PodRun, status_of

KEPT = 64  # pods


class Pictures:
    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._runs: dict[str, PodRun] = {}

    def of(self, pod: Object) -> PodRun:
        """The picture of the pod, which is as given; the oldest pictures are forgotten."""
        uid = pod["metadata"]["uid"]
        found = self._runs.pop(uid, None) or PodRun(pod, self._around)
        self._runs[uid] = found
        found.pod = pod
        while len(self._runs) > KEPT:
            self._runs.pop(next(iter(self._runs)))
        return found

    def peek(self, pod: Object) -> PodRun | None:
        """The picture, if there is one."""
        return self._runs.get(pod["metadata"]["uid"])

    def container(self, pod: Object, name: str, now: float) -> Container | None:
        """The running container as it is at this moment, or None when it does not run."""
        run = self.of(pod)
        found = run.container(name)
        if found is not None:
            run.follow(found, now)
        return found

    def past(self, pod: Object, name: str, started: float, until: float) -> Container | None:
        """The run that began then, as it was at the end or at this moment."""
        status = status_of(pod, name) or {}
        states = [status.get("state") or {}, status.get("lastState") or {}]
        for state in states:
            ended = state.get("terminated") or {}
            if "running" in state or ended.get("containerID"):
                identity = ended.get("containerID") or status.get("containerID", "")
                begun = (state.get("running") or ended).get("startedAt")
                if begun is not None and parse_time(begun) == started:
                    run = self.of(pod)
                    found = run.run(name, identity, started)
                    run.follow(found, until)
                    return found
        return None
