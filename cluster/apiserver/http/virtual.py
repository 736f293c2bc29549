"""Resources that are computed from others when they are read: component statuses, usage metrics.

Their objects are made of what the watch cache has. Models componentstatus' storage and
metrics-server.
"""

from __future__ import annotations

from collections.abc import Callable

import orjson

from cluster.apiserver.cacher import Entry
from cluster.apiserver.http import usage
from cluster.apiserver.http.server import ApiServer
from cluster.apiserver.resources import Resource
from cluster.machinery.meta import Object

Source = Callable[[ApiServer, str], list[Object]]


def component_statuses(server: ApiServer, namespace: str) -> list[Object]:
    said = {"scheduler": "ok", "controller-manager": "ok", "etcd-0": "ok"}
    return [
        {
            "metadata": {"name": name},
            "conditions": [{"type": "Healthy", "status": "True", "message": message}],
        }
        for name, message in said.items()
    ]


def _nothing(server: ApiServer, namespace: str) -> list[Object]:
    return []


SOURCES: dict[str, Source] = {
    "bindings": _nothing,
    "componentstatuses": component_statuses,
    "nodes.metrics.k8s.io": usage.nodes,
    "pods.metrics.k8s.io": usage.pods,
}


def entries(server: ApiServer, resource: Resource, namespace: str) -> list[Entry]:
    return [_entry(resource, obj) for obj in SOURCES[resource.id](server, namespace)]


def find(server: ApiServer, resource: Resource, namespace: str, name: str) -> Entry | None:
    wanted = (e for e in entries(server, resource, namespace) if e.name == name)
    return next(wanted, None)


def _entry(resource: Resource, obj: Object) -> Entry:
    meta = obj["metadata"]
    full = {"kind": resource.kind, "apiVersion": resource.api_version, **obj}
    key = resource.key(meta.get("namespace", ""), meta["name"])
    return Entry(resource, key, orjson.dumps(full), 0)
