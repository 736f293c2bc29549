"""How an owner makes and removes its pods, with the Events it writes.

Models RealPodControl and slowStartBatch of pkg/controller/controller_utils.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cluster.client import Client, EventRecorder
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object, name_of


class PodControl:
    def __init__(self, client: Client, recorder: EventRecorder) -> None:
        self._client = client
        self._recorder = recorder

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


def is_terminating(error: StatusError) -> bool:
    """The namespace is being deleted. Models HasStatusCause(NamespaceTerminatingCause)."""
    causes = (error.details or {}).get("causes") or ()
    return any(cause.get("reason") == "NamespaceTerminating" for cause in causes)
