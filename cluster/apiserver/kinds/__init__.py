"""One strategy a kind; the dict names them by resource id."""

from __future__ import annotations

from cluster.apiserver.resources import Resource
from cluster.apiserver.strategy import Strategy


class _WithStatus(Strategy):
    has_status = True
    tracks_generation = True


STRATEGIES: dict[str, Strategy] = {}
_PLAIN = Strategy()
_STATUS = _WithStatus()


def strategy_for(resource: Resource) -> Strategy:
    found = STRATEGIES.get(resource.id)
    if found is None:
        found = _STATUS if "status" in resource.subresources else _PLAIN
    return found
