"""snapshot save, status, restore."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

from cluster.etcd.snapshot.check import SnapshotError, verify
from cluster.etcd.snapshot.check import status as check
from cluster.machinery.clock import format_micro_time
from cluster.runtime.kernel import Process, Run
from cluster.simulation.etcdtool import output
from cluster.simulation.etcdtool.flags import Call
from cluster.simulation.etcdtool.handshake import connect
from cluster.simulation.etcdtool.world import LARGEST, VERSION, World

HEAD = ("hash", "revision", "total keys", "total size", "storage version")


def _log(process: Process, level: str, caller: str, text: str, **fields: str) -> None:
    line = {
        "level": level,
        "ts": format_micro_time(process.kernel.now),
        "caller": caller,
        "msg": text,
        **fields,
    }
    process.say(orjson.dumps(line).decode() + "\n", 2)


def save(world: World, call: Call) -> Run:
    process = call.process
    if len(call.operands) != 1:
        return call.fail("snapshot save expects one argument", 128)
    if len(call.endpoints()) > 1:
        return call.fail("snapshot must be requested to one selected node, not multiple", 128)
    name = call.operands[0]
    try:
        process.open(f"{name}.part", "w")
    except OSError as error:
        return call.fail(f"could not open {name}.part (open {name}.part: {_reason(error)})")
    _log(process, "info", "snapshot/v3_snapshot.go:65", "created temporary db file",
         path=f"{name}.part")  # fmt: skip
    code = yield from connect(world, call)
    if code:
        return code
    endpoint = call.endpoints()[0]
    _log(process, "info", "client/maintenance.go:212", "opened snapshot stream; downloading")
    _log(process, "info", "snapshot/v3_snapshot.go:73", "fetching snapshot", endpoint=endpoint)
    if world.store.size().used > LARGEST:
        return call.fail(f"write {name}.part: no space left on device")
    content, _ = world.snapshot()
    _log(process, "info", "client/maintenance.go:220", "completed snapshot read; closing")
    size = output.human(len(content) - 32)
    _log(process, "info", "snapshot/v3_snapshot.go:88", "fetched snapshot", endpoint=endpoint,
         size=size, took="now")  # fmt: skip
    fs, path = process.kernel.fs, process.path(name)
    try:
        fs.write(path, content, process.kernel.now, 0o600)
        fs.remove(f"{path}.part")
    except OSError as error:
        return call.fail(f"could not rename {name}.part to {name} ({_reason(error)})")
    _log(process, "info", "snapshot/v3_snapshot.go:97", "saved", path=name)
    process.line(f"Snapshot saved at {name}")
    process.line(f"Server version {VERSION.rpartition('.')[0]}.0")
    return 0


def status(world: World, call: Call) -> Run:
    process = call.process
    if len(call.operands) != 1:
        return call.fail("snapshot status requires exactly one argument", 128)
    yield from ()
    if call.program == "etcdctl":
        process.say("Deprecated: Use `etcdutl snapshot status` instead.\n\n", 2)
    try:
        with _outside(process, call.operands[0]) as path:
            found = check(path)
    except OSError as error:
        return call.fail(f"stat {call.operands[0]}: {_reason(error)}")
    except SnapshotError as error:
        return call.fail(str(error))
    minor = VERSION.rpartition(".")[0] + ".0"
    if call.form == "json":
        body = {"hash": found.hash, "revision": found.revision, "totalKey": found.total_key,
                "totalSize": found.total_size, "version": minor}  # fmt: skip
        process.say(output.dumps(body))
        return 0
    row = (f"{found.hash:x}", str(found.revision), str(found.total_key),
           output.human(found.total_size), minor)  # fmt: skip
    if call.form == "table":
        process.say(output.table(HEAD, [row]))
    else:
        process.line(", ".join(row))
    return 0


def restore(world: World, call: Call) -> Run:
    """Makes a member's folder, as the real one does; the cluster that runs is not touched."""
    process = call.process
    if len(call.operands) != 1:
        return call.fail("snapshot restore requires exactly one argument", 128)
    yield from ()
    name = call.operands[0]
    folder = call.flags["data-dir"] or f"{call.flags['name']}.etcd"
    if call.program == "etcdctl":
        process.say("Deprecated: Use `etcdutl snapshot restore` instead.\n\n", 2)
    fs, now = process.kernel.fs, process.kernel.now
    if fs.get(process.path(folder)) is not None:
        return call.fail(f'data-dir "{folder}" not empty or could not be read')
    try:
        with _outside(process, name) as path:
            verify(path, "skip-hash-check" in call.switches)
            content = path.read_bytes()
    except OSError as error:
        return call.fail(f"open {name}: {_reason(error)}")
    except SnapshotError as error:
        return call.fail(str(error))
    _log(process, "info", "snapshot/v3_snapshot.go:265", "restoring snapshot", path=name)
    where = process.path(folder)
    fs.makedirs(f"{where}/member/snap", now)
    fs.makedirs(f"{where}/member/wal", now)
    fs.write(f"{where}/member/snap/db", content[: len(content) // 512 * 512], now, 0o600)
    fs.write(f"{where}/member/wal/0000000000000000-0000000000000000.wal", b"", now, 0o600)
    _log(process, "info", "snapshot/v3_snapshot.go:293", "restored snapshot", path=name)
    return 0


@contextmanager
def _outside(process: Process, name: str) -> Iterator[Path]:
    """A container's file as one of the machine. Raises OSError."""
    content = process.kernel.fs.read(process.path(name))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "snapshot"
        path.write_bytes(content)
        yield path


def _reason(error: OSError) -> str:
    return (error.strerror or "failed").lower()
