"""Tab: commands and paths that begin as what was typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.runtime.fs.nodes import Directory

if TYPE_CHECKING:
    from cluster.runtime.shell.interpreter import Shell


def candidates(shell: Shell, before: str) -> tuple[str, list[str]]:
    """(the word that is being typed, what it could become)."""
    word = before.rsplit(" ", 1)[-1]
    first = before.strip() == word and "/" not in word
    return word, _commands(shell, word) if first else _paths(shell, word)


def _commands(shell: Shell, word: str) -> list[str]:
    from cluster.runtime.shell.builtins import BUILTINS

    found = {name for name in (*BUILTINS, *shell.functions) if name.startswith(word)}
    for folder in shell.get("PATH").split(":"):
        node = shell.process.kernel.fs.get(folder)
        if isinstance(node, Directory):
            found.update(name for name in node.look() if name.startswith(word))
    return sorted(found) if word else []


def _paths(shell: Shell, word: str) -> list[str]:
    head, slash, tail = word.rpartition("/")
    folder = shell.process.kernel.fs.get(shell.process.path(head + slash or "."))
    if not isinstance(folder, Directory):
        return []
    out = []
    for name, _ in sorted(folder.look().items()):
        if name.startswith(tail) and (tail.startswith(".") or not name.startswith(".")):
            path = f"{head}{slash}{name}"
            is_folder = isinstance(shell.process.kernel.fs.get(shell.process.path(path)), Directory)
            out.append(path + "/" * is_folder)
    return out
