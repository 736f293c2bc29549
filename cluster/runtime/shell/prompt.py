"""The shell in front of a person, and the shell that reads a pipe."""

from __future__ import annotations

import signal
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from cluster.runtime.kernel import Process, Run, Syscall, Until
from cluster.runtime.shell.compound import CONTROL, Returned
from cluster.runtime.shell.expansion import ExpansionError
from cluster.runtime.shell.parser import parse
from cluster.runtime.shell.reader import ShellSyntaxError

if TYPE_CHECKING:
    from cluster.runtime.shell.interpreter import Shell


def piped(shell: Shell) -> Run:
    """Line by line, so that commands may read what follows."""
    text = ""
    while True:
        line = (yield from shell.process.read_line()).decode("utf-8", "surrogateescape")
        text += line
        try:
            tree = parse(text)
        except ShellSyntaxError as error:
            if error.incomplete and line:
                continue
            shell.complain(str(error))
            return 2
        text = ""
        try:
            yield from shell.sequence(tree)
        except ExpansionError as error:
            shell.complain(str(error))
            shell.status = 2
            return 2
        except (Returned, *CONTROL):
            pass
        if not line:
            return shell.status


def prompt_of(shell: Shell) -> str:
    container = shell.process.kernel.container
    template = container.prompt if container is not None else "# "
    if shell.name in ("dash", "sh") and shell.process.kernel.flavour == "debian":
        template = "# "
    template = shell.variables.get("PS1", template)
    where = shell.process.cwd
    home = shell.get("HOME", "/root")
    if where == home or where.startswith(f"{home}/"):
        where = f"~{where[len(home) :]}"
    host = container.hostname if container is not None else "localhost"
    user = "root"
    for mark, value in (("\\w", where), ("\\h", host), ("\\u", user), ("\\$", "#"), ("\\n", "\n")):
        template = template.replace(mark, value)
    if container is not None and container.user and template.endswith("# "):
        template = f"{template[:-2]}$ "
    return template


def interactive(shell: Shell) -> Run:
    """Prompt, read, run, until exit or Ctrl-D."""
    shell.interactive = True
    process = shell.process
    interrupts: list[int] = []
    process.handlers[signal.SIGINT] = interrupts.append
    process.handlers[signal.SIGQUIT] = process.handlers[signal.SIGTERM] = None
    text = ""
    while True:
        _report_jobs(shell)
        prompt = shell.get("PS2", "> ") if text else prompt_of(shell)
        line = yield from _ask(shell, prompt, interrupts)
        if interrupts:
            interrupts.clear()
            text, shell.status = "", 130
            continue
        if not line:
            if process.descriptor(0).is_tty:
                process.say("\n" if shell.name != "bash" else "exit\n", 2)
            return shell.status
        text += line
        try:
            tree = parse(text)
        except ShellSyntaxError as error:
            if error.incomplete:
                continue
            shell.complain(str(error))
            shell.status, text = 2, ""
            continue
        text = ""
        try:
            yield from shell.sequence(tree)
        except ExpansionError as error:
            shell.complain(str(error))
            shell.status = 2
        except (Returned, *CONTROL):
            pass
        interrupts.clear()


def _ask(shell: Shell, prompt: str, interrupts: list[int]) -> Generator[Syscall, Any, str]:
    process = shell.process
    file = process.descriptor(0)
    begin = getattr(file, "begin_line", None)
    if begin is not None:
        begin(prompt, shell)
    else:
        process.say(prompt, 2)
    line = bytearray()
    while not interrupts:
        found: list[bytes] = []

        def look(found: list[bytes] = found) -> bool:
            if interrupts or found:
                return True
            data = file.read(1)
            if data is not None:
                found.append(data)
            return bool(found)

        yield Until(look)
        if not found or not found[0]:
            break
        line += found[0]
        if found[0] == b"\n":
            break
    return line.decode("utf-8", "surrogateescape")


def _report_jobs(shell: Shell) -> None:
    left: list[Process] = []
    for at, job in enumerate(shell.jobs, 1):
        if job.status is None:
            left.append(job)
        else:
            shell.process.say(f"[{at}]+  Done                    {' '.join(job.argv[2:])}\n", 2)
            shell.process.kernel.reap(job)
    shell.jobs = left
