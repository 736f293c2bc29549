"""Where types come from: the published definitions, and whoever registers more (CRDs)."""

from __future__ import annotations

from functools import lru_cache

from cluster.apiserver.managed.types import DEDUCED, Compiler, Type, TypeSource
from cluster.apiserver.schema import definition_for, definitions


class Published:
    """The kinds of our OpenAPI definitions."""

    def __init__(self) -> None:
        self._compiler = Compiler(lambda name: definitions()[name], go=True)

    def type_of(self, group: str, version: str, kind: str) -> Type | None:
        name = definition_for(group, version, kind)
        return self._compiler.named(name) if name else None


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

    def for_kind(self, api_version: str, kind: str) -> Type:
        """A kind that nobody describes merges as its values suggest."""
        group, _, version = api_version.rpartition("/")
        return self.type_of(group, version, kind) or DEDUCED


@lru_cache(maxsize=1)
def types() -> Types:
    return Types(Published())
