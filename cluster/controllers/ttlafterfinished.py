"""ttl-after-finished: finished Jobs go after spec.ttlSecondsAfterFinished.

Models pkg/controller/ttlafterfinished.
"""

from __future__ import annotations

from cluster.client import Controller, Env, kinds
from cluster.controllers import jobstatus
from cluster.machinery.clock import parse_time
from cluster.machinery.meta import is_deleting


class TTLAfterFinishedController(Controller):
    name = "ttl-after-finished-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.jobs = env.informers.lister(kinds.JOBS)
        env.informers[kinds.JOBS].add_handler(lambda e: self.enqueue(e.key, e.revision))

    def reconcile(self, key: str) -> None:
        job = self.jobs.get(key)
        if job is None or is_deleting(job) or not jobstatus.is_finished(job):
            return
        ttl = job["spec"].get("ttlSecondsAfterFinished")
        if ttl is None:
            return
        ended = max(
            parse_time(c.get("lastTransitionTime") or job["metadata"]["creationTimestamp"])
            for c in job["status"]["conditions"]
            if c["type"] in ("Complete", "Failed") and c["status"] == "True"
        )
        if self.clock.now() >= ended + ttl:
            self.client.delete(job, propagation="Foreground")
        else:
            self.queue.add_at(key, ended + ttl)
