"""sleep, timeout, kill, ps, pgrep, nohup, env, xargs, watch, time."""

from __future__ import annotations

import re
import shlex
import signal

from cluster.runtime.kernel import Main, Process, Run, Until
from cluster.runtime.tools.options import parse

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(text: str) -> float | None:
    """Seconds; None when it is no number."""
    if text in ("infinity", "inf"):
        return float("inf")
    match = re.fullmatch(r"(\d+\.?\d*|\.\d+)([smhd]?)", text)
    return float(match[1]) * UNITS.get(match[2], 1) if match else None


def sleep(process: Process, arguments: list[str]) -> Run | int:
    if not arguments:
        process.error("missing operand")
        return 1
    total = 0.0
    for argument in arguments:
        seconds = duration(argument)
        if seconds is None:
            process.error(f"invalid number '{argument}'")
            return 1
        total += seconds
    return _sleep(process, total)


def _sleep(process: Process, seconds: float) -> Run:
    if seconds == float("inf"):
        yield Until(lambda: False)
    yield from process.sleep(seconds)
    return 0


def launch(process: Process, words: list[str], env: dict[str, str] | None = None) -> Process | None:
    """Start a command as a child; None after saying that it cannot be found."""
    from cluster.runtime.loader import load

    environment = process.env if env is None else env
    program, argv = load(process, words, environment.get("PATH", ""))
    if program is None:
        process.error(f"can't execute '{words[0]}': No such file or directory")
        return None
    child = process.fork(argv)
    child.env = environment
    process.kernel.start(child, program)
    return child


def timeout(process: Process, arguments: list[str]) -> Run:
    options, rest = _leading(process, arguments, "s:k:")
    if len(rest) < 2:
        process.error("usage: timeout [-s SIG] [-k KILL_SECS] SECS PROG ARGS")
        return 125
    seconds = duration(rest[0])
    child = launch(process, rest[1:])
    if child is None:
        return 127
    yield Until(lambda: child.status is not None, process.kernel.now + (seconds or 0.0))
    if child.status is None:
        process.kernel.end(child, _signal(options.get("s", "TERM")) or signal.SIGTERM)
        yield from process.wait([child])
        return 143 if "s" not in options else 128 + (_signal(options["s"]) or 15)
    return (yield from process.wait([child]))


def _leading(process: Process, arguments: list[str], spec: str) -> tuple[dict[str, str], list[str]]:
    """Options up to the first operand; a command's own stay with it."""
    at = 0
    while at < len(arguments) and arguments[at].startswith("-") and len(arguments[at]) > 1:
        if arguments[at] == "--":
            at += 1
            break
        takes = len(arguments[at]) == 2 and f"{arguments[at][1]}:" in spec
        at += 2 if takes else 1
    options, _ = parse(process, [a for a in arguments[:at] if a != "--"], spec)
    return options, arguments[at:]


def _signal(text: str) -> int | None:
    from cluster.runtime.shell.builtins import signal_number

    return signal_number(text)


def kill(process: Process, arguments: list[str]) -> int:
    rest = list(arguments)
    number: int | None = signal.SIGTERM
    if rest[:1] == ["-l"]:
        for s in signal.Signals:
            process.line(f"{s.value:2}) {s.name.removeprefix('SIG')}")
        return 0
    if rest and rest[0] == "-s" and len(rest) > 1:
        number, rest = _signal(rest[1]), rest[2:]
    elif rest and re.fullmatch(r"-[A-Za-z0-9]+", rest[0]):
        number, name = _signal(rest[0][1:]), rest.pop(0)
        if number is None:
            process.say(f"sh: bad signal name '{name[1:]}'\n", 2)
            return 1
    if not rest:
        process.say("sh: you need to specify whom to kill\n", 2)
        return 1
    status = 0
    for pid in rest:
        if not re.fullmatch(r"-?\d+", pid):
            process.say(f"sh: invalid number '{pid}'\n", 2)
            status = 1
        elif not _send(process, int(pid), number or 0):
            process.say(f"sh: can't kill pid {pid}: No such process\n", 2)
            status = 1
    return status


def _send(process: Process, pid: int, number: int) -> bool:
    kernel = process.kernel
    if pid > 0:
        return kernel.kill(pid, number)
    found = [p for p in list(kernel.processes) if p > 1 and p != process.pid]
    sent = [kernel.kill(p, number) for p in found]
    return any(sent)


def killall(process: Process, arguments: list[str]) -> int:
    number, names = signal.SIGTERM, list(arguments)
    if names and names[0].startswith("-"):
        number = _signal(names.pop(0)[1:]) or signal.SIGTERM  # type: ignore[assignment]
    status = 0
    for name in names:
        found = [p for p in list(process.kernel.processes.values()) if _name(p) == name]
        for target in found:
            process.kernel.kill(target.pid, number)
        if not found:
            process.error(f"{name}: no process killed")
            status = 1
    return status


def _name(process: Process) -> str:
    return process.argv[0].rpartition("/")[2].rstrip(":") if process.argv else ""


def shown(process: Process) -> str:
    return " ".join(process.argv)


