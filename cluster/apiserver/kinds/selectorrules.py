"""LabelSelectors. Models apimachinery/pkg/apis/meta/v1/validation."""

from __future__ import annotations

from cluster.apiserver.kinds import names
from cluster.machinery import selectors
from cluster.machinery.errors import Cause, forbidden_field, invalid_value, required
from cluster.machinery.meta import Object

OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


def check_label_selector(selector: Object, path: str) -> list[Cause]:
    causes = names.labels(selector.get("matchLabels"), f"{path}.matchLabels")
    for index, term in enumerate(selector.get("matchExpressions") or ()):
        here, operator = f"{path}.matchExpressions[{index}]", term.get("operator", "")
        values = term.get("values") or []
        if operator not in OPERATORS:
            causes.append(
                invalid_value(f"{here}.operator", operator, "not a valid selector operator")
            )
        elif operator in ("In", "NotIn") and not values:
            text = "must be specified when `operator` is 'In' or 'NotIn'"
            causes.append(required(f"{here}.values", text))
        elif operator in ("Exists", "DoesNotExist") and values:
            text = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            causes.append(forbidden_field(f"{here}.values", text))
        if not selectors.is_label_key(term.get("key", "")):
            causes.append(invalid_value(f"{here}.key", term.get("key", ""), selectors.NAME_FORMAT))
    return causes
