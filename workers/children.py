"""The processes of a cluster, and the environment that carries all they need to know."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from django.conf import settings

from workers import valkey
from workers.components import component_names
from workers.supervisor import Child

# What ends first: those who write; then who keeps the time; then what they talked through.
WRITERS, TIMEKEEPER, REDIS = range(3)


def manage(*arguments: str) -> list[str]:
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]


def environment(redis_url: str) -> dict[str, str]:
    """For every child, so that none depends on where or how `up` was started."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "cluster.settings",
        "ORRERY_DATA": str(settings.DATA_DIR),
        "ORRERY_CLUSTER": settings.CLUSTER,
        "ORRERY_PORT": str(settings.PORT),
        "ORRERY_API_PORT": str(settings.API_PORT),
        "ORRERY_ETCD_PORT": str(settings.ETCD_PORT),
        "ORRERY_ETCD_QUOTA": str(settings.ETCD_QUOTA),
        "ORRERY_ETCD_RETENTION": settings.ETCD_RETENTION,
        "ORRERY_KUBELET_SHARDS": str(settings.KUBELET_SHARDS),
        "REDIS_URL": redis_url,
        "PYTHONUNBUFFERED": "1",
        "MALLOC_ARENA_MAX": "2",  # threads that hand objects on need no heaps of their own
    }


def valkey_child(socket: Path) -> Child:
    return Child("valkey", valkey.command(socket, settings.DATA_DIR), REDIS)


def children() -> list[Child]:
    """In the order of their start; each worker runs one component."""
    workers = [Child(name, manage("worker", name), WRITERS) for name in component_names()]
    return [
        Child("apiserver", manage("apiserver"), WRITERS),
        Child("etcd", manage("etcd", "serve"), WRITERS),
        Child("dashboard", manage("dashboard"), WRITERS),
        *workers,
        Child("timekeeper", manage("timekeeper"), TIMEKEEPER),
    ]
