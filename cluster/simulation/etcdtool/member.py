"""endpoint, member, alarm, defrag, version: the commands on the member."""

from __future__ import annotations

from cluster.etcd.alarms import CORRUPT, NOSPACE
from cluster.etcd.snapshot.hashes import hash_keys
from cluster.runtime.kernel import Run
from cluster.simulation.etcdtool import output
from cluster.simulation.etcdtool.flags import Call
from cluster.simulation.etcdtool.world import CLIENT_URL, MEMBER, PEER_URL, VERSION, World

NAMES = {NOSPACE: "NOSPACE", CORRUPT: "CORRUPT"}
STATUS_HEAD = (
    "endpoint", "ID", "version", "storage version", "db size", "in use", "percentage not in use",
    "quota", "is leader", "is learner", "raft term", "raft index", "raft applied index", "errors",
    "downgrade target version", "downgrade enabled",
)  # fmt: skip
TOOK = 0.0093  # seconds of a healthy member


def raised(world: World) -> list[str]:
    alarms = world.store.alarms()
    return [name for bit, name in NAMES.items() if alarms & bit]


def health(world: World, call: Call) -> Run:
    yield from ()
    rows = []
    for endpoint in call.endpoints():
        problem = f"Active Alarm(s): {', '.join(raised(world))}" if raised(world) else ""
        rows.append((endpoint, "false" if problem else "true", f"{TOOK * 1000:.6f}ms", problem))
    if call.form == "table":
        call.process.say(output.table(("endpoint", "health", "took", "error"), rows))
    elif call.form == "json":
        shown = [
            {"endpoint": e, "health": h == "true", "took": took, **({"error": p} if p else {})}
            for e, h, took, p in rows
        ]
        call.process.say(output.dumps(shown))
    else:
        for endpoint, healthy, took, problem in rows:
            if healthy == "true":
                text = f"is healthy: successfully committed proposal: took = {took}"
            else:
                text = f"is unhealthy: failed to commit proposal: {problem}"
            call.process.say(f"{endpoint} {text}\n", 1 if healthy == "true" else 2)
    if any(row[3] for row in rows):
        return call.fail("unhealthy cluster")
    return 0


def status(world: World, call: Call) -> Run:
    yield from ()
    size, revision = world.store.size(), world.store.revision()
    free = 100 * (size.total - size.used) // size.total if size.total else 0
    errors = " ".join(f"memberID:{MEMBER} alarm:{name}" for name in raised(world))
    minor = VERSION.rpartition(".")[0] + ".0"
    rows = [
        (
            endpoint, f"{MEMBER:x}", VERSION, minor, output.human(size.total),
            output.human(size.used), f"{free}%", output.human(world.quota), "true", "false", "2",
            str(revision), str(revision), errors, "", "false",
        )
        for endpoint in call.endpoints()
    ]  # fmt: skip
    if call.form == "table":
        call.process.say(output.table(STATUS_HEAD, rows))
    elif call.form == "json":
        body = {
            "header": output.header(revision), "version": VERSION, "dbSize": size.total,
            "leader": MEMBER, "raftIndex": revision, "raftTerm": 2, "raftAppliedIndex": revision,
            "dbSizeInUse": size.used, "storageVersion": minor, "dbSizeQuota": world.quota,
        }  # fmt: skip
        call.process.say(output.dumps([{"Endpoint": row[0], "Status": body} for row in rows]))
    else:
        for row in rows:
            call.process.line(", ".join(row))
    return 0


def hash_kv(world: World, call: Call) -> Run:
    yield from ()
    found, _, revision = hash_keys(world.store, 0)
    rows = [(endpoint, str(found), str(revision)) for endpoint in call.endpoints()]
    if call.form == "table":
        call.process.say(output.table(("endpoint", "hash", "hash_revision"), rows))
    else:
        for row in rows:
            call.process.line(", ".join(row))
    return 0


def members(world: World, call: Call) -> Run:
    yield from ()
    row = (f"{MEMBER:x}", "started", "minikube", PEER_URL, CLIENT_URL, "false")
    if call.form == "table":
        head = ("ID", "status", "name", "peer addrs", "client addrs", "is learner")
        call.process.say(output.table(head, [row]))
    elif call.form == "json":
        member = {
            "ID": MEMBER, "name": "minikube", "peerURLs": [PEER_URL], "clientURLs": [CLIENT_URL],
        }  # fmt: skip
        head_of = output.header(world.store.revision())
        call.process.say(output.dumps({"header": head_of, "members": [member]}))
    else:
        call.process.line(", ".join(row))
    return 0


def alarms(world: World, call: Call) -> Run:
    yield from ()
    for name in raised(world):
        call.process.line(f"memberID:{MEMBER} alarm:{name} ")
    return 0


def disarm(world: World, call: Call) -> Run:
    yield from alarms(world, call)
    world.store.set_alarms(0)
    return 0


def defrag(world: World, call: Call) -> Run:
    yield from ()
    world.store.defragment()
    for endpoint in call.endpoints():
        call.process.line(f"Finished defragmenting etcd member[{endpoint}]. took 18.402ms")
    return 0


def version(world: World, call: Call) -> Run:
    yield from ()
    call.process.line(f"{call.program} version: {VERSION}")
    call.process.line(f"API version: {VERSION.rpartition('.')[0]}")
    return 0
