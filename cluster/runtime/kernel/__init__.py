"""A container's processes: coroutines that yield what they wait for, and what resumes them.

Nothing here waits by itself: `Kernel.run(now)` lets every process go as far as it can at that
moment of cluster time, and `Kernel.deadline()` says when the next one wants to go on. So the same
programs run headless, driven by the kubelet, and live, driven by a client's keys. Same inputs at
the same moments, same outputs. Not here: what programs do (`cluster.runtime.tools`, `.shell`).
"""

from cluster.runtime.kernel.files import OpenFile, Pipe, Sink, Source, open_node
from cluster.runtime.kernel.kernel import Kernel
from cluster.runtime.kernel.process import (
    TICK,
    Killed,
    Leave,
    Main,
    Process,
    Read,
    Run,
    Sleep,
    Syscall,
    Until,
    Wait,
)

__all__ = [
    "TICK",
    "Kernel",
    "Killed",
    "Leave",
    "Main",
    "OpenFile",
    "Pipe",
    "Process",
    "Read",
    "Run",
    "Sink",
    "Sleep",
    "Source",
    "Syscall",
    "Until",
    "Wait",
    "open_node",
]
