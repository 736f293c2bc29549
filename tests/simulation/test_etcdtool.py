"""The tutorial's etcd session inside the cluster, in virtual time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from cluster.apiserver import writtenlogs
from cluster.etcd.api import Put, Txn
from cluster.etcd.memoryarchive import MemoryArchive
from cluster.machinery import pki
from cluster.runtime import volumes
from cluster.runtime.tools import TOOLS
from cluster.simulation import etcdtool
from cluster.simulation.etcdtool.world import CERTIFICATES, DATA, POD
from tests.runtime.box import BORN, Box, Ran

TLS = (
    f"--cacert={CERTIFICATES}/ca.crt --cert={CERTIFICATES}/healthcheck-client.crt "
    f"--key={CERTIFICATES}/healthcheck-client.key"
)
HTTPS = "ETCDCTL_API=3 etcdctl --endpoints=https://127.0.0.1:2379"


class Member:
    """The etcd pod's container and what is behind it."""

    def __init__(self, folder: Path) -> None:
        self.store = MemoryArchive()
        self.box = Box("registry.k8s.io/etcd:3.6.6-0", "etcd-minikube")
        world = etcdtool.World(self.store, lambda: self.box.now, folder / "etcd")
        etcdtool.install(world)
        fs = self.box.container.fs
        fs.makedirs("/var/lib/minikube/certs", BORN).children["etcd"] = world.certificates()
        fs.makedirs("/var/lib/minikube", BORN).children["etcd"] = world.member_files()
        fs.makedirs("/other", BORN)
        for name in ("admin.crt", "admin.key", "ca.crt"):
            fs.write(f"/other/{name}", (folder / name).read_bytes(), BORN)

    def sh(self, script: str) -> Ran:
        return self.box.run(script)

    def log(self) -> list[dict[str, str]]:
        return [orjson.loads(line.text) for line in writtenlogs.lines(self.store, *POD)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("pki")
    pki.ensure(made, datetime.now(UTC))
    return made


@pytest.fixture
def member(folder: Path) -> Iterator[Member]:
    tools, paths = dict(TOOLS), dict(volumes.HOST_PATHS)
    yield Member(folder)
    TOOLS.clear()
    TOOLS.update(tools)
    volumes.HOST_PATHS.clear()
    volumes.HOST_PATHS.update(paths)


@pytest.mark.parametrize(
    ("how", "line"),
    [
        ("etcdctl", "tls: first record does not look like a TLS handshake"),
        (HTTPS, "remote error: tls: bad certificate"),
        (f"{HTTPS} --cacert=/other/ca.crt", "remote error: tls: bad certificate"),
        (f"{HTTPS} --cacert={CERTIFICATES}/ca.crt", "tls: client didn't provide a certificate"),
        (
            f"{HTTPS} --cacert={CERTIFICATES}/ca.crt --cert=/other/admin.crt "
            "--key=/other/admin.key",
            "tls: failed to verify client certificate: x509: certificate signed by unknown "
            "authority",
        ),
    ],
)
def test_a_snapshot_without_the_right_files_fails_after_five_seconds_and_the_log_says_why(
    member: Member, how: str, line: str
) -> None:
    ran = member.sh(f"{how} snapshot save snapshot.db")
    assert (ran.code, ran.seconds) == (1, pytest.approx(5.0))
    assert ran.out.endswith("Error: context deadline exceeded\n")
    assert {entry["error"] for entry in member.log()} == {line}
    assert member.log()[0]["msg"] == "rejected connection"
    assert member.sh("ls snapshot.db").code == 1


def test_a_file_that_is_not_there_is_the_clients_own_error(member: Member) -> None:
    ran = member.sh(f"{HTTPS} --cacert=/nope.crt get x")
    assert (ran.code, ran.seconds) == (1, 0)
    assert ran.out == "Error: open /nope.crt: no such file or directory\n"
    assert member.log() == []


def test_a_snapshot_is_saved_looked_at_and_restored(member: Member) -> None:
    member.store.commit([Txn((), (Put(b"/registry/pods/default/a", b"{}"),))])
    ran = member.sh(f"{HTTPS} {TLS} snapshot save /tmp/snapshot.db")
    assert ran.code == 0
    assert "Snapshot saved at /tmp/snapshot.db\n" in ran.out
    shown = member.sh("etcdutl snapshot status /tmp/snapshot.db -w table").out.splitlines()
    assert shown[0].startswith("+-")
    head = [cell.strip() for cell in shown[1].split("|")]
    assert head[1:-1] == ["HASH", "REVISION", "TOTAL KEYS", "TOTAL SIZE", "STORAGE VERSION"]
    assert shown[3].split("|")[2].strip() == str(member.store.revision())
    json_of = member.sh("etcdutl snapshot status /tmp/snapshot.db -w json").out
    assert json.loads(json_of)["revision"] == member.store.revision()
    restored = member.sh("etcdutl snapshot restore /tmp/snapshot.db --data-dir /tmp/new")
    assert restored.code == 0
    assert member.sh("ls /tmp/new/member").out.split() == ["snap", "wal"]
    again = member.sh("etcdutl snapshot restore /tmp/snapshot.db --data-dir /tmp/new")
    assert 'Error: data-dir "/tmp/new" not empty or could not be read' in again.out


def test_the_members_folder_has_its_database(member: Member) -> None:
    assert member.sh(f"ls {DATA}/member/snap").out.split() == [
        "0000000000000002-0000000000002711.snap",
        "db",
    ]
    assert member.sh(f"etcdutl snapshot status {DATA}/member/snap/db").code == 0


def test_keys_are_the_stores(member: Member) -> None:
    e = f"{HTTPS} {TLS}"
    assert member.sh(f"{e} put /a 1; {e} put /b 2").out == "OK\nOK\n"
    assert member.sh(f"{e} get / --prefix --keys-only").out == "/a\n\n/b\n\n"
    assert member.sh(f"{e} get /a --print-value-only").out == "1\n"
    assert member.sh(f"{e} del / --prefix").out == "2\n"
    assert member.store.get(b"/a") is None
    past = member.sh(f"{e} get /a --rev=999")
    assert past.out == "Error: etcdserver: mvcc: required revision is a future revision\n"


def test_the_environment_may_say_where_and_how(member: Member) -> None:
    script = (
        "export ETCDCTL_ENDPOINTS=https://127.0.0.1:2379 "
        f"ETCDCTL_CACERT={CERTIFICATES}/ca.crt ETCDCTL_CERT={CERTIFICATES}/server.crt "
        f"ETCDCTL_KEY={CERTIFICATES}/server.key\netcdctl endpoint health"
    )
    ran = member.sh(script)
    assert ran.code == 0
    assert ran.out.startswith("https://127.0.0.1:2379 is healthy: successfully committed proposal")


def test_the_member_list_is_a_table_as_etcdctl_draws_it(member: Member) -> None:
    assert member.sh(f"{HTTPS} {TLS} member list -w table").out == (
        "+------------------+---------+----------+---------------------------+"
        "---------------------------+------------+\n"
        "|        ID        | STATUS  |   NAME   |        PEER ADDRS         |"
        "       CLIENT ADDRS        | IS LEARNER |\n"
        "+------------------+---------+----------+---------------------------+"
        "---------------------------+------------+\n"
        "| aec36adc501070cc | started | minikube | https://192.168.49.2:2380 |"
        " https://192.168.49.2:2379 |      false |\n"
        "+------------------+---------+----------+---------------------------+"
        "---------------------------+------------+\n"
    )


def test_what_is_not_a_command_or_a_flag_is_said(member: Member) -> None:
    assert member.sh("etcdctl nope").out == 'Error: unknown command "nope" for "etcdctl"\n'
    assert member.sh("etcdctl get --nope x").out == "Error: unknown flag: --nope\n"
    assert "COMMANDS:" in member.sh("etcdctl").out
    assert "etcdctl version: 3.6.6" in member.sh("etcdctl version").out
