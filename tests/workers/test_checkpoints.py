"""The write-ahead log goes back into the database without its writers."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from workers import checkpoints
from workers.checkpoints import Checkpoints


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With some written pages in its log; checkpoints go there."""
    path = tmp_path / "db.sqlite3"
    writer = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    writer.execute("PRAGMA journal_mode=WAL")
    writer.execute("PRAGMA wal_autocheckpoint=0")
    writer.execute("CREATE TABLE t (x)")
    writer.executemany("INSERT INTO t VALUES (?)", [(b"x" * 4000,)] * 50)
    own = sqlite3.connect(path, isolation_level=None)

    class Connection:
        vendor = "sqlite"

        def cursor(self) -> Connection:
            return self

        def __enter__(self) -> sqlite3.Connection:
            return own

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(checkpoints, "connection", Connection())
    return path


def test_a_small_log_is_left_alone(database: Path) -> None:
    before = database.stat().st_size
    Checkpoints(database).look()
    assert database.stat().st_size == before


def test_a_log_worth_it_is_written_back(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "WORTH_IT", 1000)
    Checkpoints(database).look()
    assert database.stat().st_size > 50 * 4000


def test_a_log_too_long_starts_over(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "TOO_LONG", 1000)
    Checkpoints(database).look()
    assert database.with_name("db.sqlite3-wal").stat().st_size == 0


def test_no_log_is_no_error(tmp_path: Path) -> None:
    Checkpoints(tmp_path / "absent.sqlite3").look()
