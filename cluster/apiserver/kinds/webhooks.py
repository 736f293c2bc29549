"""Webhook configurations. Models pkg/apis/admissionregistration/{v1,validation}."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from cluster.apiserver.kinds import names
from cluster.apiserver.kinds.base import Kind
from cluster.machinery.errors import (
    Cause,
    duplicate,
    invalid_value,
    not_supported,
    required,
)
from cluster.machinery.meta import Object

FAILURES, MATCHES = ("Fail", "Ignore"), ("Equivalent", "Exact")
REVIEWS = ("v1", "v1beta1")
OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
CONDITION_VARIABLES = ("object", "oldObject", "request", "authorizer")
MOST_CONDITIONS = 64


def without_holes(parent: Object, *fields: str) -> None:
    """A null in a list of structs is an empty struct, as Go decodes it."""
    for field in fields:
        if None in (parent.get(field) or ()):
            parent[field] = [{} if entry is None else entry for entry in parent[field]]


class WebhookConfigurations(Kind):
    tracks_generation = True
    mutating = False

    def default(self, obj: Object) -> None:
        without_holes(obj, "webhooks")
        for webhook in obj.get("webhooks") or ():
            without_holes(webhook, "rules", "matchConditions")
            webhook.setdefault("failurePolicy", "Fail")
            webhook.setdefault("matchPolicy", "Equivalent")
            webhook.setdefault("namespaceSelector", {})
            webhook.setdefault("objectSelector", {})
            webhook.setdefault("timeoutSeconds", 10)
            if self.mutating:
                webhook.setdefault("reinvocationPolicy", "Never")
            for rule in webhook.get("rules") or ():
                rule.setdefault("scope", "*")
            service = (webhook.get("clientConfig") or {}).get("service")
            if service:
                service.setdefault("port", 443)

    def prepare_for_update(self, ctx: Any, new: Object, old: Object) -> None:
        generation = old["metadata"].get("generation", 1)
        changed = new.get("webhooks") != old.get("webhooks")
        new["metadata"]["generation"] = generation + changed

    def check(self, obj: Object) -> list[Cause]:
        causes: list[Cause] = []
        seen: set[str] = set()
        for index, webhook in enumerate(obj.get("webhooks") or ()):
            path, name = f"webhooks[{index}]", webhook.get("name") or ""
            causes += self._webhook(webhook, path)
            if name in seen:
                causes.append(duplicate(f"{path}.name", name))
            seen.add(name)
        return causes

    def _webhook(self, webhook: Object, path: str) -> list[Cause]:
        causes = _name(webhook.get("name") or "", f"{path}.name")
        causes += _reviews(webhook.get("admissionReviewVersions") or [], path)
        for index, rule in enumerate(webhook.get("rules") or ()):
            causes += rule_causes(rule, f"{path}.rules[{index}]")
        causes += choice(webhook, "failurePolicy", FAILURES, path)
        causes += choice(webhook, "matchPolicy", MATCHES, path)
        if self.mutating:
            causes += choice(webhook, "reinvocationPolicy", ("IfNeeded", "Never"), path)
        effects = ("None", "NoneOnDryRun")
        if not webhook.get("sideEffects"):
            text = f"must specify one of {', '.join(effects)}"
            causes.append(required(f"{path}.sideEffects", text))
        causes += choice(webhook, "sideEffects", effects, path)
        timeout = webhook.get("timeoutSeconds", 10)
        if not 1 <= timeout <= 30:
            text = "the timeout value must be between 1 and 30 seconds"
            causes.append(invalid_value(f"{path}.timeoutSeconds", timeout, text))
        causes += _client(webhook.get("clientConfig") or {}, f"{path}.clientConfig")
        conditions = webhook.get("matchConditions") or []
        return causes + condition_causes(conditions, f"{path}.matchConditions", CONDITION_VARIABLES)


class MutatingWebhookConfigurations(WebhookConfigurations):
    mutating = True


def choice(obj: Object, field: str, allowed: tuple[str, ...], path: str) -> list[Cause]:
    value = obj.get(field)
    if value and value not in allowed:
        return [not_supported(f"{path}.{field}", value, allowed)]
    return []


def _name(name: str, path: str) -> list[Cause]:
    """Models IsFullyQualifiedName."""
    if not name:
        return [required(path)]
    if texts := names.subdomain(name):
        return [invalid_value(path, name, ",".join(texts))]
    if name.count(".") < 2:
        text = "should be a domain with at least three segments separated by dots"
        return [invalid_value(path, name, text)]
    return []


def _reviews(versions: list[str], path: str) -> list[Cause]:
    where = f"{path}.admissionReviewVersions"
    if not versions:
        return [required(where, f"must specify one of {', '.join(REVIEWS)}")]
    causes = [
        invalid_value(f"{where}[{index}]", version, "duplicate version")
        for index, version in enumerate(versions)
        if version in versions[:index]
    ]
    if not any(v in REVIEWS for v in versions):
        text = f"must include at least one of {', '.join(REVIEWS)}"
        causes.append(invalid_value(where, versions, text))
    return causes


def rule_causes(rule: Object, path: str) -> list[Cause]:
    causes: list[Cause] = []
    texts = {
        "operations": "if '*' is present, must not specify other operations",
        "apiGroups": "if '*' is present, must not specify other API groups",
        "apiVersions": "if '*' is present, must not specify other API versions",
    }
    for field, text in texts.items():
        values = rule.get(field) or []
        if not values:
            causes.append(required(f"{path}.{field}"))
        if "*" in values and len(values) > 1:
            causes.append(invalid_value(f"{path}.{field}", values, text))
    for index, operation in enumerate(rule.get("operations") or ()):
        if operation not in OPERATIONS:
            causes.append(not_supported(f"{path}.operations[{index}]", operation, OPERATIONS))
    if not rule.get("resources"):
        causes.append(required(f"{path}.resources"))
    return causes + choice(rule, "scope", ("*", "Cluster", "Namespaced"), path)


def _client(config: Object, path: str) -> list[Cause]:
    url, service = config.get("url"), config.get("service")
    if (url is None) == (service is None):
        return [required(path, "exactly one of url or service is required")]
    if service is not None:
        return [
            required(f"{path}.service.{field}", f"service {field} is required")
            for field in ("name", "namespace")
            if not service.get(field)
        ]
    parts = urlsplit(str(url))
    form = "; desired format: https://host[/path]"
    causes: list[Cause] = []
    if parts.scheme != "https":
        text = f"'https' is the only allowed URL scheme{form}"
        causes.append(invalid_value(f"{path}.url", url, text))
    if not parts.hostname:
        text = f"host must be specified{form}"
        causes.append(invalid_value(f"{path}.url", "", text))
    if parts.username is not None:
        text = "user information is not permitted in the URL"
        causes.append(invalid_value(f"{path}.url", url, text))
    return causes


def condition_causes(
    conditions: list[Object], path: str, variables: tuple[str, ...]
) -> list[Cause]:
    causes: list[Cause] = []
    if len(conditions) > MOST_CONDITIONS:
        text = f"Too many: {len(conditions)}: must have at most {MOST_CONDITIONS} items"
        causes.append(Cause(path, "FieldValueTooMany", text))
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        where, name = f"{path}[{index}]", condition.get("name") or ""
        causes += expression_causes(
            condition.get("expression") or "", f"{where}.expression", variables, "BOOL"
        )
        if not name:
            causes.append(required(f"{where}.name"))
        elif name in seen:
            causes.append(duplicate(f"{where}.name", name))
        seen.add(name)
    return causes


def expression_causes(
    expression: str, path: str, variables: tuple[str, ...], returns: str = ""
) -> list[Cause]:
    from cluster.apiserver.cel.program import CompileError, compile_expression

    if not expression.strip():
        return [required(path)]
    try:
        compile_expression(expression, variables, (returns,) if returns else ())
    except CompileError as error:
        return [invalid_value(path, expression, error.text)]
    return []
