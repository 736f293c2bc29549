"""exec, attach, cp, port-forward, logs and debug, with a real kubectl."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.e2e.instance import Orrery, eventually, free_port


@pytest.fixture(scope="module")
def pods(orrery: Orrery) -> Iterator[Orrery]:
    orrery.kubectl("run", "box", "--image=busybox", "--", "sleep", "86400")
    orrery.kubectl("run", "web", "--image=nginx", "--port=80", "--expose")
    orrery.kubectl("wait", "pod/box", "pod/web", "--for=condition=Ready", "--timeout=60s")
    yield orrery
    orrery.kubectl("delete", "pod/box", "pod/web", "service/web", "--now")


class Screen:
    """kubectl on a terminal."""

    def __init__(self, orrery: Orrery, *arguments: str) -> None:
        leader, follower = pty.openpty()
        self._leader = leader
        self._process = subprocess.Popen(
            orrery.command(*arguments), env=orrery.kubectl_env(), stdin=follower,
            stdout=follower, stderr=follower, start_new_session=True,
        )  # fmt: skip
        os.close(follower)
        self.shown = ""

    def expect(self, text: str, within: float = 20) -> None:
        end = time.monotonic() + within
        while text not in self.shown:
            assert time.monotonic() < end, f"no {text!r} in {self.shown!r}"
            if select.select([self._leader], [], [], 0.1)[0]:
                self.shown += os.read(self._leader, 65_536).decode(errors="replace")

    def type(self, keys: str) -> None:
        self.shown = ""
        os.write(self._leader, keys.encode())

    def end(self) -> int:
        code = self._process.wait(20)
        os.close(self._leader)
        return code


def test_exec_prints_and_gives_the_exit_code(pods: Orrery) -> None:
    done = pods.run("exec", "box", "--", "sh", "-c", "hostname; echo err >&2; exit 7")
    assert (done.stdout, done.returncode) == ("box\n", 7)
    assert done.stderr == "err\ncommand terminated with exit code 7\n"
    assert pods.kubectl("exec", "-i", "box", "--", "cat", stdin="piped\n") == "piped\n"


def test_a_shell_on_a_terminal(pods: Orrery) -> None:
    screen = Screen(pods, "exec", "-it", "box", "--", "sh")
    screen.expect("/ # ")
    screen.type("echo $((6*7))\r")
    screen.expect("42\r\n/ # ")
    screen.type("sleep 1000\r")
    screen.expect("sleep 1000\r\n")
    screen.type("\x03")
    screen.expect("/ # ")
    screen.type("exit 3\r")
    assert screen.end() == 3


def test_files_are_copied_both_ways(pods: Orrery, tmp_path: Path) -> None:
    content = os.urandom(300_000)
    (tmp_path / "there").write_bytes(content)
    pods.kubectl("cp", str(tmp_path / "there"), "box:/tmp/file")
    pods.kubectl("cp", "box:/tmp/file", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == content


def test_port_forward_reaches_the_server(pods: Orrery) -> None:
    port = free_port()
    command = pods.command("port-forward", "service/web", f"{port}:80")
    forward = subprocess.Popen(command, env=pods.kubectl_env(), stdout=subprocess.PIPE)
    try:
        assert forward.stdout is not None
        assert b"Forwarding from" in forward.stdout.readline()
        with urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
            assert b"Welcome to nginx!" in answer.read()
    finally:
        forward.terminate()
        forward.wait(10)
    assert '"GET / HTTP/1.1" 200' in pods.kubectl("logs", "web", "--tail=1")


def test_pods_reach_services_by_name(pods: Orrery) -> None:
    page = pods.kubectl("exec", "box", "--", "wget", "-qO-", "http://web")
    assert "Welcome to nginx!" in page


def test_a_jobs_log_is_what_it_printed(pods: Orrery) -> None:
    script = "for i in 1 2 3; do echo $i $HOSTNAME; sleep 1; done"
    pods.kubectl("create", "job", "count", "--image=busybox", "--", "sh", "-c", script)
    pods.kubectl("wait", "job/count", "--for=condition=Complete", "--timeout=60s")
    lines = pods.kubectl("logs", "-f", "job/count").splitlines()
    assert [line.split()[0] for line in lines] == ["1", "2", "3"]
    assert all(line.split()[1].startswith("count-") for line in lines)
    pods.kubectl("delete", "job/count")


def test_debug_brings_its_own_container(pods: Orrery) -> None:
    screen = Screen(pods, "debug", "-it", "box", "--image=busybox", "--", "sh")
    screen.expect("/ # ")
    screen.type("hostname\r")
    screen.expect("box\r\n")
    screen.type("exit\r")
    assert screen.end() == 0


def test_what_was_written_outlives_the_api_servers_process(pods: Orrery) -> None:
    pods.kubectl("exec", "box", "--", "sh", "-c", "echo kept > /tmp/kept")
    pods.signal("apiserver", 9)
    eventually(lambda: pods.run("get", "pod", "box").returncode == 0, 40, "API server back")
    assert pods.kubectl("exec", "box", "--", "cat", "/tmp/kept") == "kept\n"
