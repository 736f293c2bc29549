"""Custom resources for those who work on every resource there is.

They come into being while a component runs; whoever asks here hears of each one once, those that
are defined already included.
"""

from __future__ import annotations

from collections.abc import Callable

from cluster.apiserver.resources import CUSTOM_RESOURCE_DEFINITIONS, Resource
from cluster.client.component import Env
from cluster.client.informer import InformerEvent, Informers

Listener = Callable[[Resource], None]


class CustomResources:
    """One per process: `custom_resources(env)`."""

    def __init__(self, informers: Informers) -> None:
        self._catalog = informers.catalog
        self._known: dict[Resource, None] = {}
        self._listeners: list[Listener] = []
        informers[CUSTOM_RESOURCE_DEFINITIONS].add_handler(self._on_definition)

    def each(self, listener: Listener) -> None:
        self._listeners.append(listener)
        for resource in self._known:
            listener(resource)

    def _on_definition(self, event: InformerEvent) -> None:
        for resource in self._catalog.hubs():
            if resource not in self._known:
                self._known[resource] = None
                for listener in self._listeners:
                    listener(resource)


def custom_resources(env: Env) -> CustomResources:
    informers = env.informers
    return informers.shared(CustomResources, lambda: CustomResources(informers))