def ps(process: Process, arguments: list[str]) -> int:
    everyone = sorted(process.kernel.processes.values(), key=lambda p: p.pid)
    full = any(a.lstrip("-").startswith(("ef", "au", "aux")) for a in arguments)
    if "busybox" in process.kernel.flavour and not (full and process.kernel.flavour != "busybox"):
        process.line("PID   USER     TIME  COMMAND")
        for one in everyone:
            process.line(f"{one.pid:5} root      0:00 {shown(one)}")
        return 0
    if full and arguments[0].lstrip("-").startswith("a"):
        process.line("USER       PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND")
        for one in everyone:
            process.line(
                f"root     {one.pid:7}  0.0  0.0   4364  3140 ?        Ss   "
                f"{_clock(one.started_at)}   0:00 {shown(one)}"
            )
    elif full:
        process.line("UID          PID    PPID  C STIME TTY          TIME CMD")
        for one in everyone:
            parent = one.parent.pid if one.parent else 0
            process.line(
                f"root     {one.pid:7} {parent:7}  0 {_clock(one.started_at)} "
                f"?        00:00:00 {shown(one)}"
            )
    else:
        process.line("    PID TTY          TIME CMD")
        for one in everyone:
            process.line(f"{one.pid:7} ?        00:00:00 {_name(one)}")
    return 0


def _clock(moment: float) -> str:
    return f"{int(moment // 3600 % 24):02}:{int(moment // 60 % 60):02}"


def pgrep(process: Process, arguments: list[str]) -> int:
    options, names = parse(process, arguments, "flxo")
    found = [
        p for p in process.kernel.processes.values()
        if p is not process and re.search(names[0] if names else "", shown(p) if "f" in options
                                          else _name(p))
    ]  # fmt: skip
    for one in found:
        process.line(f"{one.pid} {shown(one)}" if "l" in options else str(one.pid))
    return int(not found)


def env(process: Process, arguments: list[str]) -> Run | int:
    rest = list(arguments)
    values = dict(process.env)
    while rest and (rest[0].startswith("-") or "=" in rest[0]):
        word = rest.pop(0)
        if word in ("-i", "-"):
            values = {}
        elif word == "-u" and rest:
            values.pop(rest.pop(0), None)
        elif "=" in word:
            name, _, value = word.partition("=")
            values[name] = value
    if rest:
        return _replaced(process, rest, values)
    process.kernel.look("env")
    for name, value in values.items():
        process.line(f"{name}={value}")
    return 0


def _replaced(process: Process, words: list[str], values: dict[str, str]) -> Run:
    child = launch(process, words, values)
    return 127 if child is None else (yield from process.wait([child]))


def printenv(process: Process, arguments: list[str]) -> int:
    process.kernel.look("env")
    if not arguments:
        for name, value in process.env.items():
            process.line(f"{name}={value}")
        return 0
    missing = 0
    for name in arguments:
        if name in process.env:
            process.line(process.env[name])
        else:
            missing = 1
    return missing


def wrapper(process: Process, arguments: list[str]) -> Run | int:
    """nohup, nice, setsid, stdbuf, time: run the command."""
    _, rest = _leading(process, arguments, "n:o:e:i:")
    return _replaced(process, rest, process.env) if rest else 0


def time(process: Process, arguments: list[str]) -> Run:
    began = process.kernel.now
    status = (yield from _replaced(process, arguments, process.env)) if arguments else 0
    took = process.kernel.now - began
    process.say(f"real\t{int(took // 60)}m {took % 60:.2f}s\nuser\t0m 0.00s\nsys\t0m 0.00s\n", 2)
    return status


def xargs(process: Process, arguments: list[str]) -> Run:
    options, words = _leading(process, arguments, "n:I:d:0rtP:L:")
    data = (yield from process.read_all()).decode("utf-8", "surrogateescape")
    if "0" in options:
        items = [i for i in data.split("\0") if i]
    elif "d" in options or "I" in options:
        mark = {"\\n": "\n", "\\0": "\0"}.get(options.get("d", "\n"), options.get("d", "\n"))
        items = [i.strip() if "I" in options else i for i in data.rstrip("\n").split(mark) if i]
    else:
        try:
            items = shlex.split(data)
        except ValueError:
            process.error("unmatched quote")
            return 1
    command = words or ["echo"]
    if "I" in options:
        calls = [[w.replace(options["I"], item) for w in command] for item in items]
    else:
        size = int(options.get("n", options.get("L", "0"))) or max(1, len(items))
        calls = [[*command, *items[at : at + size]] for at in range(0, len(items), size)]
        if not items and "r" not in options:
            calls = [command]
    status = 0
    for call in calls:
        child = launch(process, call)
        if child is None:
            return 127
        status = 123 if (yield from process.wait([child])) else status
    return status


def watch(process: Process, arguments: list[str]) -> Run:
    options, words = _leading(process, arguments, "n:dtc")
    pause = float(options.get("n", 2))
    while True:
        if "t" not in options:
            process.say(f"\x1b[H\x1b[JEvery {pause:.1f}s: {' '.join(words)}\n\n")
        child = launch(process, ["sh", "-c", " ".join(words)])
        if child is not None:
            yield from process.wait([child])
        yield from process.sleep(pause)


TOOLS: dict[str, Main] = {
    "env": env, "kill": kill, "killall": killall, "nice": wrapper, "nohup": wrapper,
    "pgrep": pgrep, "pidof": pgrep, "printenv": printenv, "ps": ps, "setsid": wrapper,
    "sleep": sleep, "stdbuf": wrapper, "time": time, "timeout": timeout, "usleep": sleep,
    "watch": watch, "xargs": xargs,
}  # fmt: skip
