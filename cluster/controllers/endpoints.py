"""endpoints: the old, single object behind a Service. Models pkg/controller/endpoint."""

from __future__ import annotations

from typing import Any

from cluster.client import Controller, Env, kinds
from cluster.controllers import podutil, servicepods
from cluster.machinery.meta import (
    Object,
    annotations_of,
    is_deleting,
    labels_of,
    name_of,
    namespace_of,
    with_metadata,
)

MAX_ADDRESSES = 1000
OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity"
MANAGED_BY = "endpoints.kubernetes.io/managed-by"
HEADLESS = "service.kubernetes.io/headless"


class EndpointsController(Controller):
    name = "endpoints-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.index = servicepods.ServiceIndex.of(env, self.enqueue)
        self.endpoints = env.informers.lister(kinds.ENDPOINTS)

    def reconcile(self, key: str) -> None:
        service = self.index.services.get(key)
        old = self.endpoints.get(key)
        if service is None or is_deleting(service):
            if old is not None and MANAGED_BY in labels_of(old):
                self.client.delete(old)
            return
        if not service["spec"].get("selector"):
            return  # its endpoints are somebody else's
        behind = self.index.behind(service)
        subsets, total = _subsets(service, behind)
        labels = {**labels_of(service), MANAGED_BY: "endpoint-controller"}
        if service["spec"].get("clusterIP") == "None":
            labels[HEADLESS] = ""
        if old is not None and (old.get("subsets") or []) == subsets and labels_of(old) == labels:
            return
        annotations = dict(annotations_of(old)) if old is not None else {}
        annotations.pop(OVER_CAPACITY, None)
        if total > MAX_ADDRESSES:
            annotations[OVER_CAPACITY] = "truncated"
        annotations[servicepods.TRIGGER] = behind.changed
        self._write(service, old, subsets, labels, annotations)

    def _write(
        self,
        service: Object,
        old: Object | None,
        subsets: list[dict[str, Any]],
        labels: dict[str, str],
        annotations: dict[str, str],
    ) -> None:
        content = {"subsets": subsets} if subsets else {}
        if old is None:
            meta: Object = {"name": name_of(service), "namespace": namespace_of(service)}
            meta |= {"labels": labels, "annotations": annotations}
            new = {"apiVersion": "v1", "kind": "Endpoints", "metadata": meta}
            self.client.create({**new, **content})
            return
        body = {k: v for k, v in old.items() if k != "subsets"}
        kept = with_metadata(body, labels=labels, annotations=annotations)
        self.client.update({**kept, **content}, base=old)


def _subsets(service: Object, behind: servicepods.Behind) -> tuple[list[dict[str, Any]], int]:
    """The subsets, and how many addresses there would be without the limit."""
    everyone = bool(service["spec"].get("publishNotReadyAddresses"))
    out, total = [], 0
    for ports, pods in behind.groups.items():
        members = [p for p in pods if everyone or not is_deleting(p)]
        ready = [p for p in members if everyone or podutil.is_ready(p)]
        waiting = [p for p in members if not everyone and not podutil.is_ready(p)]
        room = max(0, MAX_ADDRESSES - total)
        total += len(members)
        subset: dict[str, Any] = {}
        if shown := [_address(p) for p in ready[:room]]:
            subset["addresses"] = shown
        if shown := [_address(p) for p in waiting[: max(0, room - len(ready))]]:
            subset["notReadyAddresses"] = shown
        if not subset:
            continue
        if listed := servicepods.port_list(ports):
            subset["ports"] = [{k: v for k, v in p.items() if v != ""} for p in listed]
        out.append(subset)
    return out, total


def _address(pod: Object) -> dict[str, Any]:
    out = {
        "ip": pod["status"]["podIP"],
        "nodeName": pod["spec"]["nodeName"],
        "targetRef": servicepods.target_ref(pod),
    }
    if pod["spec"].get("hostname") and pod["spec"].get("subdomain"):
        out["hostname"] = pod["spec"]["hostname"]
    return out
