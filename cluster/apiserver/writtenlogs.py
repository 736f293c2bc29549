"""Lines that a simulated program wrote because of what happened to it, beside its script.

Most of a container's log follows from its program and its start. What a client's mistake makes
etcd write does not, so such lines are kept in the store, a bounded number a container, under keys
outside /registry that no resource has.
"""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from cluster.etcd.api import Delete, Origin, Put, Store, Txn, prefix_end

KEPT = 500
ORIGIN = Origin("kubelet", "container log")


@dataclass(frozen=True, slots=True)
class Line:
    """`at` is a moment of cluster time."""

    at: float
    text: str


def _prefix(namespace: str, pod: str, container: str) -> bytes:
    return f"/orrery/podlogs/{namespace}/{pod}/{container}/".encode()


def append(store: Store, namespace: str, pod: str, container: str, line: Line) -> None:
    """One more line; the oldest go when there are too many."""
    prefix = _prefix(namespace, pod, container)

    def decide() -> Txn:
        there = store.range(prefix, prefix_end(prefix)).kvs
        number = int(there[-1].key[len(prefix) :]) + 1 if there else 0
        value = orjson.dumps({"at": line.at, "text": line.text})
        old = there[: max(0, len(there) + 1 - KEPT)]
        put = Put(prefix + b"%020d" % number, value)
        return Txn((), (put, *(Delete(kv.key) for kv in old)), ORIGIN)

    store.transact(decide)


def lines(store: Store, namespace: str, pod: str, container: str) -> list[Line]:
    prefix = _prefix(namespace, pod, container)
    found = (orjson.loads(kv.value) for kv in store.range(prefix, prefix_end(prefix)).kvs)
    return [Line(f["at"], f["text"]) for f in found]
