"""What the drawer tells of one object: facts, then sections. One file a kind, one line in DETAILS.

Functions from an object (and what little they look up through the client) to plain data that one
template draws. Lists of pods are not here: the page has them already and keeps them live.
"""

from __future__ import annotations

from collections.abc import Callable

from cluster.client import Client
from cluster.machinery.meta import Object
from dashboard.details.base import Detail, generic
from dashboard.details.node import node
from dashboard.details.pod import pod
from dashboard.details.service import service
from dashboard.details.workload import workload

DETAILS: dict[str, Callable[[Client, Object], Detail]] = {
    "Node": node,
    "Pod": pod,
    "Deployment": workload,
    "ReplicaSet": workload,
    "DaemonSet": workload,
    "Job": workload,
    "Service": service,
}


def detail(client: Client, obj: Object) -> Detail:
    return DETAILS.get(obj["kind"], generic)(client, obj)
