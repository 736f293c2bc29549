"""replicationcontroller: the ReplicaSet's ancestor, and the same in all it does.

Models pkg/controller/replication, which wraps the ReplicaSet controller, too.
"""

from __future__ import annotations

from typing import ClassVar

from cluster.client import Resource, kinds
from cluster.controllers.replicaset import ReplicaSetController


class ReplicationControllerController(ReplicaSetController):
    name = "replicationcontroller-controller"
    resource: ClassVar[Resource] = kinds.REPLICATION_CONTROLLERS
