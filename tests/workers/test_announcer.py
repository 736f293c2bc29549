"""Hints leave beside the commits, several as one."""

from __future__ import annotations

import threading
from typing import cast

from cluster.etcd.api import Hint
from workers.announcer import Announcer
from workers.switchboard import Switchboard


class SlowBoard:
    """Takes its time with the first hint, as a busy Redis would."""

    def __init__(self) -> None:
        self.heard: list[tuple[Hint, str]] = []
        self.busy = threading.Event()
        self.go_on = threading.Event()
        self.done = threading.Semaphore(0)

    def announce(self, hint: Hint, own: str = "") -> None:
        self.heard.append((hint, own))
        self.busy.set()
        self.go_on.wait(5)
        self.done.release()


def hint(revision: int, *keys: bytes) -> Hint:
    return Hint("test", 1, revision, keys)


def test_what_is_committed_while_a_hint_is_under_way_goes_out_as_one() -> None:
    board = SlowBoard()
    announce = Announcer(cast(Switchboard, board), "scheduler")
    announce(hint(2, b"/a"))
    assert board.busy.wait(5)
    announce(hint(3, b"/a", b"/b"))  # neither waits for the first
    announce(hint(4, b"/c"))
    board.go_on.set()
    assert board.done.acquire(timeout=5)
    assert board.done.acquire(timeout=5)
    assert [(h.revision, h.keys, own) for h, own in board.heard] == [
        (2, (b"/a",), "scheduler"),
        (4, (b"/a", b"/b", b"/c"), "scheduler"),
    ]
