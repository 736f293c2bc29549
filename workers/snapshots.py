"""Snapshots of the instance in the data folder, from outside of its processes."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from django.conf import settings

from cluster.etcd.snapshot import restore as restoring
from cluster.etcd.snapshot import save as saving
from cluster.etcd.sqlarchive import SqlArchive
from workers import valkey


def save(file: Path) -> int:
    """Whole or not at all. Returns its revision."""
    scratch = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        revision = saving.save(SqlArchive(settings.CLUSTER), scratch)
        scratch.replace(file)
    finally:
        scratch.unlink(missing_ok=True)
    return revision


def restore(file: Path, skip_hash: bool = False) -> int:
    """Returns the new revision. In a running cluster everybody is told: watchers start over, and
    components, whose right to write ended with the old state, are built anew."""
    if not _running():
        store = SqlArchive(settings.CLUSTER, None, "api")
        return restoring.restore(store, file, _stopped_at(), skip_hash)
    from workers.components import component_names
    from workers.wiring import connect

    live = connect("api", driver=SqlArchive)
    assert isinstance(live.store, SqlArchive)
    revision = restoring.restore(live.store, file, live.clock.now(), skip_hash)
    live.board.wake_many(component_names())
    return revision


def _running() -> bool:
    """Leaves the address of the instance's own Redis in the settings."""
    if not settings.REDIS_URL:
        socket = valkey.socket_path(settings.DATA_DIR)
        settings.REDIS_URL = valkey.url(socket) if socket.exists() else ""
    return bool(settings.REDIS_URL) and valkey.answers(settings.REDIS_URL)


def _stopped_at() -> float:
    """The cluster's time when it stopped."""
    try:
        return float(json.loads((settings.DATA_DIR / "clock").read_text())["cluster"])
    except (OSError, ValueError, KeyError):
        return time.time()
