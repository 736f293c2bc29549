"""Admission: what may be stored depends on more than the object itself.

Two phases, as upstream: `admit` runs the plugins that may change `new` in place (or refuse it)
before the strategy validates, `validate` those that only refuse, after. `new` is None for a
deletion, `old` is None for a creation. Plugins run in upstream's order and are asked only about
the resources they name. Models plugin/pkg/admission and kubeapiserver/options/plugins.go.

Pods come by the thousand from one template, so the plugins whose answer follows from the pod's
spec, its namespace and what `ctx.lookup.policies` says are asked once per template (`per_object`
is False for them); the others (per_object) are asked for each pod by `admit_each` and
`validate_each`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from cluster.apiserver import resources
from cluster.apiserver.admission import (
    claim_resize,
    default_ingress_class,
    default_storage_class,
    limit_ranger,
    namespace_lifecycle,
    node_restriction,
    pod_security,
    priority,
    resource_quota,
    runtime_class,
    service_account,
    storage_protection,
    taint_nodes,
    toleration_seconds,
)
from cluster.apiserver.admission.policy import plugin as policies
from cluster.apiserver.admission.webhooks import plugin as webhooks
from cluster.apiserver.resources import Resource
from cluster.apiserver.strategy import Context
from cluster.machinery.meta import Object

Call = Callable[[Context, Object | None, Object | None], None]


@dataclass(frozen=True, slots=True)
class Plugin:
    """`only` names the resources it is asked about; empty: all."""

    name: str
    admit: Call | None = None
    validate: Call | None = None
    only: tuple[Resource, ...] = ()
    per_object: bool = False


PODS = (resources.PODS,)
PLUGINS: tuple[Plugin, ...] = (
    Plugin("NamespaceLifecycle", admit=namespace_lifecycle.admit, per_object=True),
    Plugin(
        "LimitRanger",
        admit=limit_ranger.admit,
        validate=limit_ranger.validate,
        only=(resources.PODS, resources.PERSISTENT_VOLUME_CLAIMS),
    ),
    Plugin("ServiceAccount", admit=service_account.admit, only=PODS),
    Plugin(
        "NodeRestriction",
        admit=node_restriction.admit,
        only=(resources.PODS, resources.NODES),
        per_object=True,
    ),
    Plugin("TaintNodesByCondition", admit=taint_nodes.admit, only=(resources.NODES,)),
    Plugin("PodSecurity", validate=pod_security.validate, only=pod_security.RESOURCES),
    Plugin(
        "Priority",
        admit=priority.admit,
        validate=priority.validate,
        only=(resources.PODS, resources.PRIORITY_CLASSES),
    ),
    Plugin("DefaultTolerationSeconds", admit=toleration_seconds.admit, only=PODS),
    Plugin(
        "DefaultStorageClass",
        admit=default_storage_class.admit,
        only=(resources.PERSISTENT_VOLUME_CLAIMS,),
    ),
    Plugin(
        "StorageObjectInUseProtection",
        admit=storage_protection.admit,
        only=(resources.PERSISTENT_VOLUME_CLAIMS, resources.PERSISTENT_VOLUMES),
    ),
    Plugin(
        "PersistentVolumeClaimResize",
        validate=claim_resize.validate,
        only=(resources.PERSISTENT_VOLUME_CLAIMS,),
    ),
    Plugin("RuntimeClass", admit=runtime_class.admit, only=PODS),
    Plugin("DefaultIngressClass", admit=default_ingress_class.admit, only=(resources.INGRESSES,)),
    # Where any is registered, no pod is made from a template (`by_others`).
    Plugin("MutatingAdmissionWebhook", admit=webhooks.admit),
    Plugin("ValidatingAdmissionPolicy", validate=policies.validate),
    Plugin("ValidatingAdmissionWebhook", validate=webhooks.validate),
    Plugin("ResourceQuota", validate=resource_quota.validate, per_object=True),
)


@dataclass(frozen=True, slots=True)
class _Chain:
    admit: tuple[Call, ...]
    validate: tuple[Call, ...]
    admit_each: tuple[Call, ...]
    validate_each: tuple[Call, ...]
    admit_template: tuple[Call, ...]
    validate_template: tuple[Call, ...]


@lru_cache(maxsize=1024)
def _chain(resource: Resource) -> _Chain:
    asked = [p for p in PLUGINS if not p.only or resource in p.only]
    return _Chain(
        admit=tuple(p.admit for p in asked if p.admit is not None),
        validate=tuple(p.validate for p in asked if p.validate is not None),
        admit_each=tuple(p.admit for p in asked if p.admit is not None and p.per_object),
        validate_each=tuple(p.validate for p in asked if p.validate is not None and p.per_object),
        admit_template=tuple(p.admit for p in asked if p.admit is not None and not p.per_object),
        validate_template=tuple(
            p.validate for p in asked if p.validate is not None and not p.per_object
        ),
    )


def by_others(ctx: Context) -> bool:
    """Whether webhooks or policies are registered: then every object is looked at by itself."""
    derived = ctx.lookup.policies.derived
    found: bool | None = derived.get("others")
    if found is None:
        found = derived["others"] = webhooks.concerns(ctx) or policies.concerns(ctx)
    return found


def ask_others(ctx: Context, new: Object, old: Object) -> None:
    """A write to a subresource: no plugin of ours has a say in it."""
    if by_others(ctx):
        webhooks.admit(ctx, new, old)
        policies.validate(ctx, new, old)
        webhooks.validate(ctx, new, old)


def admit(ctx: Context, new: Object | None, old: Object | None) -> None:
    for call in _chain(ctx.operation.resource).admit:
        call(ctx, new, old)


def validate(ctx: Context, new: Object | None, old: Object | None) -> None:
    for call in _chain(ctx.operation.resource).validate:
        call(ctx, new, old)


def admit_each(ctx: Context, new: Object) -> None:
    """What of `admit` differs between the pods of one template."""
    for call in _chain(ctx.operation.resource).admit_each:
        call(ctx, new, None)


def validate_each(ctx: Context, new: Object) -> None:
    for call in _chain(ctx.operation.resource).validate_each:
        call(ctx, new, None)


def admit_template(ctx: Context, new: Object) -> None:
    """What of `admit` is the same for all of them."""
    for call in _chain(ctx.operation.resource).admit_template:
        call(ctx, new, None)


def validate_template(ctx: Context, new: Object) -> None:
    for call in _chain(ctx.operation.resource).validate_template:
        call(ctx, new, None)
