"""exec, attach and port-forward: the seam through which the composition root brings containers.

Whoever opens containers implements Streams; a client's side of a stream is a Peer, however it came
(websocket channels, SPDY). Not here: the wire (`channels`, `tunnel`), and what runs at the other
end (the kubelet's `streams`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from cluster.apiserver.http.logs import container_of
from cluster.apiserver.http.request import Request
from cluster.machinery import errors
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object

STDIN, STDOUT, STDERR, ERROR, RESIZE = range(5)
NAMES = ("exec", "attach", "portforward")


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """PodExecOptions and PodAttachOptions, with the container resolved. Attach has no command."""

    container: str
    command: tuple[str, ...] = ()
    stdin: bool = False
    stdout: bool = False
    stderr: bool = False
    tty: bool = False


@dataclass(frozen=True, slots=True)
class Input:
    """Something the client did: sent bytes, closed its input, resized its window, went away."""

    kind: Literal["data", "end", "resize", "gone"]
    data: bytes = b""
    columns: int = 0
    rows: int = 0


class Peer(Protocol):
    """The client's end."""

    async def next(self, timeout: float | None) -> Input | None:
        """The next input; None when none came in time."""
        ...

    async def send(self, channel: int, data: bytes) -> None: ...


class Connection(Protocol):
    """A TCP connection into a pod, for port-forward."""

    async def send(self, data: bytes) -> None: ...

    async def end(self) -> None:
        """The client will send no more."""
        ...

    async def receive(self) -> bytes:
        """What the pod sent; b"" when it closed the connection."""
        ...


class Fetched(Protocol):
    """What a container answered."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> dict[str, str]: ...

    @property
    def body(self) -> bytes: ...


class Streams(Protocol):
    def check(self, pod: Object, request: StreamRequest | None) -> None:
        """Raises StatusError when there is no such running container."""
        ...

    async def run(self, pod: Object, request: StreamRequest, peer: Peer) -> int:
        """The exit code."""
        ...

    def fetch(
        self, target: Object, port: str, method: str, path: str, headers: dict[str, str],
        body: bytes,
    ) -> Fetched:  # fmt: skip
        """One HTTP request to a pod or a service, for the proxy subresource; `port` is a number,
        a name, or empty. Raises OSError when nobody listens, StatusError for a port that is not
        there."""
        ...

    async def dial(self, pod: Object, port: int) -> Connection:
        """Raises OSError when nobody listens."""
        ...


def stream_request(pod: Object, request: Request, commands: list[str]) -> StreamRequest:
    """What exec or attach asks for. Raises StatusError."""
    attach = request.subresource == "attach"
    wanted = StreamRequest(
        container=container_of(pod, request.query.get("container", "")),
        command=tuple(commands),
        stdin=request.flag("stdin"),
        stdout=request.flag("stdout"),
        stderr=request.flag("stderr"),
        tty=request.flag("tty"),
    )
    if not attach and not wanted.command:
        raise errors.bad_request("you must specify at least one command for the container")
    if not (wanted.stdin or wanted.stdout or wanted.stderr):
        raise errors.bad_request("you must specify at least 1 of stdin, stdout, stderr")
    if wanted.tty and wanted.stderr:
        raise errors.bad_request("tty and stderr cannot both be true")
    return wanted


def outcome(code: int) -> Object:
    """The v1.Status that ends a stream. Models pkg/kubelet/.../remotecommand/exec.go."""
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    text = (
        f"command terminated with non-zero exit code: Error executing in Docker Container: {code}"
    )
    causes = [{"reason": "ExitCode", "message": str(code)}]
    return {"metadata": {}, "status": "Failure", "message": text, "reason": "NonZeroExitCode",
            "details": {"causes": causes}}  # fmt: skip


def failure(error: StatusError) -> Object:
    return error.status()
