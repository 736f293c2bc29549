"""Hints leave in a thread of their own: who commits does not wait for Redis or the broker.

What is committed while one hint is under way goes out as one. A hint lost with the process is made
good like any other.
"""

from __future__ import annotations

import queue
import threading
from dataclasses import replace

from cluster.etcd.api import Hint
from workers.switchboard import Switchboard


class Announcer:
    """Call it with a hint, from any thread; `own` is the component that need not be told."""

    def __init__(self, board: Switchboard, own: str) -> None:
        self._board = board
        self._own = own
        self._hints: queue.SimpleQueue[Hint] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="announcer", daemon=True).start()

    def __call__(self, hint: Hint) -> None:
        self._hints.put(hint)

    def _run(self) -> None:
        while True:
            hint = self._hints.get()
            keys = dict.fromkeys(hint.keys)
            while not self._hints.empty():
                hint = self._hints.get()
                keys.update(dict.fromkeys(hint.keys))
            self._board.announce(replace(hint, keys=tuple(keys)), self._own)
