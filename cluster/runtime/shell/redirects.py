"""Redirections: where a command's descriptors lead, and back again."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from cluster.runtime.fs.nodes import File
from cluster.runtime.kernel import OpenFile, Process, Syscall, open_node
from cluster.runtime.shell import expansion
from cluster.runtime.shell.nodes import Redirect

if TYPE_CHECKING:
    from cluster.runtime.shell.interpreter import Shell

# Descriptor -> what it was before; each holds a reference, so that nothing closes meanwhile.
Saved = dict[int, OpenFile | None]


def apply(shell: Shell, wanted: list[Redirect]) -> Generator[Syscall, Any, Saved | None]:
    """None when one of them failed; then all are undone, and it was said why."""
    saved: Saved = {}
    for redirect in wanted:
        target = yield from expansion.text(shell, redirect.target)
        try:
            _one(shell, redirect, target, saved)
        except OSError as error:
            verb = "open" if redirect.op.startswith("<") else "create"
            reason = error.strerror or ""
            if reason == "No such file or directory":
                reason = "no such file" if verb == "open" else "nonexistent directory"
            restore(shell.process, saved)
            shell.complain(
                f"{target}: {error.strerror}"
                if error.errno == 9
                else f"can't {verb} {target}: {reason}"
            )
            return None
    return saved


def _one(shell: Shell, redirect: Redirect, target: str, saved: Saved) -> None:
    process, op = shell.process, redirect.op
    if op in ("<<", "<<-", "<<<"):
        body = target + ("\n" if op == "<<<" else "")
        node = File(body.encode("utf-8", "surrogateescape"))
        _install(
            process,
            saved,
            0 if redirect.fd == 1 else redirect.fd,
            open_node(node, "", lambda: 0.0, lambda: None),
        )
    elif op in ("<&", ">&"):
        if op == ">&" and not target.isdigit() and target != "-":
            opened = process.open(target, "w")
            _install(process, saved, 1, opened)
            _install(process, saved, 2, opened)
        elif target == "-":
            _save(process, saved, redirect.fd)
            process.close(redirect.fd)
        else:
            _install(process, saved, redirect.fd, process.descriptor(int(target)))
    elif op == "&>":
        opened = process.open(target, "w")
        _install(process, saved, 1, opened)
        _install(process, saved, 2, opened)
    else:
        modes = {"<": "r", ">": "w", ">|": "w", ">>": "a", "<>": "x"}
        _install(process, saved, redirect.fd, process.open(target, modes[op]))


def _save(process: Process, saved: Saved, fd: int) -> None:
    if fd not in saved:
        old = process.fds.get(fd)
        if old is not None:
            old.refs += 1
        saved[fd] = old


def _install(process: Process, saved: Saved, fd: int, file: OpenFile) -> None:
    _save(process, saved, fd)
    process.install(fd, file)


def restore(process: Process, saved: Saved) -> None:
    for fd, old in saved.items():
        if old is None:
            process.close(fd)
        else:
            process.install(fd, old)
            old.refs -= 1
    saved.clear()


def keep(saved: Saved) -> None:
    """`exec > file`: there is no way back."""
    for old in saved.values():
        if old is not None:
            old.refs -= 1
            if old.refs <= 0:
                old.closed()
    saved.clear()
