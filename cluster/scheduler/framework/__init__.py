"""The extension points a plugin can fill, and what passes between them and the scheduler.

Plugins answer for many nodes at once: where upstream calls Filter once per node, ours gets slots
of the node table and returns columns. Models pkg/scheduler/framework.
"""

from cluster.scheduler.cache.columns import Slots
from cluster.scheduler.framework.events import (
    Action,
    ClusterEvent,
    Happening,
    Hint,
    On,
    always,
)
from cluster.scheduler.framework.plugin import (
    BindPlugin,
    FilterPlugin,
    Handle,
    PermitPlugin,
    Plugin,
    PostBindPlugin,
    PostFilterPlugin,
    PreBindPlugin,
    PreEnqueuePlugin,
    QueueSortPlugin,
    ReservePlugin,
    Scope,
    ScorePlugin,
)
from cluster.scheduler.framework.types import (
    MAX_SCORE,
    Code,
    CycleState,
    Filters,
    Pending,
    PostFilterResult,
    Rejection,
    Status,
    default_normalize,
)

__all__ = [
    "MAX_SCORE",
    "Action",
    "BindPlugin",
    "ClusterEvent",
    "Code",
    "CycleState",
    "FilterPlugin",
    "Filters",
    "Handle",
    "Happening",
    "Hint",
    "On",
    "Pending",
    "PermitPlugin",
    "Plugin",
    "PostBindPlugin",
    "PostFilterPlugin",
    "PostFilterResult",
    "PreBindPlugin",
    "PreEnqueuePlugin",
    "QueueSortPlugin",
    "Rejection",
    "ReservePlugin",
    "Scope",
    "ScorePlugin",
    "Slots",
    "Status",
    "always",
    "default_normalize",
]
