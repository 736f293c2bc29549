"""A container to run scripts in, without a cluster; time passes when all wait."""

from __future__ import annotations

from dataclasses import dataclass

from cluster.runtime.container import Container
from cluster.runtime.images import image
from cluster.runtime.kernel import OpenFile, Process, Sink, Source

BORN = 1_767_225_600.0  # 2026-01-01T00:00:00Z


@dataclass
class Ran:
    """`code` is None when it was still running at the end."""

    out: str
    code: int | None
    seconds: float


class Box:
    def __init__(self, reference: str = "busybox", name: str = "web") -> None:
        meta = {"name": name, "namespace": "default", "uid": "u"}
        pod = {"metadata": meta, "spec": {"containers": []}}
        self.container = Container(pod, {"name": "c"}, image(reference), "id", BORN)
        self.now = BORN

    def run(self, script: str, stdin: str = "", within: float = 100.0) -> Ran:
        return self.execute(["sh", "-c", script], stdin, within)

    def execute(self, argv: list[str], stdin: str = "", within: float = 100.0) -> Ran:
        out = bytearray()
        source, sink = Source(), Sink(out.extend)
        source.feed(stdin.encode())
        source.end()
        files: dict[int, OpenFile] = {0: source, 1: sink, 2: sink}
        began = self.now
        process = self.container.execute(argv, files, 1)
        self._until(process, began + within)
        return Ran(out.decode(errors="replace"), process.status, self.now - began)

    def _until(self, process: Process, end: float) -> None:
        while process.status is None:
            while self.container.kernel.run(self.now):
                pass
            deadline = self.container.kernel.deadline()
            if process.status is not None or deadline is None or deadline > end:
                return
            self.now = deadline


def sh(script: str, stdin: str = "") -> str:
    """What a script prints in a busybox."""
    return Box().run(script, stdin).out
