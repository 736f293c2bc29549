"""How fast nodes may be given up: zones, their health, and the rate that follows from it.

    Normal               one node in 10 s
    PartialDisruption    from 55 % and three nodes on: one in 100 s in a large zone, else none
    FullDisruption       as Normal, as long as another zone has a node left
    all zones full       none; it is probably the control plane that is cut off

Models handleDisruption, ComputeZoneState and the RateLimitedTimedQueue of pkg/controller/
nodelifecycle.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cluster.machinery.meta import Object, labels_of

EVICTION_RATE = 0.1  # --node-eviction-rate
SECONDARY_RATE = 0.01  # --secondary-node-eviction-rate
LARGE = 50  # --large-cluster-size-threshold
UNHEALTHY = 0.55  # --unhealthy-zone-threshold
REGION, ZONE = "topology.kubernetes.io/region", "topology.kubernetes.io/zone"
NORMAL, PARTIAL, FULL = "Normal", "PartialDisruption", "FullDisruption"


def zone_of(node: Object) -> str:
    labels = labels_of(node)
    return f"{labels.get(REGION, '')}:{labels.get(ZONE, '')}"


@dataclass(slots=True)
class Zone:
    ready: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    waiting: dict[str, None] = field(default_factory=dict)  # to be given up, in order
    next_at: float = 0.0  # the next one may be given up then

    def state(self) -> str:
        bad, good = len(self.lost), len(self.ready)
        if not good and bad:
            return FULL
        if bad > 2 and bad / (bad + good) >= UNHEALTHY:
            return PARTIAL
        return NORMAL

    def rate(self) -> float:
        if self.state() == PARTIAL:
            return SECONDARY_RATE if len(self.ready) + len(self.lost) > LARGE else 0.0
        return EVICTION_RATE

    def take(self, now: float) -> str | None:
        """The next node to give up, if one may be given up now."""
        rate = self.rate()
        if not self.waiting or not rate or now < self.next_at:
            return None
        self.next_at = now + 1 / rate
        name = next(iter(self.waiting))
        del self.waiting[name]
        return name

    def due(self) -> float | None:
        return self.next_at if self.waiting and self.rate() else None


class Zones:
    def __init__(self) -> None:
        self.by_name: dict[str, Zone] = {}
        self._where: dict[str, str] = {}

    def place(self, name: str, zone: str, ready: bool) -> bool:
        """Where a node is and how it does; True when that changes what may happen to others."""
        before = self._picture()
        if self._where.get(name, zone) != zone:
            self.remove(name)
        self._where[name] = zone
        found = self.by_name.setdefault(zone, Zone())
        (found.ready if ready else found.lost).add(name)
        (found.lost if ready else found.ready).discard(name)
        if ready:
            found.waiting.pop(name, None)
        return self._picture() != before

    def remove(self, name: str) -> bool:
        before = self._picture()
        zone = self._where.pop(name, None)
        if zone is not None:
            found = self.by_name[zone]
            found.ready.discard(name)
            found.lost.discard(name)
            found.waiting.pop(name, None)
            if not found.ready and not found.lost:
                del self.by_name[zone]
        return self._picture() != before

    def wait(self, name: str) -> str:
        """Queue a node; returns its zone."""
        zone = self._where[name]
        self.by_name[zone].waiting.setdefault(name)
        return zone

    def all_lost(self) -> bool:
        return all(zone.state() == FULL for zone in self.by_name.values())

    def _picture(self) -> tuple[object, ...]:
        return (self.all_lost(), *(zone.state() for zone in self.by_name.values()))
