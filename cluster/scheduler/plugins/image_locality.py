"""ImageLocality: prefers nodes that hold the pod's images already. Models plugins/imagelocality."""

from __future__ import annotations

import numpy as np

from cluster.scheduler.cache.columns import Ints
from cluster.scheduler.framework import MAX_SCORE, CycleState, Pending, ScorePlugin, Slots

MEGABYTE = 1024 * 1024
LEAST, MOST_PER_CONTAINER = 23 * MEGABYTE, 1000 * MEGABYTE


class ImageLocality(ScorePlugin):
    name = "ImageLocality"

    def score(self, state: CycleState, pod: Pending, at: Slots) -> Ints:
        total: Ints = np.zeros(len(self.nodes.valid[at]), dtype=np.int64)
        for image in pod.spec.images:
            sizes = self.nodes.image_column(image)
            total += np.where(sizes[at] > 0, self._spread_size(sizes), 0)
        most = MOST_PER_CONTAINER * max(len(pod.spec.images), 1)
        total = np.clip(total, LEAST, most)
        return MAX_SCORE * (total - LEAST) // (most - LEAST)

    def _spread_size(self, sizes: Ints) -> int:
        """An image that only few nodes hold counts less, lest all its pods go there."""
        holders = np.flatnonzero(sizes)
        if not len(holders):
            return 0
        share = len(holders) / max(self.nodes.count, 1)
        return int(int(sizes[holders[0]]) * share)

    def version(self, pod: Pending) -> object:
        return self.nodes.images_version, self.nodes.count
