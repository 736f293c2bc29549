"""GET pods/log: the seam through which the composition root brings the containers' logs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from cluster.machinery import errors
from cluster.machinery.meta import Object


@dataclass(frozen=True, slots=True)
class LogRequest:
    """PodLogOptions, with the container resolved. `since` is a moment of cluster time."""

    container: str
    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    tail: int | None = None
    since: float | None = None
    limit_bytes: int | None = None


class LogSource(Protocol):
    def read(self, pod: Object, request: LogRequest) -> list[bytes]:
        """What there is now. Raises StatusError when there is no such log."""
        ...

    def follow(self, pod: Object, request: LogRequest) -> AsyncIterator[bytes]:
        """What there is, and then what comes, until the container ends."""
        ...


def container_of(pod: Object, wanted: str) -> str:
    """The container meant. Models LogLocation; raises StatusError 400."""
    name = pod["metadata"]["name"]
    spec = pod["spec"]
    every = [
        c["name"]
        for f in ("initContainers", "containers", "ephemeralContainers")
        for c in spec.get(f) or ()
    ]
    if wanted:
        if wanted not in every:
            raise errors.bad_request(f"container {wanted} is not valid for pod {name}")
        return wanted
    main = [c["name"] for c in spec["containers"]]
    default = (pod["metadata"].get("annotations") or {}).get(
        "kubectl.kubernetes.io/default-container"
    )
    if len(main) == 1:
        return str(main[0])
    if default in main:
        return str(default)
    text = f"a container name must be specified for pod {name}, choose one of: [{' '.join(main)}]"
    init = [c["name"] for c in spec.get("initContainers") or ()]
    if init:
        text += f" or one of the init containers: [{' '.join(init)}]"
    raise errors.bad_request(text)


def waiting(pod: Object, container: str, reason: str) -> errors.StatusError:
    name = pod["metadata"]["name"]
    return errors.bad_request(
        f'container "{container}" in pod "{name}" is waiting to start: {reason}'
    )
