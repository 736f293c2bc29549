"""Who hears of what: hints to tailers, wake-ups to components, deadlines to the timekeeper.

Everything here may be lost at any moment, since Redis is not the truth; the log is. What was lost
is made good by a starting worker, which wakes its component, and by the timekeeper, which wakes
all of them when Redis was away.

A component is clean or dirty. Its mark counts the reasons since it was last clean:

    clean --(hint, deadline: mark 1, one task)--> dirty --(more hints: mark 2, 3, no task)--> dirty
      ^                                             |
      +--(settle: drained, mark as at the start)----+--(mark went up meanwhile: drain again)

The mark is cleared only after the drain has committed, so a worker killed in between leaves it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import redis
from kombu.exceptions import OperationalError

from cluster.apiserver.resources import CLOCKS, CUSTOM_RESOURCE_DEFINITIONS, for_key, is_custom
from cluster.etcd.api import Hint

log = logging.getLogger(__name__)
SCRIPTS = Path(__file__).with_name("lua")
# What Redis or the broker may raise while it is away.
UNREACHABLE = (redis.RedisError, OperationalError, OSError)

Send = Callable[[str], None]


def celery_url(url: str) -> str:
    """kombu's spelling of a Unix socket address."""
    return url.replace("unix://", "redis+socket://", 1)


@dataclass(frozen=True, slots=True)
class Tidings:
    """A hint as a tailer receives it."""

    epoch: int
    revision: int
    resources: frozenset[str]

    @classmethod
    def parse(cls, text: str) -> Tidings:
        epoch, revision, resources = text.split(" ")
        return cls(int(epoch), int(revision), frozenset(resources.split(",")))

    @property
    def clock_changed(self) -> bool:
        return CLOCKS.id in self.resources


class Switchboard:
    """`send` queues one task for a component."""

    def __init__(self, cluster: str, url: str, send: Send) -> None:
        self.prefix = f"orrery:{cluster}:"
        self.redis = redis.Redis.from_url(url, decode_responses=True)
        self._send = send
        self._hint = self._script("hint")
        self._settle = self._script("settle")
        self._due = self._script("due")

    def _script(self, name: str) -> Callable[..., Any]:
        script = self.redis.register_script((SCRIPTS / f"{name}.lua").read_text())
        return lambda *arguments: script(args=[self.prefix, *arguments])

    # ---- for whoever commits

    def announce(self, hint: Hint, own: str = "") -> None:
        """Spread a hint, except to the component `own` that made it: it knows. Never raises."""
        resources = _resources(hint.keys)
        message = f"{hint.epoch} {hint.revision} {','.join(resources)}"
        try:
            woken = self._hint(message, hint.revision, own, *resources)
            if CLOCKS.id in resources:
                self.redis.publish(self.timekeeper_channel, "clock")
            self.send_to(woken)
        except UNREACHABLE as error:
            log.warning("hint for revision %d lost: %s", hint.revision, error)

    def send_to(self, components: Iterable[str]) -> None:
        for component in components:
            self._send(component)

    # ---- for components

    def enlist(self, component: str, resources: Iterable[str]) -> None:
        """From now on a change of one of these wakes the component."""
        with self.redis.pipeline() as pipeline:
            pipeline.sadd(f"{self.prefix}components", component)
            for resource in resources:
                pipeline.sadd(f"{self.prefix}interest:{resource}", component)
            pipeline.execute()

    def mark(self, component: str) -> int:
        """0: clean."""
        return int(cast("str | None", self.redis.hget(f"{self.prefix}dirty", component)) or 0)

    def settle(self, component: str, mark: int, deadline: float | None) -> int:
        """A drain begun at `mark` is over: 0, or the mark to drain next, or -1: enlist again."""
        return int(self._settle(component, mark, "" if deadline is None else repr(deadline)))

    def wake(self, component: str) -> None:
        """Make it dirty and send a task in any case: an earlier one may have been lost."""
        self.redis.hincrby(f"{self.prefix}dirty", component, 1)
        self._send(component)

    # ---- for the timekeeper

    def wake_many(self, components: Iterable[str]) -> None:
        for component in components:
            self.wake(component)

    def found(self, revision: int) -> None:
        """The log was read up to here although no hint told of it."""
        self.redis.set(f"{self.prefix}announced", revision)

    def marks(self) -> dict[str, str]:
        return cast("dict[str, str]", self.redis.hgetall(f"{self.prefix}dirty"))

    def announced(self) -> int:
        """The newest revision a hint told of."""
        return int(cast("str | None", self.redis.get(f"{self.prefix}announced")) or 0)

    def fire(self, now: float) -> None:
        """Wake the components whose deadline has come."""
        self.send_to(self._due(repr(now)))

    def next_deadline(self) -> float | None:
        head = cast(
            "list[tuple[str, float]]",
            self.redis.zrange(f"{self.prefix}deadlines", 0, 0, withscores=True),
        )
        return head[0][1] if head else None

    def forget(self) -> None:
        """Everything about the cluster."""
        for key in list(self.redis.scan_iter(f"{self.prefix}*")):
            self.redis.delete(key)

    # ---- channels

    @property
    def hints_channel(self) -> str:
        return f"{self.prefix}hints"

    @property
    def timekeeper_channel(self) -> str:
        """Says `clock` when Clock/cluster changed, `deadline` when an earlier one was set."""
        return f"{self.prefix}timekeeper"


def _resources(keys: Iterable[bytes]) -> list[str]:
    """Who follows the definitions follows their objects, too."""
    found = {resource.id for key in keys if (resource := for_key(key)) is not None}
    if any(is_custom(key) for key in keys):
        found.add(CUSTOM_RESOURCE_DEFINITIONS.id)
    return sorted(found) or ["-"]
