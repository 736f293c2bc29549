"""Which addresses stand behind a Service. Shared by endpoints and endpointslice.

Models pkg/controller/endpointslice/reconciler.go and k8s.io/endpointslice/utils.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from cluster.client import Env, InformerEvent, Lister, kinds
from cluster.controllers import podutil
from cluster.machinery.meta import (
    Object,
    condition,
    is_deleting,
    labels_of,
    name_of,
    namespace_of,
)
from cluster.machinery.selectors import Selector, from_map

TRIGGER = "endpoints.kubernetes.io/last-change-trigger-time"
PortTuple = tuple[tuple[str, Any], ...]


class ServiceIndex:
    """Makes a Service's key dirty when it, or a pod it selects, changes in a way that matters."""

    def __init__(self, env: Env, enqueue: Callable[[str, int], None]) -> None:
        self.services: Lister = env.informers.lister(kinds.SERVICES)
        self.pods: Lister = env.informers.lister(kinds.PODS)
        self._enqueue = enqueue
        self._selectors: dict[str, dict[str, Selector]] = {}
        env.informers[kinds.SERVICES].add_handler(self._on_service)
        env.informers[kinds.PODS].add_handler(self._on_pod)

    def _on_service(self, event: InformerEvent) -> None:
        namespace = namespace_of(event.obj)
        own = self._selectors.setdefault(namespace, {})
        own.pop(event.key, None)
        if event.new is not None and event.new["spec"].get("selector"):
            own[event.key] = from_map(event.new["spec"]["selector"])
        self._enqueue(event.key, event.revision)

    def _on_pod(self, event: InformerEvent) -> None:
        own = self._selectors.get(namespace_of(event.obj))
        if not own:
            return
        old, new = event.old, event.new
        if old is not None and new is not None and _same_for_services(old, new):
            return
        for key, selector in own.items():
            if any(o is not None and selector.matches(labels_of(o)) for o in (old, new)):
                self._enqueue(key, event.revision)

    def select(self, service: Object) -> list[Object]:
        """Pods that have an address and have not ended."""
        selector = from_map(service["spec"].get("selector"))
        found = self.pods.select(namespace_of(service), selector)
        return [p for p in found if has_address(p)]


def has_address(pod: Object) -> bool:
    return bool(pod.get("status", {}).get("podIP")) and not podutil.is_finished(pod)


def _same_for_services(old: Object, new: Object) -> bool:
    return (
        old.get("status", {}).get("podIP") == new.get("status", {}).get("podIP")
        and podutil.is_ready(old) == podutil.is_ready(new)
        and is_deleting(old) == is_deleting(new)
        and podutil.is_finished(old) == podutil.is_finished(new)
        and labels_of(old) == labels_of(new)
        and old["spec"].get("nodeName") == new["spec"].get("nodeName")
    )


def ports_of(service: Object, pod: Object) -> PortTuple | None:
    """The Service's ports as numbers on this pod; None when a named one does not exist there."""
    out: list[tuple[str, Any]] = []
    for port in service["spec"].get("ports") or ():
        number = _number(port, pod)
        if number is None:
            continue
        out.append(
            (port.get("name", ""), (number, port.get("protocol", "TCP"), port.get("appProtocol")))
        )
    if not out and service["spec"].get("ports"):
        return None
    return tuple(out)


def _number(port: Object, pod: Object) -> int | None:
    target = port.get("targetPort", port.get("port"))
    if isinstance(target, int):
        return target
    for container in pod["spec"]["containers"]:
        for entry in container.get("ports") or ():
            same = entry.get("protocol", "TCP") == port.get("protocol", "TCP")
            if entry.get("name") == target and same:
                return int(entry["containerPort"])
    return None


def target_ref(pod: Object) -> dict[str, Any]:
    meta = pod["metadata"]
    return {"kind": "Pod", "name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]}


def grouped(service: Object, pods: Iterable[Object]) -> dict[PortTuple, list[Object]]:
    """Pods by the port numbers they serve the Service on, in order of their addresses."""
    out: dict[PortTuple, list[Object]] = {}
    for pod in sorted(pods, key=lambda p: (p["status"]["podIP"], name_of(p))):
        ports = ports_of(service, pod)
        if ports is not None:
            out.setdefault(ports, []).append(pod)
    return out


def trigger_time(service: Object, pods: Iterable[Object]) -> str:
    """The last thing that happened to what stands behind a Service: its creation, or a pod that
    became or ceased to be ready. After TriggerTimeTracker, but without its memory."""
    times = [service["metadata"]["creationTimestamp"]]
    for pod in pods:
        ready = condition(pod.get("status", {}).get("conditions"), "Ready")
        if ready is not None and ready.get("lastTransitionTime"):
            times.append(ready["lastTransitionTime"])
    return max(times)


def port_list(ports: PortTuple) -> list[dict[str, Any]]:
    out = []
    for name, (number, protocol, app) in ports:
        entry: dict[str, Any] = {"name": name, "port": number, "protocol": protocol}
        if app:
            entry["appProtocol"] = app
        out.append(entry)
    return out
