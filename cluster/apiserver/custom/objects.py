"""The strategy of custom objects. Models registry/customresource/strategy.go."""

from __future__ import annotations

from typing import Any

from cluster.apiserver.custom import listtypes, scale
from cluster.apiserver.custom.columns import printed
from cluster.apiserver.custom.version import Version
from cluster.apiserver.kinds import names
from cluster.apiserver.strategy import Context, Strategy
from cluster.machinery import errors
from cluster.machinery.errors import Cause
from cluster.machinery.meta import Object

BLOCKING = frozenset(
    (
        "FieldValueNotSupported", "FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany",
        "FieldValueTypeInvalid",
    )
)  # fmt: skip
UNCHECKED = (
    "some validation rules were not checked because the object was invalid; correct the existing "
    "errors to complete validation"
)
STANDARD_FINALIZERS = ("orphan", "foregroundDeletion", "kubernetes")


class CustomObjects(Strategy):
    allow_unconditional_update = False

    def __init__(self, version: Version) -> None:
        self.version = version
        self.has_status = version.has_status

    def create(self, ctx: Context, obj: Object) -> Object:
        if self.version.terminating:
            resource = ctx.operation.resource
            error = errors.method_not_allowed(resource.plural, resource.group, "create")
            error.message = "create not allowed while custom resource definition is terminating"
            raise error
        return super().create(ctx, obj)

    def default(self, obj: Object) -> None:
        self.version.shape(obj)

    def prepare_for_create(self, ctx: Context, obj: Object) -> None:
        self._warn(ctx, obj, None)
        if self.has_status:
            obj.pop("status", None)
        obj["metadata"]["generation"] = 1

    def prepare_for_update(self, ctx: Context, new: Object, old: Object) -> None:
        self._warn(ctx, new, old)
        if self.has_status:
            self._keep(new, old, "status")
        generation = old["metadata"].get("generation", 1)
        changed = _without_metadata(new) != _without_metadata(old)
        new["metadata"]["generation"] = generation + changed

    def _warn(self, ctx: Context, new: Object, old: Object | None) -> None:
        """Models generateWarningsFromObj."""
        before = (old or {"metadata": {}})["metadata"].get("finalizers") or ()
        for name in sorted(set(new["metadata"].get("finalizers") or ()) - set(before)):
            if not isinstance(name, str) or "/" in name or name in STANDARD_FINALIZERS:
                continue
            more = " including a path (/)" if "." in name else ""
            ctx.warnings.append(
                f'metadata.finalizers: "{name}": prefer a domain-qualified finalizer name{more} to '
                "avoid accidental conflicts with other finalizer writers"
            )

    # ---- validation

    def validate(self, ctx: Context, obj: Object) -> list[Cause]:
        causes = names.metadata(obj["metadata"], names.subdomain)
        return self._finish(causes + self._causes(obj), obj, None)

    def validate_update(self, ctx: Context, new: Object, old: Object) -> list[Cause]:
        causes: list[Cause] = []
        if new["metadata"] != old["metadata"]:
            causes = names.metadata(new["metadata"], names.subdomain)
        found = self._causes(new)
        if found:  # what was wrong before and has not changed is let be (CRDValidationRatcheting)
            found = _ratcheted(found, new, old)
        return self._finish(causes + found, new, old)

    def _causes(self, obj: Object) -> list[Cause]:
        causes = self.version.validator.validate(obj)
        causes += scale.validate(self.version.scale, obj)
        return causes + listtypes.validate(obj, self.version.schema)

    def _finish(self, causes: list[Cause], new: Object, old: Object | None) -> list[Cause]:
        """CEL rules, for what is sound enough to be looked at by them."""
        if not self.version.has_rules:
            return causes
        if any(cause.reason in BLOCKING for cause in causes):
            return [*causes, errors.invalid_value("<nil>", None, UNCHECKED)]
        return causes + self.version.rules.validate(new, old)

    def validate_status(self, ctx: Context, new: Object, old: Object) -> list[Cause]:
        causes: list[Cause] = []
        if "status" in new:
            causes = self.version.validator.validate_status(new["status"])
            causes = _ratcheted(causes, new, old) if causes else causes
        causes += scale.validate_status(self.version.scale, new)
        return self._finish(causes, new, old)

    # ---- the rest

    def put_status(self, ctx: Context, new: Object, old: Object) -> Object:
        """Only status and managedFields may change here."""
        self.version.shape(new)
        out = {**old, "metadata": {**old["metadata"]}}
        if "managedFields" in new["metadata"]:
            out["metadata"]["managedFields"] = new["metadata"]["managedFields"]
        self._keep(out, new, "status")
        self._raise(ctx, out, self.validate_status(ctx, out, old))
        return out

    def view(self, ctx: Context, subresource: str, obj: Object) -> Object:
        if subresource == "scale" and self.version.scale is not None:
            return scale.view(self.version.scale, obj)
        return super().view(ctx, subresource, obj)

    def put(self, ctx: Context, subresource: str, new: Object, old: Object) -> Object:
        if subresource == "scale" and self.version.scale is not None:
            changed = scale.put(self.version.scale, new, old)
            return self.update(ctx, changed, old)
        return super().put(ctx, subresource, new, old)

    def fields(self, obj: Object) -> dict[str, str]:
        out = {}
        for path, steps in self.version.selectable:
            value: Any = obj
            for step in steps:
                value = value.get(step) if isinstance(value, dict) else None
            out[path] = "" if value is None else printed(value)
        return out


def _without_metadata(obj: Object) -> Object:
    return {k: v for k, v in obj.items() if k not in ("metadata", "apiVersion", "kind")}


def _ratcheted(causes: list[Cause], new: Object, old: Object) -> list[Cause]:
    """Causes at values that differ from the old object's."""
    missing = object()
    out = []
    for cause in causes:
        path = cause.field
        if cause.reason == "FieldValueRequired":
            path = path.rpartition(".")[0]
        have = _at(new, path, missing)
        if have is missing or have != _at(old, path, None):
            out.append(cause)
    return out


def _at(obj: Any, path: str, missing: Any) -> Any:
    if path == "<nil>":
        return missing
    value = obj
    for step in path.replace("[", ".[").split(".") if path else ():
        if step.startswith("["):
            index = int(step[1:-1]) if step[1:-1].isdigit() else -1
            if not isinstance(value, list) or not 0 <= index < len(value):
                return missing
            value = value[index]
        elif isinstance(value, dict) and step in value:
            value = value[step]
        else:
            return missing
    return value
