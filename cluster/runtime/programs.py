"""What a container does: a function of its image, command and pod, as far as it is one.

The command is tried out in a container without a cluster, in no time. If all it does is to print,
compute, sleep and end, that is its program: its log and its end are known beforehand, shared by
all containers of that template, and nothing has to run. As soon as it wants to know more (the
date, its name, a volume, the network) or leaves something behind (a file), the program is `live`:
each container runs it for itself. See `cluster.runtime.pod`.

A program we do not know, of an image we do not know, runs for ever in a pod that restarts always,
and for five seconds, successfully, in one that may end.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from cluster.runtime.container import Container, NotExecutableError
from cluster.runtime.environment import expand
from cluster.runtime.images import Image, image
from cluster.runtime.kernel import Sink
from cluster.runtime.kernel.files import Null

WAKES = 300  # a program that sleeps more often than this is a live one
STEPS = 20_000
LINES = 2_000


@dataclass(frozen=True, slots=True)
class Program:
    """`ends` is (exit code, seconds after the start) or None; `lines` are (seconds, text);
    `stop` is how long it takes to end after SIGTERM (None: it ignores it). `refused` is why the
    runtime cannot start it. Lines of images have marks for the time in them."""

    ends: tuple[int, float] | None
    lines: tuple[tuple[float, str], ...]
    ports: tuple[int, ...]
    start: float
    stop: float | None
    argv: tuple[str, ...] = ()
    live: bool = False
    refused: str = ""
    marks: bool = False


def program_for(container: dict[str, Any], restart_policy: str) -> Program:
    """Of a container of a pod spec."""
    command, args = container.get("command"), container.get("args")
    if not command and not args and not container.get("stdin"):
        return _bare(container.get("image", ""))
    mounts = [m["mountPath"] for m in container.get("volumeMounts") or ()]
    env = {
        e["name"]: e.get("value", "") for e in container.get("env") or () if "valueFrom" not in e
    }
    key = orjson.dumps(
        [container.get("image", ""), command, args, env, restart_policy, mounts,
         bool(container.get("stdin")), container.get("workingDir")]
    )  # fmt: skip
    return _program(key)


@lru_cache(maxsize=1024)
def _bare(reference: str) -> Program:
    found = image(reference)
    if found.argv:
        return _tried(found, list(found.argv), {}, "Always", [], None)
    lines = tuple((0.0, line) for line in found.log)
    stop = None if found.ignores_term else 0.0
    return Program(found.exits, lines, found.ports, found.start, stop, marks=True)


@lru_cache(maxsize=4096)
def _program(key: bytes) -> Program:
    reference, command, args, env, policy, mounts, stdin, workdir = orjson.loads(key)
    found = image(reference)
    argv = [expand(word, env) for word in (*(command or ()), *(args or ()))]
    serves = found.ports or (found.log and not found.exits)
    if not command and serves and not found.argv:
        return _bare(reference)  # arguments of an entry point we know: a server stays a server
    if not argv:
        argv = list(found.argv) or ["sh"]
    elif not command and found.argv:
        argv = [*found.argv[:1], *argv]
    return _tried(found, argv, env, policy, mounts, workdir, stdin)


def _tried(
    found: Image, argv: list[str], env: dict[str, str], policy: str, mounts: list[str],
    workdir: str | None, stdin: bool = False,
) -> Program:  # fmt: skip
    live = Program(None, (), found.ports, found.start, None, tuple(argv), live=True)
    pod = {"metadata": {"name": "", "namespace": "", "uid": ""},
           "spec": {"restartPolicy": policy}}  # fmt: skip
    spec = {"name": "", "workingDir": workdir} if workdir else {"name": ""}
    box = Container(pod, spec, found, "", 0.0)
    box.sterile(mounts)
    box.env.update(env)
    chunks: list[tuple[float, bytes]] = []
    sink = Sink(lambda data: chunks.append((box.kernel.now, data)))
    try:
        source = box.curious("input") if stdin else Null()
        main = box.execute(argv, {0: source, 1: sink, 2: sink})
    except NotExecutableError as error:
        return Program((128, 0.0), (), (), 0.0, 0.0, tuple(argv), refused=str(error))
    wakes = 0
    while main.status is None:
        if box.kernel.run(box.kernel.now, STEPS) or box.kernel.seen or len(chunks) > LINES:
            return live
        moment = box.kernel.deadline()
        if main.status is not None or moment is None:
            break
        wakes += 1
        if wakes > WAKES:
            return live
        box.kernel.run(moment, 1)
    if box.kernel.seen:
        return live
    ends = None if main.status is None else (main.status, box.kernel.now)
    stop = 0.0 if box.serving else None
    marked = tuple((0.0, line) for line in found.log) if box.serving else ()
    lines = (*marked, *split(chunks))
    return Program(ends, lines, found.ports, found.start, stop, tuple(argv), marks=bool(marked))


def split(chunks: list[tuple[float, bytes]], whole: bool = False) -> list[tuple[float, str]]:
    """What was written, in lines; a line belongs to the moment at which it ended. `whole`: the
    last one only if it has ended."""
    out: list[tuple[float, str]] = []
    rest = b""
    at = 0.0
    for at, data in chunks:
        *lines, rest = (rest + data).replace(b"\r\n", b"\n").split(b"\n")
        out += [(at, line.decode("utf-8", "replace")) for line in lines]
    if rest and not whole:
        out.append((at, rest.decode("utf-8", "replace")))
    return out
