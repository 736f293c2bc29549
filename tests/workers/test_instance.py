"""A data folder: one supervisor at a time, and one clear line when it cannot be used."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from workers import valkey
from workers.instance import Instance, InstanceError


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    made = Instance(tmp_path / "data")
    made.enter()
    yield made
    made.leave()


def test_a_second_supervisor_is_told_who_is_there(instance: Instance) -> None:
    with pytest.raises(InstanceError, match=rf"already \(process {os.getpid()}\)"):
        Instance(instance.data).enter()


def test_a_stale_pid_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "orrery.pid").write_text("1\n")  # lives, but is not ours
    made = Instance(tmp_path)
    made.enter()
    assert made.unclean
    made.leave()
    assert not (tmp_path / "orrery.pid").exists()


def test_a_file_in_the_folders_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(InstanceError, match=r"data folder cannot be used: .*data: File exists"):
        Instance(tmp_path / "data").enter()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InstanceError, match=r"file/data.*Not a directory.*ORRERY_DATA"):
        Instance(tmp_path / "file" / "data").enter()


def test_a_port_in_use_says_which_variable_moves_it(instance: Instance) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(InstanceError, match=f"port {port} for the API.*ORRERY_API_PORT"):
            instance.check_port("127.0.0.1", port, "the API", "ORRERY_API_PORT")


def test_starting_over_removes_the_cluster_and_nothing_else(instance: Instance) -> None:
    (instance.data / "orrery.sqlite3").touch()
    (instance.data / "pki").mkdir()
    (instance.data / "pki" / "ca.key").touch()
    (instance.data / "thesis.tex").touch()
    instance.clear()
    left = {p.name for p in instance.data.iterdir()}
    assert left == {"thesis.tex", "logs", "orrery.lock", "orrery.pid"}


def test_a_long_data_path_still_has_a_short_socket(tmp_path: Path) -> None:
    data = tmp_path / ("deep" * 30)
    data.mkdir()
    path = valkey.socket_path(data)
    assert len(os.fsencode(path)) < 104
    assert path.parent.stat().st_mode & 0o077 == 0
    assert path == valkey.socket_path(data)  # so that the next start finds a leftover
    path.parent.rmdir()


def test_a_socket_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    data = tmp_path / ("deep" * 30)
    data.mkdir()
    folder = valkey.socket_path(data).parent
    folder.chmod(0o777)
    with pytest.raises(valkey.ValkeyError, match="belongs to somebody else"):
        valkey.socket_path(data)
    folder.rmdir()
