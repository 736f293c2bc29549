"""One process that waits, so that nobody else has to: it fires deadlines and keeps the clock.

It sleeps until the earliest deadline, in wall time at the cluster's present pace, or until told
that the pace or the earliest deadline changed. Every few seconds it looks after what may have
been lost on the way (hints, tasks), lets store leases expire, and notes what time it is, so that
the cluster's time goes on after a restart where it stopped.
"""

from __future__ import annotations

import logging
import time
from contextlib import closing
from pathlib import Path

from django.db import Error as DatabaseError
from django.db import connection

from cluster.apiserver.leases import expire
from workers.components import component_names
from workers.savedtime import INTERVAL, save_time
from workers.switchboard import UNREACHABLE
from workers.wiring import Live

log = logging.getLogger(__name__)

PAUSE_AFTER_ERROR = 1.0


class Timekeeper:
    def __init__(self, live: Live, saved: Path) -> None:
        self._live = live
        self._board = live.board
        self._saved = saved
        self._look_at = 0.0
        self._marks: dict[str, str] = {}
        self._behind = 0

    def run(self) -> None:
        """Until a signal ends it. While Redis or the database is away, deadlines wait for them."""
        try:
            while True:
                self._try_to_serve()
                time.sleep(PAUSE_AFTER_ERROR)
        finally:
            self._save(stopped=True)

    def _try_to_serve(self) -> None:
        try:
            self._serve()
        except UNREACHABLE as error:
            log.warning("Redis is not reachable: %s", error)
        except DatabaseError as error:
            log.warning("the database is not reachable: %s", error)
            connection.close()

    def _serve(self) -> None:
        with closing(self._board.redis.pubsub(ignore_subscribe_messages=True)) as channel:
            channel.subscribe(self._board.timekeeper_channel)
            channel.get_message(timeout=1.0)  # subscribed: from here on nothing is missed
            self._live.follow_clock()
            self._board.wake_many(component_names())
            while True:
                self._board.fire(self._live.clock.now())
                self._look_after_the_rest()
                message = channel.get_message(timeout=self._wait())
                if message is not None and message["data"] == "clock":
                    self._live.follow_clock()

    def _wait(self) -> float:
        """Wall seconds until there is something to do."""
        wait = self._look_at - time.monotonic()
        deadline = self._board.next_deadline()
        if deadline is not None:
            wall = self._live.clock.anchor.wall_at(deadline)
            if wall is not None:
                wait = min(wait, wall - time.time())
        return max(0.0, wait)

    # ---- every few seconds

    def _look_after_the_rest(self) -> None:
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + INTERVAL
        self._resend()
        self._compare()
        expire(self._live.store, self._live.clock.now())
        self._save()

    def _resend(self) -> None:
        """Who is as dirty as last time has perhaps lost its task; one too many does no harm."""
        marks = self._board.marks()
        stuck = [c for c, mark in marks.items() if self._marks.get(c) == mark]
        self._marks = marks
        self._board.send_to(c for c in stuck if c in component_names())

    def _compare(self) -> None:
        """A revision that no hint told of, twice in a row: wake everyone."""
        revision, announced = self._live.store.revision(), self._board.announced()
        lost = self._behind if self._behind > announced else 0
        self._behind = revision if revision > announced else 0
        if lost:
            self._board.wake_many(component_names())
            self._board.found(revision)

    def _save(self, stopped: bool = False) -> None:
        save_time(self._saved, self._live.clock.anchor, self._live.clock.now(), stopped)
