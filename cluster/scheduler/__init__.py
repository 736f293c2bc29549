"""kube-scheduler: which node a pod goes to, and why.

    queue (active, backing off, unschedulable)  ->  profile (filter, score)  ->  assume  ->  bind
              ^                                         |
              +---- cluster events and their hints <----+ nobody fits: say why, maybe preempt

`framework` has the extension points, `plugins/` one file a plugin, `cache/` what is known of nodes
and pods as NumPy columns over nodes. Not here: eviction by taints, descheduling, and what happens
on a node. Models pkg/scheduler.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cluster.client import Component, Env
from cluster.scheduler.config import ConfigError, load
from cluster.scheduler.scheduler import Scheduler

__all__ = ["ConfigError", "Scheduler", "build"]


def build(env: Env, config: Mapping[str, Any] | None = None) -> Component:
    """`config` is a KubeSchedulerConfiguration as YAML gives it; None means the defaults.

    Raises ConfigError when it is broken.
    """
    return Component("kube-scheduler", env, [Scheduler(env, load(config))])
