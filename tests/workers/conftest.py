"""A Valkey of its own for the tests of what goes through Redis."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from workers import valkey
from workers.switchboard import Switchboard


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="orrery-") as folder:
        socket = Path(folder) / "valkey.sock"
        command = valkey.command(socket, Path(folder))
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while not valkey.answers(valkey.url(socket)):
            assert time.monotonic() < end, "Valkey does not start"
        yield valkey.url(socket)
        process.terminate()
        process.wait()


class Board(Switchboard):
    """A switchboard whose tasks are only noted."""

    def __init__(self, url: str) -> None:
        self.sent: list[str] = []
        super().__init__("test", url, self.sent.append)


@pytest.fixture
def board(redis_url: str) -> Board:
    made = Board(redis_url)
    made.redis.flushall()
    return made
