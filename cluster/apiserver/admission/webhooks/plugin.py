"""MutatingAdmissionWebhook and ValidatingAdmissionWebhook.

Mutating webhooks are asked one after the other, each with what the one before left; those that
wish it (reinvocationPolicy IfNeeded) are asked once more when a later one changed the object.
Models admission/plugin/webhook/{mutating,validating}.
"""

from __future__ import annotations

import logging
from typing import Any

import jsonpatch
import jsonpointer

from cluster.apiserver import resources
from cluster.apiserver.admission.attributes import Attributes
from cluster.apiserver.admission.matching import (
    ConditionError,
    conditions_hold,
    matching_version,
    selector_matches,
)
from cluster.apiserver.admission.webhooks import review
from cluster.apiserver.admission.webhooks.call import CallError, post
from cluster.apiserver.admission.webhooks.services import ServiceResolver
from cluster.apiserver.resources import Resource
from cluster.apiserver.strategy import Context
from cluster.machinery import errors
from cluster.machinery.meta import Object, deep_copy

log = logging.getLogger(__name__)
# What configures admission is never a webhook's business, lest nobody could repair it.
EXEMPT = frozenset(
    (
        resources.MUTATING_WEBHOOKS,
        resources.VALIDATING_WEBHOOKS,
        resources.VALIDATING_POLICIES,
        resources.VALIDATING_POLICY_BINDINGS,
    )
)
TIMEOUT = 10


def _configured(ctx: Context, kind: Resource) -> list[Object]:
    """All webhooks of that kind, in the order they are asked."""
    derived = ctx.lookup.policies.derived
    found: list[Object] | None = derived.get(kind.id)
    if found is None:
        found = derived[kind.id] = [
            webhook
            for configuration in ctx.lookup.policies.list(kind)
            for webhook in configuration.get("webhooks") or ()
        ]
    return found


def concerns(ctx: Context) -> bool:
    """Whether any webhook might be asked about this write."""
    return bool(
        _configured(ctx, resources.MUTATING_WEBHOOKS)
        or _configured(ctx, resources.VALIDATING_WEBHOOKS)
    )


def admit(ctx: Context, new: Object | None, old: Object | None) -> None:
    webhooks = _configured(ctx, resources.MUTATING_WEBHOOKS)
    if not webhooks or ctx.operation.resource in EXEMPT:
        return
    attributes = Attributes(ctx, new, old)
    again: list[Object] = []
    changed_after: list[Object] = []
    for webhook in webhooks:
        version = _wants(webhook, attributes)
        if version is None:
            continue
        if _mutate(webhook, attributes, version):
            changed_after = list(again)
        if webhook.get("reinvocationPolicy") == "IfNeeded":
            again.append(webhook)
    for webhook in changed_after:
        version = _wants(webhook, attributes)
        if version is not None:
            _mutate(webhook, attributes, version)


def validate(ctx: Context, new: Object | None, old: Object | None) -> None:
    webhooks = _configured(ctx, resources.VALIDATING_WEBHOOKS)
    if not webhooks or ctx.operation.resource in EXEMPT:
        return
    attributes = Attributes(ctx, new, old)
    for webhook in webhooks:
        version = _wants(webhook, attributes)
        if version is not None:
            _ask(webhook, attributes, version, mutating=False)


def _wants(webhook: Object, attributes: Attributes) -> Resource | None:
    """The version it wants to be told in; None when it is not asked at all."""
    policy = webhook.get("matchPolicy") or "Equivalent"
    version = matching_version(attributes, webhook.get("rules") or (), policy)
    if version is None or not selector_matches(attributes, webhook):
        return None
    conditions = webhook.get("matchConditions")
    if not conditions:
        return version
    try:
        return (
            version
            if conditions_hold(conditions, attributes.variables(version), attributes)
            else None
        )
    except ConditionError as error:
        if webhook.get("failurePolicy") == "Ignore":
            return None
        resource = attributes.resource
        raise errors.forbidden(
            resource.plural, resource.group, attributes.name, str(error)
        ) from error


def _ask(
    webhook: Object, attributes: Attributes, version: Resource, mutating: bool
) -> tuple[Object, list[Any]]:
    """The answer and its patch; ({}, []) when the call failed and that is to be ignored."""
    name = webhook["name"]
    if attributes.dry_run and webhook.get("sideEffects") not in ("None", "NoneOnDryRun"):
        raise errors.bad_request(f'admission webhook "{name}" does not support dry run')
    sent = review.request(attributes, version, webhook)
    timeout = webhook.get("timeoutSeconds") or TIMEOUT
    resolver = ServiceResolver(attributes.ctx.lookup)
    try:
        answer = post(webhook["clientConfig"], sent, timeout, resolver)
        found = review.response(sent, answer, mutating)
        patch = review.patch(found) if found.get("allowed") else []
    except CallError as error:
        text = f'failed calling webhook "{name}": {error}'
        if webhook.get("failurePolicy") == "Ignore":
            log.warning("failing open: %s", text)
            return {}, []
        raise errors.internal_error(text) from error
    attributes.ctx.warnings.extend(str(w) for w in found.get("warnings") or ())
    if not found.get("allowed"):
        raise review.denied(name, found.get("status"))
    return found, patch


def _mutate(webhook: Object, attributes: Attributes, version: Resource) -> bool:
    """True when the webhook changed the object, which is changed in place."""
    _, patch = _ask(webhook, attributes, version, mutating=True)
    if not patch:
        return False
    obj = attributes.new
    if obj is None:
        raise errors.internal_error(
            f'admission webhook "{webhook["name"]}" attempted to modify the object, which is not '
            "supported for this operation"
        )
    try:
        changed: Object = jsonpatch.JsonPatch(patch).apply(
            deep_copy(attributes.shown(obj, version) or obj)
        )
    except (
        jsonpatch.JsonPatchException,
        jsonpointer.JsonPointerException,
        TypeError,
        KeyError,
    ) as error:
        raise errors.internal_error(str(error)) from error
    if not isinstance(changed, dict) or not isinstance(changed.get("metadata"), dict):
        raise errors.internal_error("the patch of a webhook does not leave an object")
    _replace(attributes, changed)
    return True


def _replace(attributes: Attributes, changed: Object) -> None:
    from cluster.apiserver.kinds import strategy_for

    obj, resource = attributes.new, attributes.resource
    assert obj is not None
    changed = attributes.shown(changed, resource) or changed
    obj.clear()
    obj.update(changed)
    strategy_for(resource).default(obj)
