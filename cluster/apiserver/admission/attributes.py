"""A request as rules, webhooks and CEL expressions see it. Models admission.Attributes."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from cluster.apiserver.cel.asking import handle
from cluster.apiserver.custom.resource import CustomResource
from cluster.apiserver.managed.shapes import SHAPES
from cluster.apiserver.resources import Resource
from cluster.apiserver.strategy import Context
from cluster.machinery.meta import Object

OPERATIONS = {"create": "CREATE", "update": "UPDATE", "patch": "UPDATE", "delete": "DELETE"}
OPTIONS = {"CREATE": "CreateOptions", "UPDATE": "UpdateOptions", "DELETE": "DeleteOptions"}


class Attributes:
    """`resource` is the one asked for, `version` the one the asker is told of (matchPolicy)."""

    def __init__(self, ctx: Context, new: Object | None, old: Object | None) -> None:
        self.ctx = ctx
        self.new = new
        self.old = old
        operation = ctx.operation
        self.resource: Resource = operation.resource
        self.subresource = operation.subresource
        self.namespace = operation.namespace
        self.user = operation.user
        self.dry_run = operation.options.dry_run
        verb = OPERATIONS[operation.verb]
        if new is not None and old is None:
            verb = "CREATE"
        self.operation = verb

    @property
    def name(self) -> str:
        obj = self.new if self.new is not None else self.old
        found: str = (obj or {"metadata": {}})["metadata"].get("name", "")
        return self.ctx.operation.name or found

    @property
    def versions(self) -> list[Resource]:
        """The resource in every version it has, the one asked for first."""
        if isinstance(self.resource, CustomResource):
            others = [r for r in self.resource.rows.values() if r is not self.resource]
            return [self.resource, *others]
        return [self.resource]

    @cached_property
    def user_info(self) -> Object:
        user = self.user
        out: Object = {"username": user.name, "groups": list(user.groups)}
        if user.uid:
            out["uid"] = user.uid
        if user.extra:
            out["extra"] = {key: list(values) for key, values in user.extra}
        return out

    @cached_property
    def options(self) -> Object:
        wanted = self.ctx.operation.options
        out: Object = {"kind": OPTIONS[self.operation], "apiVersion": "meta.k8s.io/v1"}
        if self.dry_run:
            out["dryRun"] = ["All"]
        if self.operation == "DELETE":
            if wanted.grace is not None:
                out["gracePeriodSeconds"] = wanted.grace
            if wanted.propagation:
                out["propagationPolicy"] = wanted.propagation
        elif wanted.field_manager:
            out["fieldManager"] = wanted.field_manager
        return out

    def request(self, version: Resource | None = None) -> Object:
        """The `request` of an AdmissionReview, without its objects and UID."""
        told = version or self.resource
        asked = self.resource
        out: Object = {
            "kind": {"group": told.group, "version": told.version, "kind": told.kind},
            "resource": {"group": told.group, "version": told.version, "resource": told.plural},
            "requestKind": {"group": asked.group, "version": asked.version, "kind": asked.kind},
            "requestResource": {
                "group": asked.group, "version": asked.version, "resource": asked.plural,
            },
            "name": self.name,
            "operation": self.operation,
            "userInfo": self.user_info,
            "dryRun": self.dry_run,
            "options": self.options,
        }  # fmt: skip
        if self.namespace:
            out["namespace"] = self.namespace
        if self.subresource:
            out["subResource"] = out["requestSubResource"] = self.subresource
        return out

    def shown(self, obj: Object | None, version: Resource) -> Object | None:
        if obj is None:
            return None
        obj = SHAPES.expanded(obj, self.ctx.lookup)
        if obj.get("apiVersion") == version.api_version:
            return obj
        if isinstance(version, CustomResource):
            return version.version_info.convert(dict(obj))
        return {**obj, "apiVersion": version.api_version}

    def variables(self, version: Resource | None = None) -> dict[str, Any]:
        """What every expression may name."""
        told = version or self.resource
        request = self.request(told)
        request.setdefault("namespace", "")
        request.setdefault("subResource", "")
        request.setdefault("requestSubResource", "")
        authorizer = handle(self.user_info)
        authorizer["requestResource"] = {
            **authorizer, "group": told.group, "resource": told.plural,
            "subresource": self.subresource, "namespace": self.namespace, "name": self.name,
        }  # fmt: skip
        return {
            "object": self.shown(self.new, told),
            "oldObject": self.shown(self.old, told),
            "request": request,
            "authorizer": authorizer,
        }
