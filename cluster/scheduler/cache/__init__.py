"""What the scheduler knows of nodes and pods, in the shape its plugins compute with.

`nodes` are columns over nodes, `spec` what matters of a pod's spec (shared by all pods that are
equal in it), `groups` counts pods by their labels, `cache` keeps them true to events and to what
was assumed. No decision is taken here. Models pkg/scheduler/backend/cache.
"""

from cluster.scheduler.cache.cache import Cache, PodRecord
from cluster.scheduler.cache.changes import ChangeLog
from cluster.scheduler.cache.nodes import NodeTable
from cluster.scheduler.cache.spec import PodSpec

__all__ = ["Cache", "ChangeLog", "NodeTable", "PodRecord", "PodSpec"]
