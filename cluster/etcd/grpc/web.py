"""What curl and Prometheus get on the client port. Models embed/etcd.go and etcdhttp."""

from __future__ import annotations

import resource

import orjson

from cluster.etcd.alarms import CORRUPT, NOSPACE
from cluster.etcd.grpc.face import Face

TEXT, JSON = "text/plain; charset=utf-8", "application/json"
METRICS = "text/plain; version=0.0.4; charset=utf-8"
REASONS = {NOSPACE: "ALARM NOSPACE", CORRUPT: "ALARM CORRUPT"}
Answer = tuple[int, str, bytes]


def answer(face: Face, path: str) -> Answer:
    """(status, content type, body). A few reads of single rows: it is asked now and then."""
    if path == "/health":
        return _health(face)
    if path in ("/livez", "/readyz"):
        return 200, TEXT, b"ok\n"
    if path == "/version":
        version, minor = face.identity.version, face.identity.minor
        body = {"etcdserver": version, "etcdcluster": minor, "storage": minor}
        return 200, JSON, orjson.dumps(body)
    if path == "/metrics":
        return 200, METRICS, _metrics(face)
    return 404, TEXT, b"404 page not found\n"


def _health(face: Face) -> Answer:
    raised = face.store.alarms()
    for alarm, reason in REASONS.items():
        if raised & alarm:
            return 503, JSON, orjson.dumps({"health": "false", "reason": reason})
    return 200, JSON, orjson.dumps({"health": "true", "reason": ""})


def _metrics(face: Face) -> bytes:
    size = face.store.size()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    gauges = {
        "etcd_server_has_leader": ("Whether or not a leader exists.", 1),
        "etcd_server_is_leader": ("Whether or not this member is a leader.", 1),
        "etcd_server_quota_backend_bytes": ("Current backend storage quota size.", face.quota),
        "etcd_debugging_mvcc_current_revision": (
            "The current revision of store.", face.store.revision(),
        ),
        "etcd_debugging_mvcc_compact_revision": (
            "The revision of the last compaction in store.", face.store.compacted(),
        ),
        "etcd_mvcc_db_total_size_in_bytes": (
            "Total size of the underlying database physically allocated in bytes.", size.total,
        ),
        "etcd_mvcc_db_total_size_in_use_in_bytes": (
            "Total size of the underlying database logically in use in bytes.", size.used,
        ),
        "process_resident_memory_bytes": ("Resident memory size in bytes.", memory),
    }  # fmt: skip
    lines = [
        f"# HELP {name} {text}\n# TYPE {name} gauge\n{name} {value}\n"
        for name, (text, value) in gauges.items()
    ]
    return "".join(lines).encode()
