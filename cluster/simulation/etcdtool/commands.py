"""Which commands there are, with their flags."""

from __future__ import annotations

from cluster.runtime.kernel import Run
from cluster.simulation.etcdtool import keys, member, snapshots
from cluster.simulation.etcdtool.flags import Call, Command, Handler
from cluster.simulation.etcdtool.handshake import connect
from cluster.simulation.etcdtool.world import World


def _connected(handler: Handler) -> Handler:
    """Only when client and server come to terms."""

    def wrapped(world: World, call: Call) -> Run:
        code = yield from connect(world, call)
        if code:
            return code
        return (yield from handler(world, call))

    return wrapped


RANGE = frozenset({"prefix", "from-key"})
_GET = Command(
    _connected(keys.get), "Gets the key or a range of keys",
    {"rev": "", "limit": "", "order": "", "sort-by": "", "consistency": "l"},
    RANGE | {"keys-only", "count-only", "print-value-only"},
)  # fmt: skip
_RESTORE = Command(
    snapshots.restore, "Restores an etcd member snapshot to an etcd directory",
    {"data-dir": "", "name": "default", "initial-cluster": "", "wal-dir": "",
     "initial-cluster-token": "", "initial-advertise-peer-urls": "", "bump-revision": ""},
    frozenset({"skip-hash-check", "mark-compacted"}),
)  # fmt: skip
_STATUS = Command(snapshots.status, "Gets backend snapshot status of a given file")
COMMANDS: dict[str, Command] = {
    "get": _GET,
    "put": Command(
        _connected(keys.put), "Puts the given key into the store", {"lease": ""},
        frozenset({"prev-kv"}),
    ),
    "del": Command(
        _connected(keys.delete), "Removes the specified key or range of keys", {},
        RANGE | {"prev-kv"},
    ),
    "watch": Command(
        _connected(keys.watch), "Watches events stream on keys or prefixes", {"rev": ""},
        RANGE | {"prev-kv"},
    ),
    "compaction": Command(
        _connected(keys.compaction), "Compacts the event history in etcd", {},
        frozenset({"physical"}),
    ),
    "lease grant": Command(_connected(keys.grant), "Creates leases"),
    "lease list": Command(_connected(keys.leases), "List all active leases"),
    "lease revoke": Command(_connected(keys.revoke), "Revokes leases"),
    "lease timetolive": Command(
        _connected(keys.time_to_live), "Get lease information", {}, frozenset({"keys"})
    ),
    "endpoint health": Command(_connected(member.health), "Checks the healthiness of endpoints"),
    "endpoint status": Command(_connected(member.status), "Prints out the status of endpoints"),
    "endpoint hashkv": Command(_connected(member.hash_kv), "Prints the KV history hash"),
    "member list": Command(_connected(member.members), "Lists all members in the cluster"),
    "alarm list": Command(_connected(member.alarms), "Lists all alarms"),
    "alarm disarm": Command(_connected(member.disarm), "Disarms all alarms"),
    "defrag": Command(_connected(member.defrag), "Defragments the storage of the etcd members"),
    "snapshot save": Command(snapshots.save, "Stores an etcd node backend snapshot to a file"),
    "snapshot status": _STATUS,
    "snapshot restore": _RESTORE,
    "version": Command(member.version, "Prints the version of etcdctl"),
}  # fmt: skip
UTILITIES: dict[str, Command] = {
    "snapshot status": _STATUS,
    "snapshot restore": _RESTORE,
    "version": Command(member.version, "Prints the version of etcdutl"),
}
