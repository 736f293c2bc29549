"""`manage.py up` itself: state that stays, orderly ends, and clear words when it cannot start."""

from __future__ import annotations

import json
import signal
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.e2e.instance import Orrery, eventually

Make = Callable[..., Orrery]


def one_line(said: str) -> str:
    lines = said.strip().splitlines()
    assert len(lines) == 1, said
    assert lines[0].startswith("orrery: ")
    return lines[0]


def test_a_second_start_continues_with_the_same_state(make: Make) -> None:
    first = make()
    first.start()
    first.kubectl("create", "configmap", "kept", "--from-literal=a=b")
    uid = first.get("node", "minikube")["metadata"]["uid"]
    authority = (first.data / "pki" / "ca.crt").read_bytes()
    assert first.stop(signal.SIGINT) < 5
    before = first.kubeconfig.read_text()
    first.start()
    assert first.get("configmap", "kept")["data"] == {"a": "b"}
    assert first.get("node", "minikube")["metadata"]["uid"] == uid
    assert (first.data / "pki" / "ca.crt").read_bytes() == authority
    assert first.kubeconfig.read_text() == before
    # Time stood still meanwhile: no node was missed.
    assert first.kubectl("get", "nodes").count(" Ready ") == 3


def test_two_instances_side_by_side(orrery: Orrery, make: Make) -> None:
    other = make("other")
    other.start("--nodes", "1")
    other.kubectl("create", "configmap", "only-here")
    assert len(other.get("nodes")["items"]) == 1
    assert len(orrery.get("nodes")["items"]) == 3
    assert orrery.run("get", "configmap", "only-here").returncode != 0


def test_another_number_of_nodes_adds_and_drains(make: Make) -> None:
    made = make()
    made.start("--nodes", "2")
    made.stop()
    made.start("--nodes", "4", "--node-cpu", "16")
    eventually(lambda: made.kubectl("get", "nodes").count(" Ready ") == 4, what="four nodes")
    assert made.get("node", "minikube-m04")["status"]["capacity"]["cpu"] == "16"
    made.stop()
    made.start("--nodes", "1")
    assert "node minikube-m02 drained and removed" in made.said()
    eventually(lambda: len(made.get("nodes")["items"]) == 1, what="one node")
    made.stop()
    made.start("--fresh")
    assert len(made.get("nodes")["items"]) in range(4)
    eventually(lambda: len(made.get("nodes")["items"]) == 3, what="a new cluster")


def test_it_ends_although_a_parent_ignores_sigint(make: Make) -> None:
    made = make()
    made.start(preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    assert made.stop(signal.SIGINT) < 5
    assert made.process is not None
    assert made.process.returncode == 0


def test_it_can_be_stopped_while_it_starts(make: Make) -> None:
    made = make()
    made.start(wait=False)
    eventually(lambda: (made.data / "logs" / "valkey.log").exists())
    assert made.stop(signal.SIGINT) < 5


def test_after_a_killed_supervisor_the_next_start_goes_on(make: Make) -> None:
    made = make()
    made.start("--nodes", "1")
    made.kubectl("create", "configmap", "kept")
    children = made.children()
    made.kill()
    made.start()
    assert made.kubectl("get", "configmap", "kept")
    assert not set(children.values()) & set(made.children().values())


def test_a_long_data_path_works(make: Make) -> None:
    made = make("a-long-name-" * 12)
    made.start("--nodes", "1")
    assert made.kubectl("get", "nodes")


def test_the_login_link_works_once(orrery: Orrery) -> None:
    url = orrery.manage("login-url")
    assert url.startswith(f"http://localhost:{orrery.port}/login/")
    with urlopen(url) as page:
        assert page.status == 200
        assert "sessionid" in (page.headers.get("Set-Cookie") or "") or page.url != url


def test_a_token_opens_the_api_on_both_ports(orrery: Orrery) -> None:
    token = (orrery.data / "pki" / "tokens.csv").read_text().partition(",")[0]
    trust = ssl.create_default_context(cafile=str(orrery.data / "pki" / "ca.crt"))
    for base in (f"https://localhost:{orrery.api_port}", f"http://localhost:{orrery.port}"):
        context = trust if base.startswith("https") else None
        request = Request(f"{base}/api/v1/nodes", headers={"Authorization": f"Bearer {token}"})
        with urlopen(request, context=context) as answer:
            assert len(json.load(answer)["items"]) == 3
        with pytest.raises(HTTPError, match="401"):
            urlopen(f"{base}/api/v1/nodes", context=context)


def test_the_api_may_be_served_by_daphne(make: Make) -> None:
    made = make()
    made.env["ORRERY_API_SERVER"] = "daphne"
    made.start("--nodes", "1")
    made.kubectl("create", "configmap", "kept")
    assert "minikube-user" in made.kubectl("auth", "whoami")


def test_it_says_who_is_in_the_folder(orrery: Orrery) -> None:
    second = Orrery(orrery.data)
    second.output = orrery.data.with_name("second.out")
    code, said = second.run_to_end()
    assert code == 1
    assert f"runs in {orrery.data} already (process " in one_line(said)


def test_it_says_which_port_is_taken(make: Make) -> None:
    made = make()
    with socket.socket() as other:
        other.bind(("127.0.0.1", made.api_port))
        other.listen()
        code, said = made.run_to_end()
    assert code == 1
    assert f"port {made.api_port} for the API" in one_line(said)


def test_it_says_that_the_database_is_damaged(make: Make) -> None:
    made = make()
    made.data.mkdir()
    (made.data / "orrery.sqlite3").write_bytes(b"this is not a database" * 100)
    code, said = made.run_to_end()
    assert code == 1
    assert "file is not a database" in one_line(said)


def test_it_says_that_a_certificate_is_damaged(make: Make) -> None:
    made = make()
    made.start("--nodes", "1")
    made.stop()
    (made.data / "pki" / "ca.crt").write_text("")
    code, said = made.run_to_end()
    assert code == 1
    assert "ca.crt is not a readable certificate" in one_line(said)


def test_it_says_that_a_port_is_no_number(make: Make, tmp_path: Path) -> None:
    made = make()
    made.env["ORRERY_PORT"] = "http"
    code, said = made.run_to_end()
    assert code == 1
    assert "ORRERY_PORT=http" in one_line(said)
