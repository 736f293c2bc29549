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
from cluster.machinery import errors
from cluster.machinery.clock import Anchor, Clock, parse_time
from cluster.machinery.meta import Object
from cluster.runtime import LogOptions, Program, program_for, read_log
from cluster.runtime.logs import next_line_at

LONGEST_WAIT = 1.0  # seconds outside the cluster between looks at a followed container

Find = Callable[[str, str], Object | None]
Written = Callable[[str, str, str], list[Line]]  # namespace, pod, container


class RuntimeLogs:
    """`find` gives the current pod, for followers; `anchor` says how fast time passes; `written`
    are lines that follow from no program."""

    def __init__(
        self,
        clock: Clock,
        find: Find,
        anchor: Callable[[], Anchor],
        written: Written = lambda namespace, pod, container: [],
    ) -> None:
        self._written = written
        self._clock = clock
        self._find = find
        self._anchor = anchor

    def read(self, pod: Object, request: LogRequest) -> list[bytes]:
        program, started, ended = self._span(pod, request)
        now = self._clock.now()
        until = now if ended is None else min(now, ended)
        return read_log(program, started, until, _options(request))

    async def follow(self, pod: Object, request: LogRequest) -> AsyncIterator[bytes]:
        program, started, ended = self._span(pod, request)
        for line in self.read(pod, request):
            yield line
        seen = self._clock.now()
        meta = pod["metadata"]
        while ended is None or seen < ended:
            await asyncio.sleep(self._pause(program, started, seen))
            current = self._find(meta["namespace"], meta["name"])
            if current is None or current["metadata"]["uid"] != meta["uid"]:
                return
            before = len(read_log(program, started, seen))
            program, again, ended = self._span(current, replace(request, previous=False))
            if again != started:
                return
            now = self._clock.now()
            until = now if ended is None else min(now, ended)
            options = LogOptions(timestamps=request.timestamps)
            for line in read_log(program, started, until, options)[before:]:
                yield line
            seen = now

    def _pause(self, program: Program, started: float, seen: float) -> float:
        due = next_line_at(program, started, seen)
        anchor = self._anchor()
        if due is None or anchor.speed <= 0:
            return LONGEST_WAIT
        return min(LONGEST_WAIT, max(0.01, (due - seen) / anchor.speed))

    def _span(self, pod: Object, request: LogRequest) -> tuple[Program, float, float | None]:
        """(what it runs, its start, its end or None). Raises StatusError when it never ran."""
        spec = _spec(pod, request.container)
        program = program_for(spec, pod["spec"].get("restartPolicy", "Always"))
        state, last = _states(pod, request.container)
        meta = pod["metadata"]
        written = self._written(meta["namespace"], meta["name"], request.container)
        if request.previous:
            if not last:
                name = pod["metadata"]["name"]
                raise errors.bad_request(
                    f'previous terminated container "{request.container}" in pod "{name}" not found'
                )
            return (
                _with(program, written, last),
                parse_time(last["startedAt"]),
                parse_time(last["finishedAt"]),
            )
        if running := state.get("running"):
            return _with(program, written, running), parse_time(running["startedAt"]), None
        if ended := state.get("terminated") or last:
            return (
                _with(program, written, ended),
                parse_time(ended["startedAt"]),
                parse_time(ended["finishedAt"]),
            )
        reason = (state.get("waiting") or {}).get("reason") or "ContainerCreating"
        raise waiting(pod, request.container, reason)


def _options(request: LogRequest) -> LogOptions:
    return LogOptions(request.timestamps, request.tail, request.since, request.limit_bytes)


def _with(program: Program, written: list[Line], state: Object) -> Program:
    """The program as if it had written these lines by itself, while it was in this state."""
    if not written:
        return program
    started = parse_time(state["startedAt"])
    more = [(line.at - started, line.text) for line in written if line.at >= started]
    return replace(program, lines=tuple(sorted([*program.lines, *more], key=itemgetter(0))))


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
    for field in ("containerStatuses", "initContainerStatuses"):
        for entry in status.get(field) or ():
            if entry["name"] == container:
                last = (entry.get("lastState") or {}).get("terminated") or {}
                return entry.get("state") or {}, last
    return {}, {}
