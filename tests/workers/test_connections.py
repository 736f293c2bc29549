"""One database connection a thread, however many tasks its event loop has."""

from __future__ import annotations

import asyncio
import threading

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler

from workers.connections import one_a_thread

MEMORY = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}


async def seen(handler: ConnectionHandler) -> set[BaseDatabaseWrapper]:
    async def look() -> BaseDatabaseWrapper:
        return handler["default"]

    return {await asyncio.create_task(look()) for _ in range(5)}


async def test_tasks_share_their_threads_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    handler = ConnectionHandler(MEMORY)
    one_a_thread(handler)
    assert len(await seen(handler)) == 1
    other: list[BaseDatabaseWrapper] = []
    thread = threading.Thread(target=lambda: other.append(handler["default"]))
    thread.start()
    thread.join()
    assert other[0] not in await seen(handler)


async def test_without_it_every_task_would_open_the_database() -> None:
    assert len(await seen(ConnectionHandler(MEMORY))) == 5
