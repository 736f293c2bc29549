"""get, put, del, watch, compaction, lease: the commands on keys."""

from __future__ import annotations

from cluster.etcd.alarms import NOSPACE
from cluster.etcd.api import (
    CompactedError,
    Delete,
    Event,
    FutureRevisionError,
    KeyValue,
    LeaseNotFoundError,
    NoSpaceError,
    Origin,
    Put,
    Txn,
    prefix_end,
)
from cluster.runtime.kernel import Run, Until
from cluster.simulation.etcdtool import output
from cluster.simulation.etcdtool.flags import Call
from cluster.simulation.etcdtool.world import World

ORIGIN = Origin("etcd", "gRPC")
INFINITY = b"\xff" * 256
REFUSALS = (CompactedError, FutureRevisionError, LeaseNotFoundError, NoSpaceError)
ORDER = {
    "CREATE": lambda kv: kv.create_revision,
    "KEY": lambda kv: kv.key,
    "MODIFY": lambda kv: kv.mod_revision,
    "VALUE": lambda kv: kv.value,
    "VERSION": lambda kv: kv.version,
}


def refused(call: Call, error: Exception) -> int:
    """In etcd's words: a gRPC error is printed twice over."""
    text = str(error)
    text = text if text.startswith("etcdserver: ") else f"etcdserver: {text}"
    return call.fail(text)


def span(call: Call) -> tuple[bytes, bytes]:
    words = [w.encode("utf-8", "surrogateescape") for w in call.operands]
    start = words[0] if words else b""
    if "prefix" in call.switches:
        return start, prefix_end(start) if start else INFINITY
    if "from-key" in call.switches:
        return start, INFINITY
    return start, words[1] if len(words) > 1 else start + b"\x00"


def get(world: World, call: Call) -> Run:
    if not call.operands:
        return call.fail(
            "get command needs one argument as key and an optional argument as range_end", 128
        )
    yield from ()
    start, end = span(call)
    try:
        found = world.store.range(start, end, revision=int(call.flags["rev"] or 0))
    except REFUSALS as error:
        return refused(call, error)
    kvs = list(found.kvs)
    target = call.flags["sort-by"].upper()
    descending = call.flags["order"].upper() == "DESCEND"
    if target or descending:
        kvs.sort(key=ORDER.get(target or "KEY", ORDER["KEY"]), reverse=descending)
    limit = int(call.flags["limit"] or 0)
    more = 0 < limit < len(kvs)
    kvs = kvs[:limit] if limit else kvs
    _show(world, call, kvs, found.count, more)
    return 0


def _show(world: World, call: Call, kvs: list[KeyValue], count: int, more: bool) -> None:
    keys_only = "keys-only" in call.switches
    counting = "count-only" in call.switches
    if call.form == "json":
        body = {"header": output.header(world.store.revision())}
        shown = [] if counting else [output.as_json(kv, keys_only) for kv in kvs]
        extra = {"kvs": shown} if shown else {}
        more_of = {"more": True} if more else {}
        call.process.say(output.dumps({**body, **extra, **more_of, "count": count}))
        return
    if counting:
        if call.form == "fields":
            call.process.line(f'"Count" : {count}')
        return
    for kv in kvs:
        if "print-value-only" not in call.switches:
            call.process.write(kv.key + b"\n")
        call.process.write((b"" if keys_only else kv.value) + b"\n")


def put(world: World, call: Call) -> Run:
    if not call.operands:
        text = "put command needs 1 argument and input from stdin or 2 arguments"
        return call.fail(text, 128)
    key = call.operands[0].encode("utf-8", "surrogateescape")
    if len(call.operands) > 1:
        value = call.operands[1].encode("utf-8", "surrogateescape")
    else:
        value = yield from call.process.read_all()
    if not key:
        return call.fail("etcdserver: key is not provided")
    before = world.store.get(key)
    try:
        lease = int(call.flags["lease"] or "0", 16)
        world.store.commit([Txn((), (Put(key, value, lease),), ORIGIN)])
    except REFUSALS as error:
        return refused(call, error)
    except ValueError:
        return call.fail(f"bad lease ID ({call.flags['lease']})", 128)
    call.process.line("OK")
    if "prev-kv" in call.switches and before is not None:
        call.process.write(before.key + b"\n" + before.value + b"\n")
    return 0


