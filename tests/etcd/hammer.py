"""A process of its own for test_concurrency: `python -m tests.etcd.hammer write|read COUNT`.

The database is DATABASE_URL's. A writer adds 1 to a shared counter COUNT times by compare-and-swap
and prints how often it had to try again; a reader tails the log until the counter has reached
COUNT and prints every revision it saw.
"""

from __future__ import annotations

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cluster.settings")
django.setup()

from cluster.etcd.api import Guard, Put, Txn  # noqa: E402
from cluster.etcd.sql import SqlStore  # noqa: E402

COUNTER = b"counter"


def write(count: int) -> None:
    store, retries = SqlStore(), 0
    for index in range(count):
        while True:
            found = store.get(COUNTER)
            value, version = (int(found.value), found.mod_revision) if found else (0, 0)
            own = Put(b"own/%d/%d" % (os.getpid(), index), b"x")
            txn = Txn((Guard(COUNTER, version),), (Put(COUNTER, b"%d" % (value + 1)), own))
            if store.commit([txn])[0].ok:
                break
            retries += 1
    print(retries)


def read(count: int) -> None:
    store, after, reached = SqlStore(), 1, 0
    while reached < count:
        for event in store.events(after):
            after = event.revision
            if event.key == COUNTER and event.value is not None:
                reached = int(event.value)
                print(event.revision, reached)


if __name__ == "__main__":
    {"write": write, "read": read}[sys.argv[1]](int(sys.argv[2]))
