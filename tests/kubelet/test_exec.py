"""kubectl exec, from the websocket to the shell in the container."""

from __future__ import annotations

import pytest

from tests.kubelet.streaming import Cluster

PATH = "/api/v1/namespaces/default/pods/p/exec"


@pytest.fixture
def cluster() -> Cluster:
    found = Cluster()
    found.start()
    return found


@pytest.mark.parametrize("protocol", ["v5.channel.k8s.io", "v4.channel.k8s.io"])
async def test_output_errors_and_the_exit_code_have_their_channels(
    cluster: Cluster, protocol: str
) -> None:
    script = "echo out; echo err >&2; cat /etc/hostname; exit 7"
    ran = await cluster.exec("sh", "-c", script, protocol=protocol)
    assert (ran.out, ran.err, ran.code) == ("out\np\n", "err\n", 7)
    assert ran.status["reason"] == "NonZeroExitCode"


async def test_success_is_a_status_too(cluster: Cluster) -> None:
    assert (await cluster.exec("true")).status == {"metadata": {}, "status": "Success"}


async def test_standard_input_reaches_the_program_and_ends(cluster: Cluster) -> None:
    ran = await cluster.exec("sh", "-c", "wc -c; cat", stdin=b"hello\n")
    assert ran.out == "6\n"


async def test_a_program_that_is_not_there(cluster: Cluster) -> None:
    ran = await cluster.exec("nosuch")
    assert 'exec: "nosuch": executable file not found in $PATH' in ran.out
    assert ran.code == 127


async def test_what_one_exec_writes_the_next_one_reads(cluster: Cluster) -> None:
    await cluster.exec("sh", "-c", "echo kept > /tmp/f")
    assert (await cluster.exec("cat", "/tmp/f")).out == "kept\n"


async def test_sleep_waits_for_the_clusters_clock(cluster: Cluster) -> None:
    before = cluster.simulation.clock.now()
    assert (await cluster.exec("sleep", "600")).code == 0
    assert cluster.simulation.clock.now() - before >= 600


async def test_a_terminal_echoes_prompts_and_ends_with_exit(cluster: Cluster) -> None:
    query = {"stdin": "true", "stdout": "true", "tty": "true", "command": ["sh"]}
    socket = await cluster.open(PATH, ["v5.channel.k8s.io"], **query)
    await socket.send(b"\x04" + b'{"Width":120,"Height":40}')
    await socket.send(b"\x00echo $((1+1))\r")
    shown = b""
    while not shown.endswith(b"2\r\n/ # "):
        shown += (await socket.receive() or b"")[1:]
    assert shown == b"/ # echo $((1+1))\r\n2\r\n/ # "
    await socket.send(b"\x00exit 3\r")
    ran = await socket.outcome()
    assert (ran.out, ran.code) == ("exit 3\r\n", 3)


async def test_ctrl_c_ends_the_program_and_not_the_shell(cluster: Cluster) -> None:
    query = {"stdin": "true", "stdout": "true", "tty": "true", "command": ["sh"]}
    socket = await cluster.open(PATH, ["v5.channel.k8s.io"], **query)
    await socket.send(b"\x00cat\r")
    await socket.send(b"\x00\x03")
    await socket.send(b"\x00echo $?\rexit\r")
    assert "130\r\n" in (await socket.outcome()).out


async def test_a_client_that_goes_away_takes_its_programs_along(cluster: Cluster) -> None:
    query = {"stdin": "true", "stdout": "true", "command": ["cat"]}
    socket = await cluster.open(PATH, ["v5.channel.k8s.io"], **query)
    await socket.leave()
    assert "cat" not in (await cluster.exec("ps")).out


async def test_who_may_not_is_told_so_in_the_handshake(cluster: Cluster) -> None:
    socket = await cluster.open(
        PATH, ["v5.channel.k8s.io"], token="bob", command="ls", stdout="true"
    )
    assert socket.refused is not None
    code, status = socket.refused
    assert (code, status["reason"]) == (403, "Forbidden")


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("/api/v1/namespaces/default/pods/nosuch/exec", {"command": "ls", "stdout": "true"}, 404),
        (PATH, {"stdout": "true"}, 400),
        (PATH, {"command": "ls"}, 400),
        (PATH, {"command": "ls", "stdout": "true", "container": "nosuch"}, 400),
    ],
)
async def test_a_wrong_request_gets_its_status(
    cluster: Cluster, path: str, query: dict[str, str], code: int
) -> None:
    socket = await cluster.open(path, ["v5.channel.k8s.io"], **query)
    assert socket.refused is not None
    assert socket.refused[0] == code
