"""Which custom resources are served: a function of the CRDs in the log, kept by every registry.

Whoever tails the log hands each CRD's event to `observe`, so that a resource is known before the
first event of one of its objects. `changes` rises with each difference: what is computed from the
whole catalog (discovery, OpenAPI) is memoised in `memo` until then.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import orjson

from cluster.apiserver.custom.conversion import WebhookConverter
from cluster.apiserver.custom.resource import CustomResource, new_resource
from cluster.apiserver.custom.version import Version
from cluster.apiserver.resources import CUSTOM_RESOURCE_DEFINITIONS as CRDS
from cluster.apiserver.resources import Resource, for_key
from cluster.etcd.api import Store, prefix_end
from cluster.machinery.meta import Object

T = TypeVar("T")
Path = tuple[str, str, str]


def established(crd: Object) -> bool:
    conditions = (crd.get("status") or {}).get("conditions") or ()
    return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)


class StoredServices:
    """For webhooks that stand behind a Service."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, resource: Resource, namespace: str, name: str) -> Object | None:
        kv = self._store.get(resource.key(namespace, name))
        found: Object | None = None if kv is None else orjson.loads(kv.value)
        return found


class Catalog:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.RLock()
        self._epoch = -1
        self._revisions: dict[str, int] = {}  # CRD name -> revision of what is known of it
        self._hubs: dict[str, CustomResource] = {}  # CRD name -> hub, also of those that are gone
        self._rows: dict[str, dict[str, CustomResource]] = {}  # the same by version
        self._by_prefix: dict[bytes, CustomResource] = {}
        self._served: dict[str, list[CustomResource]] = {}
        self._by_path: dict[Path, CustomResource] = {}
        self._by_kind: dict[tuple[str, str], CustomResource] = {}
        self._known: dict[tuple[str, str], CustomResource] = {}
        self.changes = 0
        self._memo: dict[Any, Any] = {}

    # ---- what is served

    def served(self) -> list[CustomResource]:
        """Every served version of every established definition."""
        self._load()
        return [r for name in sorted(self._served) for r in self._served[name]]

    def hubs(self) -> list[CustomResource]:
        """One resource a definition: what informers follow."""
        self._load()
        return [self._hubs[name] for name in sorted(self._served)]

    def hub(self, name: str) -> CustomResource | None:
        """By the definition's name."""
        self._load()
        return self._hubs[name] if name in self._served else None

    def find(self, group: str, version: str, plural: str) -> CustomResource | None:
        self._load()
        return self._by_path.get((group, version, plural))

    def by_kind(self, api_version: str, kind: str) -> CustomResource | None:
        self._load()
        return self._by_kind.get((api_version, kind))

    def known(self, api_version: str, kind: str) -> CustomResource | None:
        """Also one that is not served (any more): its objects may be about still."""
        self._load()
        return self._known.get((api_version, kind))

    def for_key(self, key: bytes) -> Resource | None:
        """The resource a stored key belongs to: of the table, or a custom one's hub."""
        found = for_key(key)
        if found is None and key.startswith(b"/registry/"):
            self._load()
            found = self._by_prefix.get(b"/".join(key.split(b"/", 4)[:4]) + b"/")
        return found

    def memo(self, name: Any, make: Callable[[], T], token: Any = None) -> T:
        """`make()`, computed once until the catalog (or the `token`, if one is given) changes."""
        self._load()
        now = self.changes if token is None else token
        found = self._memo.get(name)
        if found is None or found[0] != now:
            found = self._memo[name] = (now, make())
        value: T = found[1]
        return value

    # ---- following the log

    def observe(self, key: bytes, value: bytes | None, revision: int) -> None:
        """An event on a key of the CRDs' prefix."""
        self._load()
        name = key[len(CRDS.prefix) :].decode()
        with self._lock:
            if revision <= self._revisions.get(name, 0):
                return
            self._revisions[name] = revision
            if value is None:
                self._forget(name)
            else:
                self._learn(name, orjson.loads(value), revision)
            self._index()

    def _load(self) -> None:
        if self._epoch == self._store.epoch:
            return
        with self._lock:
            if self._epoch == self._store.epoch:
                return
            epoch = self._store.epoch
            found = self._store.range(CRDS.prefix, prefix_end(CRDS.prefix))
            self._revisions = {}
            for name in list(self._served):
                self._forget(name)
            for kv in found.kvs:
                name = kv.key[len(CRDS.prefix) :].decode()
                self._revisions[name] = kv.mod_revision
                self._learn(name, orjson.loads(kv.value), kv.mod_revision)
            self._index()
            self._epoch = epoch

    def _forget(self, name: str) -> None:
        self._served.pop(name, None)

    def _learn(self, name: str, crd: Object, revision: int) -> None:
        if not established(crd):
            self._forget(name)
            return
        spec = crd["spec"]
        stored = next(v["name"] for v in spec["versions"] if v.get("storage"))
        hub = self._hubs.get(name)
        if hub is None:
            hub = new_resource(spec["group"], stored, spec["names"], spec["scope"] == "Namespaced")
            self._hubs[name] = hub
            self._by_prefix[hub.prefix] = hub
        converter = None
        if (spec.get("conversion") or {}).get("strategy") == "Webhook":
            converter = WebhookConverter(crd, StoredServices(self._store))
        rows = self._rows.setdefault(name, {})
        served = []
        for raw in spec["versions"]:
            row = rows.get(raw["name"])
            if row is None:
                row = new_resource(spec["group"], raw["name"], spec["names"], hub.namespaced)
                rows[raw["name"]] = row
            row.rows = hub.rows = rows
            self._shape(row, hub, crd, raw, revision, converter)
            if raw["name"] == stored:
                self._shape(hub, hub, crd, raw, revision, converter)
            if raw["served"]:
                served.append(row)
        self._served[name] = served

    @staticmethod
    def _shape(
        resource: CustomResource, hub: CustomResource, crd: Object, raw: Object, revision: int,
        converter: WebhookConverter | None,
    ) -> None:  # fmt: skip
        names = crd["status"]["acceptedNames"]
        old = resource.__dict__.get("version_info")
        resource.hub = hub
        resource.become(
            version=raw["name"],
            kind=names["kind"],
            namespaced=crd["spec"]["scope"] == "Namespaced",
            singular=names.get("singular", ""),
            short_names=tuple(names.get("shortNames") or ()),
            categories=tuple(names.get("categories") or ()),
            subresources=tuple(sorted(raw.get("subresources") or {})),
        )
        resource.version_info = Version.of(resource, crd, raw, revision, old, converter)

    def _index(self) -> None:
        served = [r for found in self._served.values() for r in found]
        self._by_path = {(r.group, r.version, r.plural): r for r in served}
        self._by_kind = {(r.api_version, r.kind): r for r in served}
        rows = [row for found in self._rows.values() for row in found.values()]
        self._known = {(r.api_version, r.kind): r for r in (*rows, *served)}
        self.changes += 1
