"""Which pods belong together when a pod does not say: those of its services and its owner.

Models plugins/helper/spread.go (DefaultSelector).
"""

from __future__ import annotations

from collections.abc import Callable

from cluster.client import InformerEvent, Resource, kinds
from cluster.machinery.meta import Object, controller_of
from cluster.machinery.selectors import EVERYTHING, Selector, from_label_selector, from_map
from cluster.scheduler.framework import Handle, Pending


def _optional(resource_id: str) -> Resource | None:
    return kinds.RESOURCES.get(resource_id)


class DefaultSelectors:
    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._known: dict[object, Selector] = {}
        self._services = handle.lister(kinds.SERVICES)
        handle.env.informers[kinds.SERVICES].add_handler(self._service_changed)
        self._owners: dict[tuple[str, str], tuple[Resource, Callable[[Object], Selector]]] = {}
        self._owner("v1", "ReplicationController", "replicationcontrollers", _plain)
        self._owner("apps/v1", "ReplicaSet", "replicasets.apps", _labels)
        self._owner("apps/v1", "StatefulSet", "statefulsets.apps", _labels)

    def _owner(
        self, version: str, kind: str, resource_id: str, selector: Callable[[Object], Selector]
    ) -> None:
        resource = _optional(resource_id)
        if resource is not None:
            self._handle.lister(resource)  # asks for the informer
            self._owners[version, kind] = (resource, selector)

    def _service_changed(self, event: InformerEvent) -> None:
        if event.old is None or event.new is None or _selector(event.old) != _selector(event.new):
            self._known.clear()

    def of(self, pod: Pending) -> Selector:
        """Empty (selecting everything) when the pod belongs to nothing."""
        owner = controller_of(pod.obj)
        key = (pod.group[:2], owner["uid"] if owner else "")
        found = self._known.get(key)
        if found is None:
            found, final = self._find(pod, owner)
            if final:
                if len(self._known) > 4096:
                    self._known.clear()
                self._known[key] = found
        return found

    def _find(self, pod: Pending, owner: Object | None) -> tuple[Selector, bool]:
        """The selector, and whether it stays (an owner not seen yet may come)."""
        labels: dict[str, str] = {}
        for service in self._services.list(pod.namespace):
            wanted = _selector(service)
            if wanted and from_map(wanted).matches(pod.labels):
                labels.update(wanted)
        merged = from_label_selector({"matchLabels": labels} if labels else {})
        entry = self._owners.get((owner["apiVersion"], owner["kind"])) if owner else None
        if owner is None or entry is None:
            return merged, True
        resource, selector_of = entry
        found = self._handle.lister(resource).get(f"{pod.namespace}/{owner['name']}")
        if found is None:
            return merged, False
        more = selector_of(found)
        known = set(merged.requirements)
        extra = tuple(r for r in more.requirements if r not in known)
        return (Selector(merged.requirements + extra) if not more.nothing else merged), True


def _selector(service: Object) -> dict[str, str]:
    return (service.get("spec") or {}).get("selector") or {}


def _labels(owner: Object) -> Selector:
    return from_label_selector((owner.get("spec") or {}).get("selector"))


def _plain(owner: Object) -> Selector:
    selector = (owner.get("spec") or {}).get("selector")
    return from_map(selector) if selector else EVERYTHING
