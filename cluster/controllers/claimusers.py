"""Which pods use which claims. Shared by all controllers of volumes in a process.

A pod's volumes never change, so only its coming, its binding and its going are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cluster.client import Env, InformerEvent, Lister, kinds
from cluster.machinery.meta import Object

Hear = Callable[[str, InformerEvent], None]  # a claim's key, and what happened to its pod


class ClaimUsers:
    @classmethod
    def of(cls, env: Env) -> ClaimUsers:
        return env.informers.shared(cls, lambda: cls(env))

    def __init__(self, env: Env) -> None:
        self.pods: Lister = env.informers.lister(kinds.PODS)
        self._users: dict[str, dict[str, None]] = {}
        self._listeners: list[Hear] = []
        env.informers[kinds.PODS].add_handler(self._on_pod)

    def hear(self, hear: Hear) -> None:
        self._listeners.append(hear)

    def of_claim(self, claim: str) -> list[Object]:
        """The pods that name the claim, whatever state they are in."""
        keys = self._users.get(claim, ())
        return [p for key in keys if (p := self.pods.get(key)) is not None]

    def _on_pod(self, event: InformerEvent) -> None:
        old, new = event.old, event.new
        if (
            old is not None
            and new is not None
            and old["spec"].get("nodeName") == new["spec"].get("nodeName")
            and old["metadata"]["uid"] == new["metadata"]["uid"]
            and old.get("status", {}).get("phase") == new.get("status", {}).get("phase")
        ):
            return
        if not event.obj["spec"].get("volumes"):
            return
        for claim in claims_of(event.obj):
            users = self._users.setdefault(claim, {})
            if new is not None:
                users[event.key] = None
            else:
                users.pop(event.key, None)
                if not users:
                    del self._users[claim]
            for hear in self._listeners:
                hear(claim, event)


def claims_of(pod: Object) -> Iterator[str]:
    """The keys of the claims that a pod mounts, made for it or not."""
    meta = pod["metadata"]
    for volume in pod["spec"].get("volumes") or ():
        if "persistentVolumeClaim" in volume:
            yield f"{meta['namespace']}/{volume['persistentVolumeClaim']['claimName']}"
        elif "ephemeral" in volume:
            yield f"{meta['namespace']}/{meta['name']}-{volume['name']}"
