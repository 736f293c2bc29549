"""The newest Events: a window over what may be tens of thousands."""

from __future__ import annotations

from heapq import nlargest

from cluster.client import InformerEvent, Lister
from cluster.machinery.meta import Object, key_of, revision_of
from dashboard.projection.world import Row, World, seconds

COLUMNS = ("revision", "type", "reason", "message", "kind", "name", "source", "count", "at")
SHOWN = 200


def row(world: World, event: Object) -> Row:
    about = event.get("involvedObject") or {}
    source = (event.get("source") or {}).get("component") or event.get("reportingComponent", "")
    series = event.get("series") or {}
    at = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    return [
        revision_of(event),
        event.get("type", "Normal"),
        event.get("reason", ""),
        event.get("message", ""),
        about.get("kind", ""),
        about.get("name", ""),
        source,
        series.get("count") or event.get("count") or 1,
        seconds(at or event["metadata"].get("creationTimestamp")),
    ]


class Window:
    """Which events are shown: exactly the `SHOWN` of highest revision, whatever came before."""

    def __init__(self, lister: Lister) -> None:
        self._lister = lister
        self._shown: dict[str, int] = {}
        self._stale = False

    def feed(self, event: InformerEvent) -> None:
        """A change is the newest of all, so only a deletion makes an older one return."""
        if event.new is None:
            self._stale = self._stale or event.key in self._shown
            return
        self._shown.pop(event.key, None)
        self._shown[event.key] = revision_of(event.new)

    def turn(self) -> set[str]:
        """Bring the window up to date; returns the keys that left or (re-)entered it."""
        before = set(self._shown)
        if self._stale or len(self._shown) > SHOWN:
            source = self._lister if self._stale else self._candidates()
            best = nlargest(SHOWN, source, key=revision_of)
            self._shown = {key_of(e): revision_of(e) for e in best}
            self._stale = False
        return before ^ set(self._shown)

    def _candidates(self) -> list[Object]:
        return [e for key in self._shown if (e := self._lister.get(key)) is not None]

    def __contains__(self, key: str) -> bool:
        return key in self._shown
