"""A copy of a cluster as it was at one revision, in memory, to ask questions of.

Nothing that happens in the copy reaches the cluster. Not here: running all components on from
that moment, which is a fork.
"""

from __future__ import annotations

from collections.abc import Iterable

from cluster.apiserver.registry import Registry
from cluster.client import Client, Env, Informers, Resource, kinds
from cluster.etcd.api import CompactedError, Store, prefix_end
from cluster.etcd.memory import MemoryStore
from cluster.machinery import errors
from cluster.machinery.clock import VirtualClock
from cluster.machinery.entropy import Entropy
from cluster.machinery.meta import is_deleting
from cluster.scheduler import Scheduler
from cluster.scheduler import build as build_scheduler

# What the scheduler decides by, and what a pod needs to be admitted.
NEEDED = (
    kinds.NAMESPACES, kinds.SERVICE_ACCOUNTS, kinds.PRIORITY_CLASSES, kinds.NODES, kinds.PODS,
    kinds.SERVICES, kinds.REPLICATION_CONTROLLERS, kinds.REPLICA_SETS, kinds.STATEFUL_SETS,
    kinds.POD_DISRUPTION_BUDGETS, kinds.PERSISTENT_VOLUME_CLAIMS, kinds.PERSISTENT_VOLUMES,
    kinds.STORAGE_CLASSES, kinds.CSI_NODES, kinds.CSI_DRIVERS, kinds.CSI_STORAGE_CAPACITIES,
)  # fmt: skip


class Snapshot:
    """A scheduler over the copy; `client` writes there."""

    def __init__(
        self, store: Store, now: float, revision: int = 0, resources: Iterable[Resource] = NEEDED
    ) -> None:
        """`revision` 0 is the present. Raises StatusError 410 when it is compacted."""
        self.revision = revision or store.revision()
        clock = VirtualClock(now)
        self.registry = Registry(_copy(store, self.revision, resources), clock, Entropy(0))
        self.client = Client(self.registry, "system:what-if")
        env = Env(
            Client(self.registry, "system:kube-scheduler"), Informers(self.registry), clock,
            Entropy(0),
        )  # fmt: skip
        self._component = build_scheduler(env)
        self._env = env
        (part,) = self._component.parts
        assert isinstance(part, Scheduler)
        self.scheduler = part

    def look(self) -> None:
        """Let the scheduler see what there is, without deciding anything."""
        self._env.informers.sync()

    def schedule(self) -> None:
        """Let it decide about every pod that waits; pods it preempts end at once, as their
        kubelets would end them in time."""
        while True:
            self._component.run(self._env.clock.now())
            for pod in self.client.list(kinds.PODS):
                if is_deleting(pod):
                    self.client.delete(pod, grace=0)
            if not self.client.flush():
                return


def _copy(store: Store, revision: int, resources: Iterable[Resource]) -> MemoryStore:
    out = MemoryStore("snapshot")
    try:
        for resource in resources:
            prefix = resource.prefix
            out.load(store.range(prefix, prefix_end(prefix), revision=revision).kvs)
    except CompactedError as error:
        raise errors.gone(
            f"revision {revision} is compacted: what was decided there cannot be computed again"
        ) from error
    return out
