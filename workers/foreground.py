"""What `manage.py up` does: check, prepare, start, say where everything is, and end it all."""

from __future__ import annotations

import asyncio
import shlex
import signal
from collections.abc import Callable
from contextlib import suppress
from io import StringIO
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from workers import readiness, valkey
from workers.addresses import api_url, write_kubeconfig
from workers.children import children, environment, manage, valkey_child
from workers.instance import Instance
from workers.shape import as_arguments
from workers.supervisor import Supervisor

PATIENCE = 30.0  # seconds after which a start is worth a word

Say = Callable[[str], None]

WELCOME = """\
Orrery is up.

Dashboard: {dashboard}
           log in with {login} (works once)
API:       {api}

export KUBECONFIG={kubeconfig}

Try first, in another terminal, after that line:
  kubectl get nodes
  kubectl get pods -A
  kubectl create deployment web --image=nginx --replicas=6
Then open the dashboard and power a node off. Ctrl-C here stops everything."""


class StartError(Exception):
    """Why it cannot start, in one line."""


def run(instance: Instance, options: dict[str, Any], say: Say) -> None:
    """Until SIGINT or SIGTERM. The instance is entered. Raises StartError and its kin."""
    instance.check_port(settings.HOST, settings.PORT, "the dashboard", "ORRERY_PORT")
    instance.check_port(settings.HOST, settings.API_PORT, "the API", "ORRERY_API_PORT")
    instance.check_port(settings.HOST, settings.ETCD_PORT, "etcd", "ORRERY_ETCD_PORT")
    kubeconfig = settings.DATA_DIR / "kubeconfig"
    kubeconfig.unlink(missing_ok=True)  # it comes back when the API answers
    if options["fresh"]:
        instance.clear()
    asyncio.run(_Foreground(instance, options, say).run())


class _Foreground:
    def __init__(self, instance: Instance, options: dict[str, Any], say: Say) -> None:
        self._options = options
        self._say = say
        self._socket = None if settings.REDIS_URL else valkey.socket_path(settings.DATA_DIR)
        url = settings.REDIS_URL if self._socket is None else valkey.url(self._socket)
        self._redis_url = url
        self._environment = environment(url)
        self._supervisor = Supervisor(instance.logs, self._environment, say)

    async def run(self) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            # Set in any case: a parent (a shell script, CI) may have had SIGINT ignored.
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        work = asyncio.create_task(self._work())
        waiting = asyncio.create_task(stop.wait())
        await asyncio.wait({work, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not work.done():
            self._say("Stopping.")
        work.cancel()
        with suppress(asyncio.CancelledError):
            try:
                await work
            finally:
                await self._supervisor.stop()
                if self._socket is not None:
                    self._socket.unlink(missing_ok=True)

    async def _work(self) -> None:
        await self._start_redis()
        await self._prepare()
        for child in children():
            self._supervisor.start(child)
        late = self._late
        await readiness.until(readiness.api_answers, PATIENCE, lambda: late("apiserver"))
        await asyncio.to_thread(write_kubeconfig, settings.DATA_DIR / "kubeconfig")
        await readiness.until(readiness.dashboard_answers, PATIENCE, lambda: late("dashboard"))
        self._say(await asyncio.to_thread(_welcome))
        await asyncio.Event().wait()

    def _late(self, name: str) -> None:
        self._say(f"{name} does not answer yet; see {self._supervisor.log(name)}")

    async def _start_redis(self) -> None:
        if self._socket is not None:
            await asyncio.to_thread(valkey.end_leftover, self._socket)
            self._supervisor.start(valkey_child(self._socket))
        for _ in range(100):
            if await asyncio.to_thread(valkey.answers, self._redis_url):
                return
            await asyncio.sleep(readiness.OFTEN)
        where = "REDIS_URL" if self._socket is None else str(self._supervisor.log("valkey"))
        raise StartError(f"Redis does not answer at {self._redis_url}; see {where}")

    async def _prepare(self) -> None:
        """In a process of its own: what it needs in memory goes with it."""
        fresh = ["--fresh"] if self._options["fresh"] else []
        process = await asyncio.create_subprocess_exec(
            *manage("prepare", *as_arguments(self._options), *fresh),
            env=self._environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        try:
            out, err = await process.communicate()
        except asyncio.CancelledError:
            process.terminate()
            await process.wait()
            raise
        self._supervisor.log("prepare").write_bytes(out + err)
        if process.returncode:
            raise StartError(_last_line(err) or "cannot prepare the cluster")
        for line in out.decode().splitlines():
            self._say(line)


def _last_line(err: bytes) -> str:
    lines = [line for line in err.decode(errors="replace").splitlines() if line.strip()]
    return lines[-1].removeprefix("CommandError: ") if lines else ""


def _welcome() -> str:
    login = StringIO()
    try:
        call_command("login-url", stdout=login)  # the dashboard's; known here by name only
    finally:
        connection.close()
    return WELCOME.format(
        dashboard=settings.DASHBOARD_URL,
        login=login.getvalue().strip(),
        api=api_url(),
        kubeconfig=shlex.quote(str(settings.DATA_DIR / "kubeconfig")),
    )
