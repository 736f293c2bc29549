"""What is compiled from one version of a CustomResourceDefinition, lazily and once."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from cluster.apiserver.custom.schema import structural
from cluster.apiserver.custom.schema.defaulting import default
from cluster.apiserver.custom.schema.pruning import prune
from cluster.machinery.meta import Object, deep_copy

if TYPE_CHECKING:
    from cluster.apiserver.custom.columns import Column
    from cluster.apiserver.custom.conversion import WebhookConverter
    from cluster.apiserver.custom.objects import CustomObjects
    from cluster.apiserver.custom.resource import CustomResource
    from cluster.apiserver.custom.rules import Rules
    from cluster.apiserver.custom.schema.validation import Validator
    from cluster.apiserver.managed.types import Type


class Version:
    """Immutable: a changed definition makes a new one. `since` is the revision from which on
    whatever is stored was written under it."""

    def __init__(
        self,
        resource: CustomResource,
        crd: Object,
        raw: Object,
        since: int,
        converter: WebhookConverter | None,
    ) -> None:
        self.converter = converter
        self.resource = resource
        self.crd = crd
        self.raw = raw
        self.since = since
        self.api_version = resource.api_version
        self.terminating = bool(crd["metadata"].get("deletionTimestamp"))
        self.schema: Object = (raw.get("schema") or {}).get("openAPIV3Schema") or {}
        self.preserving = bool(crd["spec"].get("preserveUnknownFields"))

    @classmethod
    def of(
        cls,
        resource: CustomResource,
        crd: Object,
        raw: Object,
        revision: int,
        old: Version | None,
        converter: WebhookConverter | None,
    ) -> Version:
        """The old one's `since` is kept when only names or status have changed."""
        same = old is not None and old.raw == raw and old.crd["spec"] == crd["spec"]
        return cls(
            resource, crd, raw, old.since if same and old is not None else revision, converter
        )

    @property
    def has_status(self) -> bool:
        return "status" in (self.raw.get("subresources") or {})

    @property
    def scale(self) -> Object | None:
        found: Object | None = (self.raw.get("subresources") or {}).get("scale")
        return found

    @property
    def deprecation(self) -> str:
        """The text of the Warning header; empty for a version that is not deprecated."""
        if not self.raw.get("deprecated"):
            return ""
        text = self.raw.get("deprecationWarning")
        return text or f"{self.api_version} {self.resource.kind} is deprecated"

    @cached_property
    def strategy(self) -> CustomObjects:
        from cluster.apiserver.custom.objects import CustomObjects

        return CustomObjects(self)

    @cached_property
    def structural(self) -> Object:
        """The schema of a whole object: what every object has is added to what was written."""
        return structural.complete(self.schema)

    @cached_property
    def validator(self) -> Validator:
        from cluster.apiserver.custom.schema.validation import Validator

        return Validator(self.schema)

    @cached_property
    def merge_type(self) -> Type:
        """How objects merge in server-side apply."""
        from cluster.apiserver.custom.openapi import merge_schema
        from cluster.apiserver.managed.types import Compiler
        from cluster.apiserver.schema import definitions

        compiler = Compiler(lambda name: definitions()[name], go=False)
        return compiler.compile(merge_schema(self.schema, self.preserving))

    @cached_property
    def has_rules(self) -> bool:
        return structural.has(self.schema, lambda schema: bool(schema.get(structural.RULES)))

    @cached_property
    def rules(self) -> Rules:
        from cluster.apiserver.custom.rules import Rules

        return Rules(self.schema)

    @cached_property
    def columns(self) -> list[Column]:
        from cluster.apiserver.custom.columns import compile_columns

        return compile_columns(self.raw.get("additionalPrinterColumns"))

    @cached_property
    def selectable(self) -> list[tuple[str, tuple[str, ...]]]:
        """(jsonPath as a field selector spells it, its steps)."""
        paths = [f["jsonPath"].lstrip(".") for f in self.raw.get("selectableFields") or ()]
        return [(path, tuple(path.split("."))) for path in paths]

    def read(self, obj: Object) -> Object:
        if obj["apiVersion"] != self.api_version:
            if self.converter is not None:
                obj = self.converter.stored(obj, self.api_version)
            else:
                obj = self.convert(obj)
        self.shape(obj)
        return obj

    def convert(self, obj: Object) -> Object:
        """Strategy None changes nothing but apiVersion."""
        if self.converter is not None:
            return self.converter.convert([obj], self.api_version)[0]
        return {**obj, "apiVersion": self.api_version}

    def shape(self, obj: Object) -> list[str]:
        """Prune and default in place; returns the paths of the fields that were dropped."""
        dropped: list[str] = []
        if not self.preserving:
            prune(obj, self.structural, dropped)
        default(obj, self.structural)
        return dropped

    def unknown(self, obj: Object) -> list[str]:
        """The paths of fields that the schema does not have; nothing is changed."""
        dropped: list[str] = []
        if not self.preserving:
            prune(deep_copy(obj), self.structural, dropped)
        return dropped

    def column_values(self, obj: Object, now: float) -> list[Any]:
        return [column.cell(obj, now) for column in self.columns]
