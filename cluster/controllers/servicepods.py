"""Which addresses stand behind a Service. Shared by endpoints and endpointslice.

Models pkg/controller/endpointslice/reconciler.go and k8s.io/endpointslice/utils.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from cluster.client import Env, InformerEvent, Lister, kinds
from cluster.controllers import podutil
from cluster.machinery.meta import (
    Object,
    condition,
    labels_of,
    name_of,
    namespace_of,
)
from cluster.machinery.selectors import Selector, from_map

TRIGGER = "endpoints.kubernetes.io/last-change-trigger-time"
PortTuple = tuple[tuple[str, Any], ...]
Enqueue = Callable[[str, int], None]


class ServiceIndex:
    """Makes a Service's key dirty when it, or a pod it selects, changes in a way that matters.

    Endpoints and EndpointSlices of one process share one (`of`): each pod is looked at once.
    """

    @classmethod
    def of(cls, env: Env, enqueue: Enqueue) -> ServiceIndex:
        found = env.informers.shared(cls, lambda: cls(env))
        found._listeners.append(enqueue)
        return found

    def __init__(self, env: Env) -> None:
        self.services: Lister = env.informers.lister(kinds.SERVICES)
        self.pods: Lister = env.informers.lister(kinds.PODS)
        self._listeners: list[Enqueue] = []
        self._selectors: dict[str, dict[str, Selector]] = {}
        self._behind: dict[str, Behind] = {}
        self._faces: dict[str, tuple[object, ...]] = {}  # what Services see of each pod
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
        own = self._selectors.get(event.obj["metadata"]["namespace"])
        if not own:
            return
        old, new = event.old, event.new
        before = self._faces.pop(event.key, None)
        if new is not None:
            after = self._faces[event.key] = _face(new)
            if old is not None and before == after:
                return
        for key, selector in own.items():
            if any(o is not None and selector.matches(labels_of(o)) for o in (old, new)):
                self._enqueue(key, event.revision)

    def _enqueue(self, key: str, revision: int) -> None:
        self._behind.pop(key, None)
        for listener in self._listeners:
            listener(key, revision)

    def behind(self, service: Object) -> Behind:
        """The pods that have an address and have not ended; computed once a change."""
        key = f"{namespace_of(service)}/{name_of(service)}"
        found = self._behind.get(key)
        if found is None or found.service is not service:
            selector = from_map(service["spec"].get("selector"))
            pods = self.pods.select(namespace_of(service), selector)
            members = sorted((p for p in pods if _has_address(p)), key=_address_of)
            groups = grouped(service, members)
            found = Behind(service, members, groups, trigger_time(service, members))
            self._behind[key] = found
        return found


@dataclass(frozen=True, slots=True)
class Behind:
    """Pods in order of their addresses; the same by the ports they serve on; the last change."""

    service: Object
    pods: list[Object]
    groups: dict[PortTuple, list[Object]]
    changed: str


def _has_address(pod: Object) -> bool:
    status = pod.get("status", {})
    ended = status.get("phase") in ("Succeeded", "Failed")
    return not ended and bool(status.get("podIP")) and bool(pod["spec"].get("nodeName"))


def _address_of(pod: Object) -> tuple[str, str]:
    return pod["status"]["podIP"], pod["metadata"]["name"]


def _face(pod: Object) -> tuple[object, ...]:
    meta, status = pod["metadata"], pod.get("status", {})
    return (
        status.get("podIP"),
        status.get("phase") in ("Succeeded", "Failed"),
        podutil.is_ready(pod),
        "deletionTimestamp" in meta,
        meta.get("labels"),
        pod["spec"].get("nodeName"),
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
    target = _target(port)
    if isinstance(target, int):
        return target
    for container in pod["spec"]["containers"]:
        for entry in container.get("ports") or ():
            same = entry.get("protocol", "TCP") == port.get("protocol", "TCP")
            if entry.get("name") == target and same:
                return int(entry["containerPort"])
    return None


def _target(port: Object) -> int | str:
    target: int | str = port.get("targetPort") or port.get("port", 0)
    return target


def target_ref(pod: Object) -> dict[str, Any]:
    meta = pod["metadata"]
    return {"kind": "Pod", "name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]}


def grouped(service: Object, pods: Iterable[Object]) -> dict[PortTuple, list[Object]]:
    """Pods by the port numbers they serve the Service on."""
    out: dict[PortTuple, list[Object]] = {}
    listed = list(pods)
    if listed and all(isinstance(_target(p), int) for p in service["spec"].get("ports") or ()):
        return {ports_of(service, listed[0]) or (): listed}
    for pod in listed:
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
