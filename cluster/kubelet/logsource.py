"""Container logs for the API server. Models the kubelet's containerLogs endpoint.

A container's lines follow from its program and from the start and end that its pod's status
tells, so any process can read them, whatever became of the kubelet's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from operator import itemgetter

from cluster.apiserver.http.logs import LogRequest, waiting
from cluster.apiserver.writtenlogs import Line
from cluster.kubelet.pictures import Pictures
from cluster.machinery import errors
from cluster.machinery.clock import Anchor, Clock, parse_time
from cluster.machinery.meta import Object
from cluster.runtime import LogOptions, Program, program_for, read_log
from cluster.runtime.logs import next_line_at
from cluster.runtime.programs import split

LONGEST_WAIT = 1.0  # seconds outside the cluster between looks at a followed container

Find = Callable[[str, str], Object | None]
Written = Callable[[str, str, str], list[Line]]  # namespace, pod, container


class RuntimeLogs:
    """`find` gives the current pod, for followers; `anchor` says how fast time passes; `written`
    are lines that follow from no program; `pictures` run those programs that have to be run."""

    def __init__(
        self,
        clock: Clock,
        find: Find,
        anchor: Callable[[], Anchor],
        written: Written = lambda namespace, pod, container: [],
        pictures: Pictures | None = None,
    ) -> None:
        self._pictures = pictures
        self._written = written
        self._clock = clock
        self._find = find
        self._anchor = anchor

    def read(self, pod: Object, request: LogRequest) -> list[bytes]:
        program, started, ended = self._span(pod, request)
        return read_log(program, started, self._until(ended), _options(request))

    def _until(self, ended: float | None) -> float:
        """Moments in the API are whole seconds: a second after the end all has been said."""
        now = self._clock.now()
        return now if ended is None else min(now, ended + 1)

    async def follow(self, pod: Object, request: LogRequest) -> AsyncIterator[bytes]:
        program, started, ended = self._span(pod, request)
        for line in self.read(pod, request):
            yield line
        seen = self._until(ended)
        meta = pod["metadata"]
        while ended is None:
            await asyncio.sleep(self._pause(pod, request, program, started, seen))
            current = self._find(meta["namespace"], meta["name"])
            if current is None or current["metadata"]["uid"] != meta["uid"]:
                return
            before = len(read_log(program, started, seen))
            program, again, ended = self._span(current, replace(request, previous=False))
            if again != started:
                return
            seen = self._until(ended)
            options = LogOptions(timestamps=request.timestamps)
            for line in read_log(program, started, seen, options)[before:]:
                yield line

    def _pause(
        self, pod: Object, request: LogRequest, program: Program, started: float, seen: float
    ) -> float:
        due = next_line_at(program, started, seen)
        if program.live and self._pictures is not None:
            live = self._pictures.container(pod, request.container, seen)
            due = live.kernel.deadline() if live is not None else None
        anchor = self._anchor()
        if due is None or anchor.speed <= 0:
            return LONGEST_WAIT
        return min(LONGEST_WAIT, max(0.01, (due - seen) / anchor.speed))

    def _span(self, pod: Object, request: LogRequest) -> tuple[Program, float, float | None]:
        """(what it runs, its start, its end or None). Raises StatusError when it never ran."""
        spec = _spec(pod, request.container)
        program = program_for(spec, pod["spec"].get("restartPolicy", "Always"))
        state, last = _states(pod, request.container)
        if request.previous:
            if not last:
                name = pod["metadata"]["name"]
                raise errors.bad_request(
                    f'previous terminated container "{request.container}" in pod "{name}" not found'
                )
            found = last
        else:
            found = state.get("running") or state.get("terminated") or last
        if not found:
            reason = (state.get("waiting") or {}).get("reason") or "ContainerCreating"
            raise waiting(pod, request.container, reason)
        started = parse_time(found["startedAt"])
        ended = parse_time(found["finishedAt"]) if "finishedAt" in found else None
        return self._with_lines(program, pod, request.container, started, ended), started, ended

    def _with_lines(
        self, program: Program, pod: Object, name: str, started: float, ended: float | None
    ) -> Program:
        """The program as if all its lines were known beforehand."""
        meta = pod["metadata"]
        end = float("inf") if ended is None else ended + 1
        written = [
            (line.at - started, line.text)
            for line in self._written(meta["namespace"], meta["name"], name)
            if started <= line.at <= end
        ]
        lines = program.lines
        if program.live and not written and self._pictures is not None:
            run = self._pictures.past(pod, name, started, self._until(ended))
            if run is not None:
                found = split(run.chunks, whole=ended is None)
                lines = tuple((at - started, text) for at, text in found)
        if written:
            lines = tuple(sorted([*lines, *written], key=itemgetter(0)))
        return replace(program, lines=lines)


def _options(request: LogRequest) -> LogOptions:
    return LogOptions(request.timestamps, request.tail, request.since, request.limit_bytes)


def _spec(pod: Object, container: str) -> Object:
    for field in ("containers", "initContainers", "ephemeralContainers"):
        for spec in pod["spec"].get(field) or ():
            if spec["name"] == container:
                found: Object = spec
                return found
    name = pod["metadata"]["name"]
    raise errors.bad_request(f"container {container} is not valid for pod {name}")


def _states(pod: Object, container: str) -> tuple[Object, Object]:
    """(current state, how it ended last time)."""
    status = pod.get("status") or {}
    for field in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
        for entry in status.get(field) or ():
            if entry["name"] == container:
                last = (entry.get("lastState") or {}).get("terminated") or {}
                return entry.get("state") or {}, last
    return {}, {}
