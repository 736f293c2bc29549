"""PrioritySort: higher priority first, then who waits longest. Models plugins/queuesort."""

from __future__ import annotations

from cluster.scheduler.framework import QueueSortPlugin


class PrioritySort(QueueSortPlugin):
    name = "PrioritySort"

    def sort_key(self, spec_priority: int, timestamp: float) -> tuple[float, ...]:
        return (-spec_priority, timestamp)
