"""ValidatingAdmissionPolicy: which policies are bound to a request, with which parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.apiserver import resources
from cluster.apiserver.admission.attributes import Attributes
from cluster.apiserver.admission.matching import matching_version, selector_matches
from cluster.apiserver.admission.policy.denial import Denial
from cluster.apiserver.resources import NAMESPACES, Resource
from cluster.apiserver.strategy import Context
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object, labels_of, name_of
from cluster.machinery.selectors import from_label_selector

CODES = {"Unauthorized": 401, "Forbidden": 403, "RequestEntityTooLarge": 413}
NOT_FOUND = "no params found for policy binding with `Deny` parameterNotFoundAction"
NAMESPACE_FIELDS = (
    "name", "generateName", "namespace", "labels", "annotations", "uid", "creationTimestamp",
    "resourceVersion", "deletionTimestamp", "finalizers",
)  # fmt: skip


if TYPE_CHECKING:
    from cluster.apiserver.admission.policy.compiled import Policy


class Misconfigured(Exception):
    """A binding's parameters are not there."""


def _bound(ctx: Context) -> list[tuple[Policy, list[Object]]]:
    derived = ctx.lookup.policies.derived
    found: list[tuple[Policy, list[Object]]] | None = derived.get("validating policies")
    if found is None:
        bindings: dict[str, list[Object]] = {}
        for binding in ctx.lookup.policies.list(resources.VALIDATING_POLICY_BINDINGS):
            bindings.setdefault(binding["spec"].get("policyName", ""), []).append(binding)
        if bindings:
            from cluster.apiserver.admission.policy.compiled import Policy
        found = derived["validating policies"] = [
            (Policy(raw), bindings[name_of(raw)])
            for raw in ctx.lookup.policies.list(resources.VALIDATING_POLICIES)
            if name_of(raw) in bindings
        ]
    return found


def concerns(ctx: Context) -> bool:
    return bool(_bound(ctx))


def validate(ctx: Context, new: Object | None, old: Object | None) -> None:
    bound = _bound(ctx)
    if not bound or ctx.operation.resource.group == "admissionregistration.k8s.io":
        return
    attributes = Attributes(ctx, new, old)
    denied: list[tuple[Policy, Object, Denial]] = []
    for policy, bindings in bound:
        version = _matches(attributes, policy.spec.get("matchConstraints") or {})
        if version is None:
            continue
        for binding in bindings:
            if _matches(attributes, binding["spec"].get("matchResources") or {}, True) is None:
                continue
            denied += _ask(attributes, policy, binding, version)
    if denied:
        raise _refusal(attributes, *denied[0])


def _matches(
    attributes: Attributes, constraints: Object, anything: bool = False
) -> Resource | None:
    """`anything`: without rules every resource is meant."""
    policy = constraints.get("matchPolicy") or "Equivalent"
    excluded = constraints.get("excludeResourceRules") or ()
    if not selector_matches(attributes, constraints):
        return None
    if matching_version(attributes, excluded, policy) is not None:
        return None
    rules = constraints.get("resourceRules") or ()
    if not rules and anything:
        return attributes.resource
    return matching_version(attributes, rules, policy)


def _ask(
    attributes: Attributes, policy: Policy, binding: Object, version: Resource
) -> list[tuple[Policy, Object, Denial]]:
    actions = binding["spec"].get("validationActions") or ["Deny"]
    out: list[tuple[Policy, Object, Denial]] = []
    try:
        params = _params(attributes, policy, binding)
    except Misconfigured as error:
        if policy.ignores:
            return []
        return [(policy, binding, Denial(f"failed to configure binding: {error}"))]
    for param in params:
        data: dict[str, Any] = {
            **attributes.variables(version),
            "params": param,
            "namespaceObject": _namespace(attributes),
        }
        for denial in policy.evaluate(attributes, data):
            if "Deny" in actions:
                out.append((policy, binding, denial))
            if "Warn" in actions:
                attributes.ctx.warnings.append(
                    f"Validation failed for ValidatingAdmissionPolicy '{policy.name}' with binding "
                    f"'{name_of(binding)}': {denial.message}"
                )
    return out


def _namespace(attributes: Attributes) -> Object | None:
    if not attributes.namespace or attributes.resource is NAMESPACES:
        return None
    found = attributes.ctx.lookup.policies.find(NAMESPACES, "", attributes.namespace)
    if found is None:
        return None
    meta = {k: v for k, v in found["metadata"].items() if k in NAMESPACE_FIELDS}
    return {**found, "metadata": meta}


def _params(attributes: Attributes, policy: Policy, binding: Object) -> list[Object | None]:
    """Raises Misconfigured. Models CollectParams."""
    kind, reference = policy.spec.get("paramKind"), binding["spec"].get("paramRef")
    if not kind or not reference:
        return [None]
    lookup = attributes.ctx.lookup
    resource = lookup.resource_for(kind["apiVersion"], kind["kind"])
    if resource is None:
        group, _, version = kind["apiVersion"].rpartition("/")
        raise Misconfigured(f"paramKind kind `{group}/{version}, Kind={kind['kind']}` not known")
    namespace = ""
    if resource.namespaced:
        namespace = reference.get("namespace") or attributes.namespace
        if not namespace:
            raise Misconfigured(
                "cannot use namespaced paramRef in policy binding that matches cluster-scoped "
                "resources"
            )
    elif reference.get("namespace"):
        raise Misconfigured(
            "paramRef.namespace must not be provided for a cluster-scoped `paramKind`"
        )
    found: list[Object | None]
    if reference.get("name"):
        one = lookup.find(resource, namespace, reference["name"])
        found = [] if one is None else [one]
    else:
        selector = from_label_selector(reference.get("selector") or {})
        found = [
            obj for obj in lookup.list_all(resource, namespace) if selector.matches(labels_of(obj))
        ]
    if not found and reference.get("parameterNotFoundAction") == "Allow":
        return []
    if not found:
        raise Misconfigured(NOT_FOUND)
    return found


def _refusal(
    attributes: Attributes, policy: Policy, binding: Object, denial: Denial
) -> StatusError:
    resource = attributes.resource
    text = (
        f"ValidatingAdmissionPolicy '{policy.name}' with binding '{name_of(binding)}' denied "
        f"request: {denial.message}"
    )
    reason = denial.reason or "Invalid"
    name = attributes.name
    details: Object = {"name": name} if name else {}
    if resource.group:
        details["group"] = resource.group
    details |= {"kind": resource.plural, "causes": [{"message": text}]}
    named = f' "{name}"' if name else ""
    message = f"{resource.id}{named} is forbidden: {text}"
    return StatusError(CODES.get(reason, 422), reason, message, details)