def delete(world: World, call: Call) -> Run:
    if not call.operands:
        text = "del command needs one argument as key and an optional argument as range_end"
        return call.fail(text, 128)
    yield from ()
    start, end = span(call)
    gone: list[KeyValue] = []

    def decide() -> Txn:
        gone[:] = world.store.range(start, end).kvs
        return Txn((), tuple(Delete(kv.key) for kv in gone), ORIGIN)

    world.store.transact(decide)
    call.process.line(str(len(gone)))
    if "prev-kv" in call.switches:
        for kv in gone:
            call.process.write(kv.key + b"\n" + kv.value + b"\n")
    return 0


def watch(world: World, call: Call) -> Run:
    """Until somebody ends it."""
    if not call.operands:
        return call.fail("watch is called without a key", 128)
    start, end = span(call)
    revision = int(call.flags["rev"] or 0)
    position = revision - 1 if revision else world.store.revision()
    while True:
        yield Until(lambda at=position: world.store.revision() > at)  # type: ignore[misc]
        latest = world.store.revision()
        try:
            events = world.store.events(
                position, start=start, end=end, previous="prev-kv" in call.switches
            )
        except REFUSALS as error:
            return refused(call, error)
        for event in events:
            _happened(call, event)
        position = max([latest, *(e.revision for e in events[-1:])])


def _happened(call: Call, event: Event) -> None:
    process = call.process
    process.line("DELETE" if event.value is None else "PUT")
    if "prev-kv" in call.switches and event.previous is not None:
        process.write(event.key + b"\n" + event.previous + b"\n")
    process.write(event.key + b"\n" + (event.value or b"") + b"\n")


def compaction(world: World, call: Call) -> Run:
    if len(call.operands) != 1 or not call.operands[0].isdigit():
        return call.fail("compaction command needs 1 argument", 128)
    yield from ()
    revision = int(call.operands[0])
    try:
        world.store.compact(revision)
    except REFUSALS as error:
        return refused(call, error)
    call.process.line(f"compacted revision {revision}")
    return 0


# ---- leases


def grant(world: World, call: Call) -> Run:
    if len(call.operands) != 1 or not call.operands[0].lstrip("-").isdigit():
        return call.fail("lease grant command needs TTL argument", 128)
    yield from ()
    if world.store.alarms() & NOSPACE:
        return refused(call, NoSpaceError())
    lease = world.store.grant(max(2, int(call.operands[0])), world.now())
    call.process.line(f"lease {lease.id:016x} granted with TTL({lease.ttl}s)")
    return 0


def leases(world: World, call: Call) -> Run:
    yield from ()
    found = world.store.leases()
    call.process.line(f"found {len(found)} leases")
    for lease in found:
        call.process.line(f"{lease.id:016x}")
    return 0


def _lease_of(call: Call) -> int | None:
    try:
        return int(call.operands[0], 16)
    except (IndexError, ValueError):
        return None


def time_to_live(world: World, call: Call) -> Run:
    wanted = _lease_of(call)
    if wanted is None:
        return call.fail("lease timetolive command needs lease ID as argument", 128)
    yield from ()
    lease = world.store.lease(wanted)
    if lease is None:
        call.process.line(f"lease {wanted:016x} already expired")
        return 0
    left = max(0, int(lease.expires_at - world.now()))
    text = f"lease {wanted:016x} granted with TTL({lease.ttl}s), remaining({left}s)"
    if "keys" in call.switches:
        keys = " ".join(key.decode(errors="replace") for key in lease.keys)
        text += f", attached keys([{keys}])"
    call.process.line(text)
    return 0


def revoke(world: World, call: Call) -> Run:
    wanted = _lease_of(call)
    if wanted is None:
        return call.fail("lease revoke command needs 1 argument", 128)
    yield from ()
    try:
        world.store.revoke(wanted, ORIGIN)
    except LeaseNotFoundError as error:
        return call.fail(f"failed to revoke lease ({error})")
    call.process.line(f"lease {wanted:016x} revoked")
    return 0
