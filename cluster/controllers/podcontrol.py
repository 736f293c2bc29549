"""How an owner claims, makes and removes its pods, with the Events it writes.

Models RealPodControl, slowStartBatch and PodControllerRefManager of pkg/controller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cluster.client import Client, Env, EventRecorder, kinds
from cluster.client.informer import by_controller
from cluster.controllers import podutil
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import (
    Object,
    controller_ref,
    is_deleting,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
    with_metadata,
)


class PodControl:
    def __init__(self, env: Env, recorder: EventRecorder) -> None:
        self._client: Client = env.client
        self._recorder = recorder
        self._pods = env.informers.lister(kinds.PODS)
        self._pods.add_index("controller", by_controller)
        self._pods.add_index("orphans", podutil.orphans)

    def claim(self, owner: Object) -> list[Object]:
        """Its own pods, ended ones too, and orphans that match its selector and are adopted; what
        does not match any more is released."""
        selector = podutil.selector_of(owner)
        own, alive = uid_of(owner), not is_deleting(owner)
        out = []
        for pod in self._pods.by_index("controller", own):
            if selector.matches(labels_of(pod)):
                out.append(pod)
            elif alive and not is_deleting(pod):
                self._write_owners(pod, [r for r in _owners(pod) if r.get("uid") != own])
        for pod in self._pods.by_index("orphans", namespace_of(owner)) if alive else ():
            if podutil.is_active(pod) and selector.matches(labels_of(pod)):
                self._write_owners(pod, [*_owners(pod), controller_ref(owner)])
                out.append(pod)
        return out

    def _write_owners(self, pod: Object, owners: list[Object]) -> None:
        self._client.update(with_metadata(pod, ownerReferences=owners or None), base=pod)

    def create(
        self,
        owner: Object,
        pods: Iterable[Object],
        failed: Callable[[StatusError], None],
        created: Callable[[], None] | None = None,
    ) -> None:
        """`failed` hears of the first refusal only, as when upstream's batch stops at it; not at
        all when the namespace is going, where nothing more is to be done."""
        told = False

        def refused(error: StatusError) -> None:
            nonlocal told
            if told or is_terminating(error):
                return
            told = True
            text = f"Error creating: {error.message}"
            self._recorder.event(owner, "Warning", "FailedCreate", text)
            failed(error)

        def done(pod: Object) -> None:
            text = f"Created pod: {name_of(pod)}"
            self._recorder.event(owner, "Normal", "SuccessfulCreate", text)
            if created is not None:
                created()

        for pod in pods:
            self._client.create(pod, on_error=refused, on_done=done)

    def delete(self, owner: Object, pod: Object) -> None:
        text = f"Deleted pod: {name_of(pod)}"
        self._client.delete(
            pod,
            on_done=lambda _: self._recorder.event(owner, "Normal", "SuccessfulDelete", text),
        )


def _owners(pod: Object) -> list[Object]:
    return list(pod["metadata"].get("ownerReferences") or ())


def is_terminating(error: StatusError) -> bool:
    """The namespace is being deleted. Models HasStatusCause(NamespaceTerminatingCause)."""
    causes = (error.details or {}).get("causes") or ()
    return any(cause.get("reason") == "NamespaceTerminating" for cause in causes)
