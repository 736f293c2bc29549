"""What a container does: a pure function of its image, command and pod.

A first, honest interpreter for what manifests and tutorials type: sleep, exit, echo, true, false,
date, and sequences of them in `sh -c`. Anything else is a program we do not know: it runs for ever
in a pod that restarts always, and for five seconds, successfully, in one that may end.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import orjson

from cluster.runtime.images import Image, image

UNKNOWN_SECONDS = 5.0
SHELLS = ("sh", "/bin/sh", "bash", "/bin/bash", "ash", "/bin/ash")


@dataclass(frozen=True, slots=True)
class Program:
    """`ends` is (exit code, seconds after the start) or None; `lines` are (seconds, text);
    `stop` is how long it takes to end after SIGTERM (None: it ignores it)."""

    ends: tuple[int, float] | None
    lines: tuple[tuple[float, str], ...]
    ports: tuple[int, ...]
    start: float
    stop: float | None


@dataclass(slots=True)
class _Script:
    """Where a sequence of commands has come to."""

    at: float = 0.0
    code: int = 0
    lines: list[tuple[float, str]] = field(default_factory=list)
    known: bool = True
    forever: bool = False


def program_for(container: dict[str, Any], restart_policy: str) -> Program:
    """Of a container of a pod spec."""
    key = orjson.dumps(
        [container.get("image", ""), container.get("command"), container.get("args"),
         {e["name"]: e.get("value", "") for e in container.get("env") or ()}, restart_policy]
    )  # fmt: skip
    return _program(key)


@lru_cache(maxsize=4096)
def _program(key: bytes) -> Program:
    reference, command, args, env, policy = orjson.loads(key)
    found = image(reference)
    argv = [*(command or ()), *(args or ())]
    if not command and (found.ports or (found.log and not found.exits)):
        argv = []  # arguments of an entry point we know: a server stays a server
    if not argv:
        return _bare(found)
    script = _Script()
    _run(script, [_expand(word, env) for word in argv], env)
    if not script.known:
        return _unknown(found, script, policy)
    ends = None if script.forever else (script.code, script.at)
    return Program(ends, tuple(script.lines), found.ports, found.start, None)


def _bare(found: Image) -> Program:
    lines = tuple((0.0, line) for line in found.log)
    stop = None if found.ignores_term else 0.0
    return Program(found.exits, lines, found.ports, found.start, stop)


def _unknown(found: Image, script: _Script, policy: str) -> Program:
    ends = None if policy == "Always" else (0, script.at + UNKNOWN_SECONDS)
    lines = (*((0.0, line) for line in found.log), *script.lines)
    return Program(ends, lines, found.ports, found.start, 0.0)


def _expand(word: str, env: dict[str, str]) -> str:
    for name, value in env.items():
        word = word.replace(f"$({name})", value)
    return word


def _run(script: _Script, argv: list[str], env: dict[str, str]) -> None:
    name = argv[0].rpartition("/")[2]
    if argv[0] in SHELLS and len(argv) > 2 and argv[1] in ("-c", "-ec", "-xc", "-exc"):
        _shell(script, argv[2], env, stop_on_error="e" in argv[1])
    elif name in ("sleep",) and len(argv) > 1:
        _sleep(script, argv[1])
    elif name in ("true", ":"):
        script.code = 0
    elif name == "false":
        script.code = 1
    elif name == "exit":
        script.code = int(argv[1]) & 255 if len(argv) > 1 and argv[1].isdigit() else script.code
    elif name == "echo":
        words = argv[1:]
        script.lines.append(
            (script.at, " ".join(words[1:] if words[:1] in (["-n"], ["-e"]) else words))
        )
        script.code = 0
    elif name == "date":
        script.lines.append((script.at, "{unix_date}"))
        script.code = 0
    elif name == "tail" and argv[-1] == "/dev/null":
        script.forever = True
    else:
        script.known = False


UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _sleep(script: _Script, text: str) -> None:
    if text in ("infinity", "inf"):
        script.forever = True
        return
    unit = UNITS.get(text[-1:], 1)
    try:
        script.at += float(text.rstrip("smhd")) * unit
    except ValueError:
        script.lines.append((script.at, f"sleep: invalid number '{text}'"))
        script.code = 1
        return
    script.code = 0


def _shell(script: _Script, text: str, env: dict[str, str], stop_on_error: bool) -> None:
    """`a; b && c || d`, one level deep; loops, pipes and redirects make it an unknown program."""
    if any(mark in text for mark in ("while ", "for ", "if ", "|&", "`", "$(", ">", "<", "\n\n")):
        script.known = False
        return
    for statement in text.replace("\n", ";").split(";"):
        if statement.strip() and not _statement(script, statement, env):
            return
        if stop_on_error and script.code:
            return


def _statement(script: _Script, statement: str, env: dict[str, str]) -> bool:
    """False when the script ended here."""
    for name, value in env.items():
        statement = statement.replace(f"${{{name}}}", value).replace(f"${name}", value)
    try:
        words = shlex.split(statement, comments=True)
    except ValueError:
        script.lines.append((script.at, "sh: syntax error: unterminated quoted string"))
        script.code = 2
        return False
    command: list[str] = []
    skip = False
    for word in [*words, "&&"]:
        if word not in ("&&", "||", "|"):
            command.append(word)
            continue
        if word == "|":
            script.known = False
            return False
        if command and not skip:
            _run(script, command, env)
            if command[0] == "exit" or script.forever or not script.known:
                return False
        skip = (script.code != 0) if word == "&&" else (script.code == 0)
        command = []
    return True
