"""What the API serves: one row per resource, read from data/resources.yaml.

Adding a resource is one row there, a strategy in `kinds/` and, if it prints more than its name,
its columns. Components name resources by the constants below.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

STANDARD_VERBS = (
    "create", "delete", "deletecollection", "get", "list", "patch", "update", "watch",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Resource:
    """One served resource. `storage` is its key prefix in the store, as upstream lays it out."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    storage: str
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    verbs: tuple[str, ...] = STANDARD_VERBS
    singular: str = field(default="")

    @cached_property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @cached_property
    def prefix(self) -> bytes:
        """All keys of the resource start with this; it ends in a slash."""
        return f"{self.storage}/".encode()

    @cached_property
    def id(self) -> str:
        """`deployments.apps`, `pods`: the name errors and configuration use."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @cached_property
    def head(self) -> bytes:
        """How every stored body of the resource begins; the resourceVersion is spliced after it."""
        return f'{{"apiVersion":"{self.api_version}","kind":"{self.kind}","metadata":{{'.encode()

    def key(self, namespace: str, name: str) -> bytes:
        if self.namespaced:
            return f"{self.storage}/{namespace}/{name}".encode()
        return f"{self.storage}/{name}".encode()

    def split_key(self, key: bytes) -> tuple[str, str]:
        """(namespace, name) from a stored key."""
        rest = key[len(self.prefix) :].decode()
        if not self.namespaced:
            return "", rest
        namespace, _, name = rest.partition("/")
        return namespace, name

    def namespace_prefix(self, namespace: str) -> bytes:
        if self.namespaced and namespace:
            return f"{self.storage}/{namespace}/".encode()
        return self.prefix

    def __repr__(self) -> str:
        return f"<Resource {self.id}>"


def _row(raw: dict[str, Any]) -> Resource:
    group = raw.get("group", "")
    return Resource(
        group=group,
        version=raw["version"],
        plural=raw["plural"],
        kind=raw["kind"],
        namespaced=raw.get("namespaced", True),
        storage=raw.get("storage", f"/registry/{raw['plural']}"),
        short_names=tuple(raw.get("shortNames", ())),
        categories=tuple(raw.get("categories", ())),
        subresources=tuple(raw.get("subresources", ())),
        verbs=tuple(raw.get("verbs", STANDARD_VERBS)),
        singular=raw.get("singular", raw["kind"].lower()),
    )


def _load() -> dict[str, Resource]:
    path = Path(__file__).with_name("data") / "resources.yaml"
    rows = [_row(raw) for raw in yaml.safe_load(path.read_text())]
    return {row.id: row for row in rows}


RESOURCES: dict[str, Resource] = _load()
BY_KIND: dict[tuple[str, str], Resource] = {(r.api_version, r.kind): r for r in RESOURCES.values()}
_BY_STORAGE: dict[bytes, Resource] = {r.prefix: r for r in RESOURCES.values()}


def for_key(key: bytes) -> Resource | None:
    """The resource a stored key belongs to, or None for a foreign key."""
    parts = key.split(b"/", 4)
    for length in (3, 4):
        found = _BY_STORAGE.get(b"/".join(parts[:length]) + b"/")
        if found is not None:
            return found
    return None


NAMESPACES = RESOURCES["namespaces"]
NODES = RESOURCES["nodes"]
PODS = RESOURCES["pods"]
SERVICES = RESOURCES["services"]
ENDPOINTS = RESOURCES["endpoints"]
ENDPOINT_SLICES = RESOURCES["endpointslices.discovery.k8s.io"]
CONFIG_MAPS = RESOURCES["configmaps"]
SECRETS = RESOURCES["secrets"]
SERVICE_ACCOUNTS = RESOURCES["serviceaccounts"]
EVENTS = RESOURCES["events"]
LEASES = RESOURCES["leases.coordination.k8s.io"]
DEPLOYMENTS = RESOURCES["deployments.apps"]
REPLICA_SETS = RESOURCES["replicasets.apps"]
DAEMON_SETS = RESOURCES["daemonsets.apps"]
CONTROLLER_REVISIONS = RESOURCES["controllerrevisions.apps"]
JOBS = RESOURCES["jobs.batch"]
IP_ADDRESSES = RESOURCES["ipaddresses.networking.k8s.io"]
CLOCKS = RESOURCES["clocks.orrery.sim"]
FAULTS = RESOURCES["faults.orrery.sim"]
MACHINES = RESOURCES["machines.orrery.sim"]
