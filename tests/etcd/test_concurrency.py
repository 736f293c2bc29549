"""Many processes on one database: nothing is lost, and a reader of the log sees no gap."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

WRITERS, TIMES = 3, 40


def start(place: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.etcd.hammer", *arguments]
    return subprocess.Popen(command, env={**os.environ, **place}, stdout=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> list[str]:
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return out.splitlines()


def check(place: dict[str, str]) -> None:
    total = WRITERS * TIMES
    reader = start(place, "read", str(total))
    writers = [start(place, "write", str(TIMES)) for _ in range(WRITERS)]
    for writer in writers:
        finish(writer)
    seen = [tuple(map(int, line.split())) for line in finish(reader)]
    revisions = [revision for revision, _ in seen]
    assert [value for _, value in seen] == list(range(1, total + 1))
    assert revisions == list(range(revisions[0], revisions[0] + total))


def test_sqlite(tmp_path: Path) -> None:
    place = {"ORRERY_DATA": str(tmp_path), "DATABASE_URL": ""}
    command = [sys.executable, "manage.py", "migrate", "-v", "0"]
    subprocess.run(command, env={**os.environ, **place}, check=True)
    check(place)


@pytest.mark.usefixtures("migrated")
def test_postgresql(postgresql_server: str) -> None:
    host = quote(postgresql_server, safe="")
    check({"DATABASE_URL": f"postgresql://orrery@{host}/postgres"})
