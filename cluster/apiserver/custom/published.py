"""Discovery and OpenAPI of everything that is served now, computed once per change of the catalog.

What no definition touches comes from the documents that were made at the first request.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from cluster.apiserver import discovery, openapi
from cluster.apiserver.custom.catalog import Catalog
from cluster.apiserver.custom.openapi import definitions
from cluster.apiserver.resources import SERVED, Resource


def served(catalog: Catalog) -> Sequence[Resource]:
    return catalog.memo("served", lambda: [*SERVED, *catalog.served()])


def groups(catalog: Catalog) -> dict[str, list[str]]:
    return catalog.memo("groups", lambda: discovery.groups(served(catalog)))


def aggregated(catalog: Catalog, core: bool) -> dict[str, Any]:
    def make() -> dict[str, Any]:
        return discovery.aggregated(core, served(catalog))

    return catalog.memo(("aggregated", core), make)


def v3_document(catalog: Catalog, group: str, version: str) -> bytes:
    custom = [r for r in catalog.served() if (r.group, r.version) == (group, version)]
    if not custom:
        return openapi.v3_document(group, version)

    def make() -> bytes:
        more = definitions(custom, v2=False)
        return openapi.v3_of(group, version, served(catalog), more)

    token = tuple(r.version_info for r in custom)
    return catalog.memo(("v3", group, version), make, token)


def v3_index(catalog: Catalog) -> bytes:
    def make() -> bytes:
        return openapi.v3_index(served(catalog), partial(v3_document, catalog))

    return catalog.memo("v3", make)


def v2_json(catalog: Catalog) -> bytes:
    custom = catalog.served()
    if not custom:
        return openapi.v2_json()
    return catalog.memo("v2", lambda: openapi.custom_v2_json(custom, definitions(custom, v2=True)))


def v2_protobuf(catalog: Catalog) -> bytes:
    custom = catalog.served()
    if not custom:
        return openapi.v2_protobuf()
    return catalog.memo(
        "v2 protobuf", lambda: openapi.custom_v2_protobuf(custom, definitions(custom, v2=True))
    )
