"""One look at each pod event for all controllers that own pods.

A pod belongs to at most one of them; the others need not ask whether it is theirs.
"""

from __future__ import annotations

from collections.abc import Callable

from cluster.client import Env, InformerEvent, Lister, kinds
from cluster.controllers import podutil
from cluster.machinery.meta import Object, labels_of, name_of, namespace_of

Hear = Callable[[str, InformerEvent], None]  # the owner's key, and what happened to its pod


class OwnedPods:
    """Shared by the controllers of one process (`of`)."""

    @classmethod
    def of(cls, env: Env) -> OwnedPods:
        return env.informers.shared(cls, lambda: cls(env))

    def __init__(self, env: Env) -> None:
        self._owners: dict[str, Hear] = {}
        self._adopters: list[tuple[Lister, Hear]] = []
        env.informers[kinds.PODS].add_handler(self._on_pod)

    def hear(self, kind: str, hear: Hear, adopters: Lister | None = None) -> None:
        """`hear` is called for pods of owners of `kind`; and, given `adopters`, for orphans that
        one of them selects."""
        self._owners[kind] = hear
        if adopters is not None:
            self._adopters.append((adopters, hear))

    def _on_pod(self, event: InformerEvent) -> None:
        old, new = event.old, event.new
        if new is not None:
            self._tell(new, event)
        if old is not None and (new is None or _references(old) != _references(new)):
            self._tell(old, event)

    def _tell(self, pod: Object, event: InformerEvent) -> None:
        for reference in _references(pod) or ():
            if reference.get("controller"):
                hear = self._owners.get(reference["kind"])
                if hear is not None:
                    hear(f"{pod['metadata']['namespace']}/{reference['name']}", event)
                return
        for lister, hear in self._adopters:
            for owner in lister.list(namespace_of(pod)):
                if podutil.selector_of(owner).matches(labels_of(pod)):
                    hear(f"{namespace_of(pod)}/{name_of(owner)}", event)


def _references(pod: Object) -> list[Object] | None:
    found: list[Object] | None = pod["metadata"].get("ownerReferences")
    return found
