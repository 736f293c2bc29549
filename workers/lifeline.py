"""A child ends when its supervisor does, however that ended.

The supervisor holds the write end of a pipe for as long as it lives; a thread in each child waits
for the pipe's end. Nothing polls.
"""

from __future__ import annotations

import os
import signal
import threading

VARIABLE = "ORRERY_LIFELINE"
GRACE = 4.0  # seconds for an orderly end


def hold() -> None:
    """Called once by every child; without a supervisor it does nothing."""
    descriptor = os.environ.pop(VARIABLE, "")
    if descriptor:
        threading.Thread(target=_wait, args=[int(descriptor)], daemon=True).start()


def _wait(descriptor: int) -> None:
    while os.read(descriptor, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(GRACE)
    os._exit(1)
