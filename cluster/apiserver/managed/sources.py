"""Where types come from: the published definitions, and whoever registers more (CRDs)."""

from __future__ import annotations

from functools import lru_cache

from cluster.apiserver.managed.empty import empty_object
from cluster.apiserver.managed.types import Compiler, Type, TypeSource
from cluster.apiserver.schema import definition_for, definitions
from cluster.machinery.meta import Object


class Published:
    """The kinds of our OpenAPI definitions."""

    def __init__(self) -> None:
        self._compiler = Compiler(lambda name: definitions()[name], go=True)
        self._types: dict[tuple[str, str, str], Type | None] = {}
        self._empty: dict[str, Object] = {}

    def type_of(self, group: str, version: str, kind: str) -> Type | None:
        key = (group, version, kind)
        if key not in self._types:
            name = definition_for(group, version, kind)
            self._types[key] = self._compiler.named(name) if name else None
        return self._types[key]

    def empty(self, group: str, version: str, kind: str) -> Object:
        name = definition_for(group, version, kind)
        if name not in self._empty:
            self._empty[name] = empty_object(name) if name else {}
        return self._empty[name]


class Types:
    """Several sources, asked in turn. `sources` may grow (the CRD registry adds itself)."""

    def __init__(self, *sources: TypeSource) -> None:
        self.sources: list[TypeSource] = list(sources)

    def type_of(self, group: str, version: str, kind: str) -> Type | None:
        for source in self.sources:
            found = source.type_of(group, version, kind)
            if found is not None:
                return found
        return None

    def known(self, api_version: str, kind: str) -> bool:
        group, _, version = api_version.rpartition("/")
        return self.type_of(group, version, kind) is not None

    def empty(self, api_version: str, kind: str) -> Object:
        """An object of that kind of which nothing was said yet; shared, do not change."""
        group, _, version = api_version.rpartition("/")
        for source in self.sources:
            if source.type_of(group, version, kind) is not None:
                return source.empty(group, version, kind)
        return {}


@lru_cache(maxsize=1)
def types() -> Types:
    return Types(Published())
