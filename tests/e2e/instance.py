"""Starting `manage.py up` in a folder of its own, and talking to it with kubectl."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from tests import tools

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[2]
START_WITHIN = 40  # generous: a loaded CI machine


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(look: Callable[[], T], within: float = 30, what: str = "") -> T:
    """The first true answer."""
    end = time.monotonic() + within
    while True:
        if found := look():
            return found
        assert time.monotonic() < end, f"not within {within} s: {what or look}"
        time.sleep(0.05)


class Orrery:
    """One instance: its folder and ports stay the same over any number of starts."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.kubeconfig = data / "kubeconfig"
        self.port, self.api_port = free_port(), free_port()
        self.env = {
            **{k: v for k, v in os.environ.items() if not k.startswith("ORRERY_")},
            "ORRERY_DATA": str(data),
            "ORRERY_PORT": str(self.port),
            "ORRERY_API_PORT": str(self.api_port),
            "ORRERY_ETCD_PORT": str(free_port()),
        }
        self.process: subprocess.Popen[str] | None = None
        self.output = data.with_name(f"{data.name}.out")

    # ---- processes

    def start(self, *arguments: str, wait: bool = True, **popen: Any) -> None:
        command = [sys.executable, "manage.py", "up", *arguments]
        with self.output.open("w") as out:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=self.env, stdout=out, stderr=out, text=True, **popen
            )
        if wait:
            eventually(self._is_up, START_WITHIN, "up")

    def _is_up(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.said()
        return "export KUBECONFIG=" in self.said()

    def said(self) -> str:
        return self.output.read_text()

    def run_to_end(self, *arguments: str) -> tuple[int, str]:
        """For a start that fails: (exit code, everything it said)."""
        self.start(*arguments, wait=False)
        assert self.process is not None
        code = self.process.wait(30)
        return code, self.said()

    def stop(self, number: int = signal.SIGTERM) -> float:
        """Returns how many seconds it took until everything had ended."""
        assert self.process is not None
        children = self.children()
        begun = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(20)
        took = time.monotonic() - begun
        left = [name for name, pid in children.items() if Path(f"/proc/{pid}").exists()]
        assert not left, f"still there: {left}"
        return took

    def kill(self) -> None:
        """The supervisor alone, as the out-of-memory killer would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def children(self) -> dict[str, int]:
        """Process ids by name (`apiserver`, `kubelet.0`...) of this instance's own children."""
        assert self.process is not None
        pids: list[int] = []
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            pids += map(int, (task / "children").read_text().split())
        found = {}
        for pid in pids:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
            if "valkey-server" in words[0]:
                found["valkey"] = pid
            elif "manage.py" in " ".join(words[:3]):
                found[words[3] if words[2] == "worker" else words[2]] = pid
        return found

    def signal(self, name: str, number: int) -> int:
        pid = self.children()[name]
        os.kill(pid, number)
        return pid

    # ---- kubectl

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments), env=self.kubectl_env(), input=stdin, capture_output=True,
            text=True, timeout=60, check=False,
        )  # fmt: skip

    def command(self, *arguments: str) -> list[str]:
        return [str(tools.kubectl()), *arguments]

    def kubectl_env(self) -> dict[str, str]:
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig), "HOME": str(self.data)}

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def get(self, *arguments: str) -> Any:
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def pods(self, selector: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("pods", "-l", selector)["items"]
        return found

    def ready(self, selector: str) -> int:
        return sum(is_ready(pod) for pod in self.pods(selector))

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=60, check=True
        ).stdout.strip()


def is_ready(obj: dict[str, Any]) -> bool:
    conditions = obj.get("status", {}).get("conditions", ())
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
