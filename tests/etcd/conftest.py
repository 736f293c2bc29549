"""A private PostgreSQL server for the store's tests, from the programs of the machine."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connections
from pytest_django.plugin import DjangoDbBlocker

ALIAS = "postgresql"


def _programs() -> Path:
    """The folder with initdb and pg_ctl; skips where there is none."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not versions:
        pytest.skip("PostgreSQL's server programs are not installed")
    return versions[-1].parent


def _as_nobody_special(folder: Path) -> dict[str, int]:
    """PostgreSQL refuses to run as root; its Debian package brings a user."""
    if os.geteuid() != 0:
        return {}
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        user = pwd.getpwnam("nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid}


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The folder of its unix socket."""
    programs = _programs()
    with tempfile.TemporaryDirectory(prefix="orrery-pg-") as name:
        folder = Path(name)
        who = _as_nobody_special(folder)

        def run(program: str, *arguments: str) -> None:
            command = [str(programs / program), "-D", str(folder / "data"), *arguments]
            subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, **who)  # type: ignore[call-overload]

        run("initdb", "-U", "orrery", "-A", "trust", "--no-sync")
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
        run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield name
        finally:
            run("pg_ctl", "-m", "immediate", "stop")


@pytest.fixture(scope="session")
def migrated(postgresql_server: str, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """Django's name for a migrated database on that server."""
    connections.settings[ALIAS] = {
        **connections["default"].settings_dict,
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "postgres",
        "USER": "orrery",
        "HOST": postgresql_server,
        "OPTIONS": {},
    }
    with django_db_blocker.unblock():
        call_command("migrate", database=ALIAS, verbosity=0)
    yield ALIAS
    with django_db_blocker.unblock():
        connections[ALIAS].close()
    del connections.settings[ALIAS]


@pytest.fixture
def postgresql(migrated: str, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    with django_db_blocker.unblock():
        yield migrated
