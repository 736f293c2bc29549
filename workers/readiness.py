"""Is it there yet? Asked only while things start."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic

from django.conf import settings

OFTEN = 0.05


async def until(
    reached: Callable[[], Awaitable[bool]], patience: float, late: Callable[[], None]
) -> None:
    """Wait for it; `late` is called once when it takes longer than `patience` seconds."""
    end = monotonic() + patience
    while not await reached():
        if monotonic() > end:
            late()
            end = float("inf")
        await asyncio.sleep(OFTEN)


async def api_answers() -> bool:
    """GET /readyz over TLS, as kubectl would connect."""
    with suppress(OSError, ssl.SSLError, TimeoutError, asyncio.IncompleteReadError):
        context = ssl.create_default_context(cafile=str(settings.DATA_DIR / "pki" / "ca.crt"))
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", settings.API_PORT, ssl=context
            )
            writer.write(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            status = await reader.readline()
            writer.close()
        return status.startswith(b"HTTP/1.1 200")
    return False


async def dashboard_answers() -> bool:
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(2):
            _, writer = await asyncio.open_connection("127.0.0.1", settings.PORT)
            writer.close()
        return True
    return False
