"""Scenarios in the running cluster: time passes by itself, hints tell of changes."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing

from cluster.client import Client, Resource
from cluster.machinery.meta import Object
from workers.wiring import Live, connect

LOOK = 1.0  # wall seconds after which a lost hint does no more harm


class LiveStage:
    """Fills `cluster.simulation.scenario.Stage`."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self.client: Client = live.client("kubernetes-admin")

    @classmethod
    def connect(cls) -> LiveStage:
        return cls(connect())

    def now(self) -> float:
        self._live.follow_clock()
        return self._live.clock.now()

    def objects(self, resource: Resource, namespace: str) -> list[Object]:
        return self.client.list(resource, namespace)

    def run_until(self, reached: Callable[[], bool], within: float) -> bool:
        end = self.now() + within
        board = self._live.board
        with closing(board.redis.pubsub(ignore_subscribe_messages=True)) as channel:
            channel.subscribe(board.hints_channel)
            channel.get_message(timeout=1.0)
            while True:
                if reached():
                    return True
                if self.now() >= end:
                    return False
                channel.get_message(timeout=self._wait(end))

    def _wait(self, end: float) -> float:
        """Wall seconds to the end at the cluster's present pace; while paused, until a hint."""
        wall = self._live.clock.anchor.wall_at(end)
        return LOOK if wall is None else max(0.0, min(LOOK, wall - time.time()))
