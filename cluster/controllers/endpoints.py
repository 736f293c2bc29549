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
        self.index = servicepods.ServiceIndex(env, self.enqueue)
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
        pods = self._pods(service)
        subsets = self._subsets(service, pods[:MAX_ADDRESSES])
        labels = {**labels_of(service), MANAGED_BY: "endpoint-controller"}
        if service["spec"].get("clusterIP") == "None":
            labels[HEADLESS] = ""
        if old is not None and (old.get("subsets") or []) == subsets and labels_of(old) == labels:
            return
        annotations = dict(annotations_of(old)) if old is not None else {}
        annotations.pop(OVER_CAPACITY, None)
        if len(pods) > MAX_ADDRESSES:
            annotations[OVER_CAPACITY] = "truncated"
        annotations[servicepods.TRIGGER] = servicepods.trigger_time(service, pods)
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

    def _pods(self, service: Object) -> list[Object]:
        everyone = bool(service["spec"].get("publishNotReadyAddresses"))
        return [p for p in self.index.select(service) if everyone or not is_deleting(p)]

    def _subsets(self, service: Object, pods: list[Object]) -> list[dict[str, Any]]:
        everyone = bool(service["spec"].get("publishNotReadyAddresses"))
        out = []
        for ports, members in servicepods.grouped(service, pods).items():
            ready: list[dict[str, Any]] = []
            waiting: list[dict[str, Any]] = []
            for pod in members:
                target = ready if everyone or podutil.is_ready(pod) else waiting
                target.append(_address(pod))
            subset: dict[str, Any] = {}
            if ready:
                subset["addresses"] = ready
            if waiting:
                subset["notReadyAddresses"] = waiting
            if not subset:
                continue
            listed = servicepods.port_list(ports)
            if listed:
                subset["ports"] = [{k: v for k, v in p.items() if v != ""} for p in listed]
            out.append(subset)
        return out


def _address(pod: Object) -> dict[str, Any]:
    out = {
        "ip": pod["status"]["podIP"],
        "nodeName": pod["spec"]["nodeName"],
        "targetRef": servicepods.target_ref(pod),
    }
    if pod["spec"].get("hostname") and pod["spec"].get("subdomain"):
        out["hostname"] = pod["spec"]["hostname"]
    return out
