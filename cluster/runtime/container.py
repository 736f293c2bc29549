"""One run of one container: its files, its processes, its name. From start to exit."""

from __future__ import annotations

import posixpath
from collections.abc import Callable

from cluster.machinery.meta import Object
from cluster.runtime import rootfs
from cluster.runtime.around import Handler, Network, Surroundings
from cluster.runtime.fs import Directory, File
from cluster.runtime.images import Image
from cluster.runtime.kernel import Kernel, OpenFile, Process, Run, Sink, Source, Until
from cluster.runtime.kernel.files import Null
from cluster.runtime.loader import load
from cluster.runtime.rootfs import flavour
from cluster.runtime.terminal import Terminal

HOOKS = -1  # the session of probes and hooks
KEPT = 5_000  # chunks of a log
WAKES = 5_000  # moments that a process of ours catches up with, at most
UNKNOWN_SECONDS = 5.0
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


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
        self._address = address or "127.0.0.1"
        self.env: dict[str, str] = {"PATH": PATH, "HOSTNAME": _hostname(pod), **dict(image.env)}
        self.mounted: list[str] = []
        self.surroundings: Surroundings | None = None
        security = {**(pod["spec"].get("securityContext") or {}),
                    **(spec.get("securityContext") or {})}  # fmt: skip
        self.user = int(security.get("runAsUser") or image.user)
        self.group = int(security.get("runAsGroup") or 0)
        self.workdir = spec.get("workingDir") or image.workdir
        self.main: Process | None = None
        self.ended_at: float | None = None
        self.hooked: int | None = None  # how the postStart hook's command ended
        self.chunks: list[tuple[float, bytes]] = []  # what the main process wrote
        self.console: Source | None = None  # where attached clients type
        self.attached: list[Callable[[bytes], None]] = []
        self.serving = False  # the main process is a server: it ends when it is asked to
        self.listening: dict[int, Handler] = {}
        self.networked = False
        self.kept = 0  # lines that are written down elsewhere
        rootfs.proc(self.fs, self._pids, born, lambda: self.kernel.now)

    def sterile(self, mounts: list[str]) -> None:
        """Without a cluster: notice when a program wants to know of it."""
        kernel = self.kernel
        kernel.sterile = True
        del self.env["HOSTNAME"]
        self.fs.directory("/proc").refresh = lambda: kernel.look("files")
        for name in ("hostname", "hosts", "resolv.conf"):
            self.fs.attach(f"/etc/{name}", File(made=self._unknown))
        for path in ("/var/run/secrets", *mounts):
            where = posixpath.normpath(path)
            if where != "/":
                self.fs.makedirs(posixpath.dirname(where), 0.0)
                self.fs.attach(where, Directory(refresh=lambda: kernel.look("files")))
        self.fs.changed = lambda path: kernel.look("files")
        kernel.seen.clear()

    def _unknown(self) -> bytes:
        self.kernel.look("files")
        return b""

    def curious(self, what: str) -> OpenFile:
        """An input that nobody types into; whoever reads it is noticed."""
        return _Curious(self.kernel, what)

    @property
    def hostname(self) -> str:
        self.kernel.look("name")
        return _hostname(self.pod)

    @property
    def address(self) -> str:
        self.kernel.look("address")
        return self._address

    @property
    def network(self) -> Network | None:
        self.kernel.look("network")
        self.networked = True
        return self.surroundings.network if self.surroundings is not None else None

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

    def start(self, argv: list[str]) -> None:
        """The main process; what it prints goes to the log. Raises NotExecutableError."""
        self.main = self.execute(argv, self._console())
        if self.main.status is not None:
            self.ended_at = self.kernel.now

    def _console(self) -> dict[int, OpenFile]:
        """The main process's files: a terminal, an input that attach feeds, or nothing to read."""
        if not self.spec.get("stdin"):
            sink = Sink(self._log)
            return {0: Null(), 1: sink, 2: sink}
        if self.spec.get("tty"):
            terminal = Terminal(self._log, lambda: False, self._interrupt)
            self.console = terminal
            return {0: terminal, 1: terminal.screen, 2: terminal.screen}
        self.console, sink = Source(), Sink(self._log)
        return {0: self.console, 1: sink, 2: sink}

    def _interrupt(self, number: int) -> None:
        self.kernel.interrupt(0, number)

    def place(self, address: str) -> None:
        """The pod's address, when it is known before the API tells."""
        self._address = address or self._address

    def _log(self, data: bytes) -> None:
        self.chunks.append((self.kernel.now, data))
        for hear in self.attached:
            hear(data)
        if len(self.chunks) > KEPT:
            del self.chunks[: KEPT // 10]

    def advance(self, now: float, wakes: int = WAKES) -> None:
        """Let the processes live until `now`, stopping at each moment they wait for. When there
        are too many such moments, the last ones are slept through."""
        kernel = self.kernel
        if kernel.current is not None:
            return  # one of its own programs asks, over the network
        self._step(kernel.now)
        while wakes and not self.over:
            moment = kernel.deadline()
            if moment is None or moment > now:
                break
            wakes -= 1
            self._step(max(moment, kernel.now))
        if not self.over and now > kernel.now:
            self._step(now)

    def _step(self, moment: float) -> None:
        self.kernel.run(moment)
        if self.over and self.ended_at is None:
            self.ended_at = moment

    @property
    def over(self) -> bool:
        """The main process has ended, and with it the container."""
        return self.main is not None and self.main.status is not None

    def command(self, argv: list[str]) -> tuple[int | None, str]:
        """Run a probe's or a hook's command now; (exit code, output). None: it did not end."""
        out = bytearray()
        sink = Sink(out.extend)
        try:
            process = self.execute(argv, {0: Null(), 1: sink, 2: sink}, HOOKS)
        except NotExecutableError as error:
            return 126, str(error)
        self.kernel.run(self.kernel.now)
        return process.status, out.decode("utf-8", "replace")

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
        if program is None and not session and not self.image.known:
            program, words = opaque, argv
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


class _Curious(Source):
    def __init__(self, kernel: Kernel, what: str) -> None:
        super().__init__()
        self._kernel = kernel
        self._what = what

    def read(self, size: int) -> bytes | None:
        self._kernel.look(self._what)
        return None


def opaque(process: Process, arguments: list[str]) -> Run:
    """A program of an image we do not know."""
    container = process.kernel.container
    policy = container.pod["spec"].get("restartPolicy") if container is not None else ""
    if policy == "Probe":
        return 0
    if policy == "Always":
        if container is not None and process.parent is None:
            container.serving = True
        yield Until(lambda: False)
    yield from process.sleep(UNKNOWN_SECONDS)
    return 0


def _hostname(pod: Object) -> str:
    spec = pod["spec"]
    if spec.get("hostNetwork"):
        return str(spec.get("nodeName") or "minikube")
    return str(spec.get("hostname") or pod["metadata"]["name"])[:63].rstrip("-.")
