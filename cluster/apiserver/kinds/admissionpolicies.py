"""ValidatingAdmissionPolicies and their bindings. Models pkg/apis/admissionregistration."""

from __future__ import annotations

from cluster.apiserver.kinds.base import Kind
from cluster.apiserver.kinds.webhooks import (
    FAILURES,
    MATCHES,
    choice,
    condition_causes,
    expression_causes,
    rule_causes,
    without_holes,
)
from cluster.apiserver.strategy import Context
from cluster.machinery.errors import Cause, duplicate, invalid_value, not_supported, required
from cluster.machinery.meta import Object

VARIABLES = (
    "object", "oldObject", "request", "namespaceObject", "variables", "authorizer",
)  # fmt: skip
REASONS = ("Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized")
ACTIONS = ("Audit", "Deny", "Warn")


def _default_match(constraints: Object) -> None:
    without_holes(constraints, "resourceRules", "excludeResourceRules")
    constraints.setdefault("matchPolicy", "Equivalent")
    constraints.setdefault("namespaceSelector", {})
    constraints.setdefault("objectSelector", {})
    for name in ("resourceRules", "excludeResourceRules"):
        for rule in constraints.get(name) or ():
            rule.setdefault("scope", "*")


def _match(constraints: Object, path: str) -> list[Cause]:
    causes = choice(constraints, "matchPolicy", MATCHES, path)
    for name in ("resourceRules", "excludeResourceRules"):
        for index, rule in enumerate(constraints.get(name) or ()):
            causes += rule_causes(rule, f"{path}.{name}[{index}]")
    return causes


class ValidatingAdmissionPolicies(Kind):
    has_status = True
    tracks_generation = True

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        without_holes(spec, "validations", "variables", "matchConditions", "auditAnnotations")
        spec.setdefault("failurePolicy", "Fail")
        if spec.get("matchConstraints") is not None:
            _default_match(spec["matchConstraints"])

    def prepare_for_create(self, ctx: Context, obj: Object) -> None:
        super().prepare_for_create(ctx, obj)
        obj["status"] = {"observedGeneration": 1, "typeChecking": {}}

    def prepare_for_update(self, ctx: Context, new: Object, old: Object) -> None:
        super().prepare_for_update(ctx, new, old)
        generation = new["metadata"]["generation"]
        new["status"] = {**(old.get("status") or {}), "observedGeneration": generation}

    def check(self, obj: Object) -> list[Cause]:
        spec = obj["spec"]
        variables: tuple[str, ...] = VARIABLES
        causes = choice(spec, "failurePolicy", FAILURES, "spec")
        kind = spec.get("paramKind")
        if kind is not None:
            variables = (*VARIABLES, "params")
            for field in ("apiVersion", "kind"):
                if not kind.get(field):
                    causes.append(required(f"spec.paramKind.{field}"))
        constraints = spec.get("matchConstraints")
        if constraints is None:
            causes.append(required("spec.matchConstraints"))
        else:
            path = "spec.matchConstraints"
            causes += _match(constraints, path)
            if not constraints.get("resourceRules"):
                causes.append(required(f"{path}.resourceRules"))
        if not spec.get("validations") and not spec.get("auditAnnotations"):
            text = "validations or auditAnnotations must be configured; both may not be empty"
            causes += [required("spec.validations", text), required("spec.auditAnnotations", text)]
        conditions = spec.get("matchConditions") or []
        causes += condition_causes(conditions, "spec.matchConditions", variables)
        return causes + _variables(spec, variables) + _validations(spec, variables)


def _variables(spec: Object, variables: tuple[str, ...]) -> list[Cause]:
    causes: list[Cause] = []
    seen: set[str] = set()
    for index, variable in enumerate(spec.get("variables") or ()):
        path, name = f"spec.variables[{index}]", variable.get("name") or ""
        if not name:
            causes.append(required(f"{path}.name"))
        elif not name.isidentifier():
            causes.append(invalid_value(f"{path}.name", name, "name is not a valid CEL identifier"))
        elif name in seen:
            causes.append(duplicate(f"{path}.name", name))
        seen.add(name)
        causes += expression_causes(
            variable.get("expression") or "", f"{path}.expression", variables
        )
    return causes


def _validations(spec: Object, variables: tuple[str, ...]) -> list[Cause]:
    causes: list[Cause] = []
    for index, validation in enumerate(spec.get("validations") or ()):
        path, text = f"spec.validations[{index}]", validation.get("expression") or ""
        if not text.strip():
            causes.append(required(f"{path}.expression", "expression is not specified"))
        else:
            causes += expression_causes(text, f"{path}.expression", variables, "BOOL")
        message = validation.get("message") or ""
        if "\n" in message.strip():
            why = "must not contain line breaks"
            causes.append(invalid_value(f"{path}.message", message, why))
        if "\n" in text.strip() and not message.strip():
            why = "must be specified if expression contains line breaks"
            causes.append(required(f"{path}.message", why))
        if validation.get("messageExpression"):
            where = f"{path}.messageExpression"
            causes += expression_causes(validation["messageExpression"], where, variables, "STRING")
        causes += choice(validation, "reason", REASONS, path)
    for index, note in enumerate(spec.get("auditAnnotations") or ()):
        path = f"spec.auditAnnotations[{index}]"
        if not note.get("key"):
            causes.append(required(f"{path}.key"))
        where = f"{path}.valueExpression"
        causes += expression_causes(note.get("valueExpression") or "", where, variables)
    return causes


class ValidatingAdmissionPolicyBindings(Kind):
    tracks_generation = True

    def default(self, obj: Object) -> None:
        match = obj.setdefault("spec", {}).get("matchResources")
        if match is not None:
            _default_match(match)

    def check(self, obj: Object) -> list[Cause]:
        spec = obj["spec"]
        causes: list[Cause] = []
        if not spec.get("policyName"):
            causes.append(required("spec.policyName"))
        if spec.get("paramRef") is not None:
            causes += _reference(spec["paramRef"])
        if spec.get("matchResources") is not None:
            causes += _match(spec["matchResources"], "spec.matchResources")
        return causes + _actions(spec.get("validationActions") or [])


def _reference(reference: Object) -> list[Cause]:
    path, causes = "spec.paramRef", []
    if reference.get("name") and reference.get("selector") is not None:
        text = "name and selector are mutually exclusive"
        causes.append(Cause(f"{path}.name", "FieldValueForbidden", f"Forbidden: {text}"))
    if not reference.get("name") and reference.get("selector") is None:
        causes.append(required(path, "one of name or selector must be specified"))
    if not reference.get("parameterNotFoundAction"):
        causes.append(required(f"{path}.parameterNotFoundAction"))
    return causes + choice(reference, "parameterNotFoundAction", ("Allow", "Deny"), path)


def _actions(actions: list[str]) -> list[Cause]:
    path = "spec.validationActions"
    if not actions:
        return [required(path, "at least one validation action is required")]
    causes: list[Cause] = []
    for index, action in enumerate(actions):
        if action not in ACTIONS:
            causes.append(not_supported(f"{path}[{index}]", action, ACTIONS))
        elif action in actions[:index]:
            causes.append(duplicate(f"{path}[{index}]", action))
    if "Deny" in actions and "Warn" in actions:
        text = (
            "must not contain both Deny and Warn (repeating the same validation failure "
            "information in the API response and headers serves no purpose)"
        )
        causes.append(invalid_value(path, actions, text))
    return causes
