"""The kubelets of all machines: node registration and lease, pod workers, probes, static pods.

One component looks after many nodes (a shard of them). It brings containers, through
cluster.runtime, to what the pods bound to its nodes ask for, and says in their status what is.
Not here: where pods go, and what becomes of those on a lost node. Models pkg/kubelet.
"""

from __future__ import annotations

from cluster.client import Component, Env
from cluster.kubelet.kubelet import Kubelet
from cluster.kubelet.surroundings import ClusterSurroundings
from cluster.runtime import RUNTIMES


def build(
    env: Env,
    shard: int = 0,
    shards: int = 1,
    runtime: str = "docker",
    around: ClusterSurroundings | None = None,
) -> Component:
    """The kubelets of the machines that fall into `shard` of `shards`; `around` is what their
    containers see of the cluster."""
    name = "kubelet" if shards == 1 else f"kubelet.{shard}"
    return Component(name, env, [Kubelet(env, RUNTIMES[runtime], shard, shards, around)])


__all__ = ["build"]
