"""What upstream refuses in spec.conversion of a definition."""

from __future__ import annotations

import re

from cluster.machinery import errors
from cluster.machinery.errors import Cause, invalid_value, required
from cluster.machinery.meta import Object

REVIEW_VERSIONS = ("v1", "v1beta1")


def conversion_causes(conversion: Object) -> list[Cause]:
    path, strategy = "spec.conversion", conversion.get("strategy") or ""
    if not strategy:
        return [required(f"{path}.strategy")]
    if strategy not in ("None", "Webhook"):
        return [errors.not_supported(f"{path}.strategy", strategy, ("None", "Webhook"))]
    webhook = conversion.get("webhook") or {}
    config, versions = webhook.get("clientConfig"), webhook.get("conversionReviewVersions") or []
    causes: list[Cause] = []
    if strategy == "None":
        text = "should not be set when strategy is not set to Webhook"
        if config is not None:
            causes.append(errors.forbidden_field(f"{path}.webhookClientConfig", text))
        if versions:
            causes.append(errors.forbidden_field(f"{path}.conversionReviewVersions", text))
        return causes
    if config is None:
        text = "required when strategy is set to Webhook"
        causes.append(required(f"{path}.webhookClientConfig", text))
    elif bool(config.get("url")) == bool(config.get("service")):
        text = "exactly one of url or service is required"
        causes.append(required(f"{path}.webhookClientConfig", text))
    elif config.get("url") and not re.match(r"https://[^/?#@]+", config["url"]):
        text = "'https' is the only allowed URL scheme; desired format: https://host[/path]"
        causes.append(invalid_value(f"{path}.webhookClientConfig.url", config["url"], text))
    where = f"{path}.conversionReviewVersions"
    if not versions:
        causes.append(required(where))
    elif not any(v in REVIEW_VERSIONS for v in versions):
        text = f"must include at least one of {', '.join(REVIEW_VERSIONS)}"
        causes.append(invalid_value(where, versions, text))
    return causes
