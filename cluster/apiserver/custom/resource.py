"""A resource that a CustomResourceDefinition defines, in one of its versions."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson

from cluster.apiserver.resources import Resource
from cluster.machinery.meta import Object

if TYPE_CHECKING:
    from cluster.apiserver.custom.version import Version
    from cluster.apiserver.managed.sources import Types
    from cluster.apiserver.managed.types import Type


class CustomResource(Resource):
    """One per version, and the same object for as long as the process lives: caches are keyed by
    it. What the definition may change about it is replaced by `become`.

    `hub` stands for what is stored, in whichever version that is now: informers and the watch
    cache follow it, clients never see it.
    """

    version_info: Version
    hub: CustomResource
    rows: dict[str, CustomResource]

    @cached_property
    def types(self) -> Types:
        """For server-side apply: those of every version of the definition."""
        from cluster.apiserver.managed.sources import Types

        return Types(_Defined(self))

    def become(self, **fields: Any) -> None:
        """The definition was changed. Models tearing down and rebuilding the storage."""
        for name, value in fields.items():
            object.__setattr__(self, name, value)
        for name in ("api_version", "head", "prefix", "id"):
            self.__dict__.pop(name, None)

    def read(self, obj: Object) -> Object:
        """A stored object as this version shows it: converted, pruned, defaulted. May change and
        return its argument."""
        return self.version_info.read(obj)

    @property
    def asks_outside(self) -> bool:
        """Whether reading or writing may call a webhook."""
        return self.version_info.converter is not None

    def warm(self, bodies: list[bytes]) -> None:
        """Convert many at once what is about to be shown."""
        converter = self.version_info.converter
        if converter is not None:
            foreign = [orjson.loads(b) for b in bodies if not b.startswith(self.head)]
            if foreign:
                converter.all_stored(foreign, self.api_version)

    def shown(self, body: bytes, revision: int) -> bytes:
        """`read` on served bytes. What was written under the present definition needs nothing."""
        if revision > self.version_info.since and body.startswith(self.head):
            return body
        return orjson.dumps(self.read(orjson.loads(body)))


class _Defined:
    """A TypeSource."""

    def __init__(self, resource: CustomResource) -> None:
        self._resource = resource

    def type_of(self, group: str, version: str, kind: str) -> Type | None:
        row = self._resource.rows.get(version)
        known = row is not None and (group, kind) == (row.group, row.kind)
        return row.version_info.merge_type if known and row is not None else None

    def empty(self, group: str, version: str, kind: str) -> Object:
        return {"metadata": {}}


# In the order in which upstream lists them.
VERBS = (
    "delete", "deletecollection", "get", "list", "patch", "create", "update", "watch",
)  # fmt: skip


def new_resource(group: str, version: str, names: Object, namespaced: bool) -> CustomResource:
    return CustomResource(
        group=group,
        version=version,
        plural=names["plural"],
        kind=names["kind"],
        namespaced=namespaced,
        storage=f"/registry/{group}/{names['plural']}",
        verbs=VERBS,
    )
