"""The strategy of CustomResourceDefinitions. Models registry/customresourcedefinition."""

from __future__ import annotations

from typing import Any

from cluster.apiserver.custom import definition, naming
from cluster.apiserver.custom.schema import formats, shape, structural
from cluster.apiserver.kinds.base import Kind
from cluster.apiserver.resources import CUSTOM_RESOURCE_DEFINITIONS
from cluster.apiserver.strategy import Context
from cluster.machinery.clock import parse_time
from cluster.machinery.errors import Cause
from cluster.machinery.meta import Object, name_of

CLEANUP = "customresourcecleanup.apiextensions.k8s.io"


class CustomResourceDefinitions(Kind):
    """Names are accepted and the resource is established in the same write that asks for it."""

    has_status = True
    allow_unconditional_update = False

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        names = spec.setdefault("names", {})
        if names.get("kind"):
            names.setdefault("singular", names["kind"].lower())
            names.setdefault("listKind", f"{names['kind']}List")
        conversion = spec.setdefault("conversion", {"strategy": "None"})
        service = ((conversion.get("webhook") or {}).get("clientConfig") or {}).get("service")
        if service:
            service.setdefault("port", 443)
        if spec.get("preserveUnknownFields") is False:
            del spec["preserveUnknownFields"]
        _without_holes(names, "shortNames", "categories", empty="")
        _without_holes(spec, "versions")
        for version in spec.get("versions") or ():
            _without_holes(version, "additionalPrinterColumns", "selectableFields")
            schema = (version.get("schema") or {}).get("openAPIV3Schema")
            if schema is not None:
                shape.check(schema, "openAPIV3Schema")
            version.setdefault("storage", False)
            version.setdefault("served", False)

    def prepare_for_create(self, ctx: Context, obj: Object) -> None:
        obj["metadata"]["generation"] = 1
        obj["status"] = {"storedVersions": _storage(obj)}
        ctx.warnings += _warnings(obj)

    def prepare_for_update(self, ctx: Context, new: Object, old: Object) -> None:
        generation = old["metadata"].get("generation", 1)
        new["metadata"]["generation"] = generation + (new["spec"] != old["spec"])
        new["status"] = status = {**(old.get("status") or {})}
        stored = list(status.get("storedVersions") or ())
        status["storedVersions"] = stored + [v for v in _storage(new) if v not in stored]
        before = _warnings(old)
        ctx.warnings += [w for w in _warnings(new) if w not in before]

    def validate(self, ctx: Context, obj: Object) -> list[Cause]:
        causes = super().validate(ctx, obj) + definition.validate(obj, None)
        if not causes:
            self._settle(ctx, obj)
        return causes

    def validate_update(self, ctx: Context, new: Object, old: Object) -> list[Cause]:
        causes = super().validate_update(ctx, new, old)
        if new["spec"] != old["spec"] or new["metadata"] != old["metadata"]:
            causes += definition.validate(new, old)
        if not causes:
            self._settle(ctx, new)
        return causes

    @staticmethod
    def _settle(ctx: Context, obj: Object) -> None:
        others = [
            crd
            for crd in ctx.lookup.list_all(CUSTOM_RESOURCE_DEFINITIONS)
            if name_of(crd) != name_of(obj)
        ]
        obj["status"] = naming.status(obj, others, ctx.now)

    def put_status(self, ctx: Context, new: Object, old: Object) -> Object:
        out = {**old, "metadata": {**old["metadata"]}}
        if "managedFields" in new["metadata"]:
            out["metadata"]["managedFields"] = new["metadata"]["managedFields"]
        self._keep(out, new, "status")
        self._raise(ctx, out, definition.validate_stored_versions(out))
        return out

    # ---- deletion: first the objects, then the definition

    def held(self, obj: Object) -> bool:
        return not obj["metadata"].get("deletionTimestamp")

    def begin_termination(self, obj: Object) -> Object:
        meta = {**obj["metadata"]}
        finalizers = list(meta.get("finalizers") or ())
        if CLEANUP not in finalizers:
            meta["finalizers"] = [*finalizers, CLEANUP]
        out = {**obj, "metadata": meta}
        status = naming.terminating(out, parse_time(meta["deletionTimestamp"]))
        for condition in status["conditions"]:
            if condition["type"] == "Terminating":
                condition |= {
                    "reason": "InstanceDeletionPending",
                    "message": "CustomResourceDefinition marked for deletion; CustomResource "
                    "deletion will begin soon",
                }
        return {**out, "status": status}


def _without_holes(parent: Object, *fields: str, empty: Any = None) -> None:
    """A null in a list of Go's is the empty value of its type."""
    for field in fields:
        if None in (parent.get(field) or ()):
            zero = {} if empty is None else empty
            parent[field] = [zero if entry is None else entry for entry in parent[field]]


def _storage(obj: Object) -> list[str]:
    return [v.get("name", "") for v in obj["spec"].get("versions") or () if v.get("storage")][:1]


def _warnings(obj: Object) -> list[str]:
    """Formats nobody knows; sets of what cannot be in a set."""
    out: list[str] = []
    sets: set[str] = set()
    for version in obj["spec"].get("versions") or ():
        schema = (version.get("schema") or {}).get("openAPIV3Schema") or {}
        for _, node in structural.walk(schema):
            if not formats.recognised(node):
                out.append(f'unrecognized format "{node["format"]}"')
            inner = structural.items_of(node) or {}
            if node.get(structural.LIST_TYPE) == "set" and inner.get("type") in ("object", "array"):
                sets.add(
                    f'x-kubernetes-list-type: set for items of type "{inner["type"]}" is not '
                    "supported by server-side apply or CEL validation rules"
                )
    return out + sorted(sets)
