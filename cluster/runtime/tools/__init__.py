"""The programs in simulated containers: one file a group, one line in TOOLS each.

A tool takes its process and its arguments and returns the exit code; one that reads or waits is a
coroutine. Texts and codes are busybox's where it and coreutils differ. Other packages add theirs
with `register` (or a line here). Not here: the shell and its builtins.
"""

from __future__ import annotations

from cluster.runtime.kernel import Main
from cluster.runtime.tools import (
    archives,
    awk,
    conditions,
    curl,
    daemons,
    directories,
    files,
    filters,
    find,
    grep,
    hashes,
    network,
    processes,
    sed,
    servers,
    system,
    text,
)

TOOLS: dict[str, Main] = {
    **archives.TOOLS,
    **awk.TOOLS,
    **conditions.TOOLS,
    **curl.TOOLS,
    **daemons.TOOLS,
    **directories.TOOLS,
    **files.TOOLS,
    **filters.TOOLS,
    **find.TOOLS,
    **grep.TOOLS,
    **hashes.TOOLS,
    **network.TOOLS,
    **processes.TOOLS,
    **sed.TOOLS,
    **servers.TOOLS,
    **system.TOOLS,
    **text.TOOLS,
}


def register(name: str, main: Main) -> None:
    """A tool of another package, by its program's name. Images list it in their `tools`."""
    TOOLS[name] = main


__all__ = ["TOOLS", "register"]
