"""One run of one container: its files, its processes, its name. From start to exit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from cluster.apiserver.resources import Resource
from cluster.machinery.meta import Object
from cluster.runtime import rootfs
from cluster.runtime.images import Image
from cluster.runtime.kernel import Kernel, OpenFile, Process
from cluster.runtime.loader import load
from cluster.runtime.rootfs import flavour

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Reply(Protocol):
    """What a server answered."""

    status: int
    headers: dict[str, str]
    body: bytes


class Network(Protocol):
    """The cluster's network as one pod sees it. Failures are OSErrors with the kernel's texts:
    ConnectionRefusedError, TimeoutError; a name that nobody knows resolves to nothing."""

    def resolve(self, name: str, pod: Object | None) -> list[str]: ...

    def reach(self, address: str, port: int, pod: Object | None) -> None:
        """Nothing, if somebody listens there. Raises OSError."""
        ...

    def ask(
        self, address: str, port: int, method: str, path: str, headers: dict[str, str],
        body: bytes, pod: Object | None,
    ) -> Reply: ...  # fmt: skip


class Surroundings(Protocol):
    """The cluster around a container."""

    @property
    def network(self) -> Network | None: ...

    def find(self, resource: Resource, namespace: str, name: str) -> Object | None: ...

    def list(self, resource: Resource, namespace: str) -> list[Object]: ...

    def token(self, pod: Object, audience: str, seconds: int) -> str:
        """A service account's token for the pod."""
        ...


class NotExecutableError(Exception):
    """The runtime cannot start the program."""


class Container:
    def __init__(
        self, pod: Object, spec: Object, image: Image, identity: str, born: float,
        address: str = "",
    ) -> None:  # fmt: skip
        self.pod = pod
        self.spec = spec
        self.image = image
        self.id = identity
        self.fs = rootfs.root(image, born)
        self.kernel = Kernel(self.fs, born, identity)
        self.kernel.container = self
        self.kernel.flavour = flavour(image.flavour).name
        self.address = address or "127.0.0.1"
        self.hostname = _hostname(pod)
        self.env: dict[str, str] = {"PATH": PATH, "HOSTNAME": self.hostname, **dict(image.env)}
        self.mounted: list[str] = []
        self.surroundings: Surroundings | None = None
        security = {**(pod["spec"].get("securityContext") or {}),
                    **(spec.get("securityContext") or {})}  # fmt: skip
        self.user = int(security.get("runAsUser") or image.user)
        self.group = int(security.get("runAsGroup") or 0)
        self.workdir = spec.get("workingDir") or image.workdir
        self.main: Process | None = None
        rootfs.proc(self.fs, self._pids, born, lambda: self.kernel.now)

    def _pids(self) -> dict[int, list[str]]:
        return {p.pid: p.argv for p in self.kernel.processes.values()}

    @property
    def full_name(self) -> str:
        spec = self.pod["spec"]
        if not spec.get("subdomain"):
            return self.hostname
        namespace = self.pod["metadata"]["namespace"]
        return f"{self.hostname}.{spec['subdomain']}.{namespace}.svc.cluster.local"

    @property
    def prompt(self) -> str:
        return flavour(self.image.flavour).prompt

    def environment(self) -> dict[str, str]:
        home = "/root" if self.user == 0 else "/"
        return {**self.env, "HOME": self.env.get("HOME", home)}

    def begin(self, shown: list[str]) -> None:
        """The image's own server: processes that are there and do nothing."""
        for line in self.image.processes or [" ".join(shown)]:
            process = self.kernel.spawn(line.split(" "), self.environment(), {}, self.workdir)
            self.main = self.main or process

    def execute(
        self, argv: list[str], fds: dict[int, OpenFile], session: int = 0,
        more: Callable[[Process], None] | None = None,
    ) -> Process:  # fmt: skip
        """Start a program. Raises NotExecutableError in the words of runc."""
        kernel = self.kernel
        process = kernel.spawn(argv, self.environment(), fds, self.workdir, session)
        if session:
            process.env = {**process.env, "TERM": "xterm"} if fds[0].is_tty else process.env
        program, words = load(process, argv, process.env.get("PATH", PATH))
        if program is None:
            kernel.reap(process)
            full = process.path(argv[0])
            why = "executable file not found in $PATH"
            if "/" in argv[0]:
                there = self.fs.get(full) is not None
                why = "permission denied" if there else f"stat {argv[0]}: no such file or directory"
            raise NotExecutableError(
                "OCI runtime exec failed: exec failed: unable to start container process: "
                f'exec: "{argv[0]}": {why}: unknown'
            )
        process.argv = words
        if more is not None:
            more(process)
        kernel.start(process, program)
        return process


def _hostname(pod: Object) -> str:
    spec = pod["spec"]
    if spec.get("hostNetwork"):
        return str(spec.get("nodeName") or "minikube")
    return str(spec.get("hostname") or pod["metadata"]["name"])[:63].rstrip("-.")
