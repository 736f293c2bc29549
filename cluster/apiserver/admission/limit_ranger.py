"""LimitRanger: defaults for containers, and bounds for containers, pods and claims.

Models plugin/pkg/admission/limitranger.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from cluster.apiserver.resources import LIMIT_RANGES, PODS
from cluster.apiserver.strategy import Context
from cluster.machinery import errors, quantity
from cluster.machinery.meta import Object
from cluster.machinery.podresources import pod_limits, pod_requests

ANNOTATION = "kubernetes.io/limit-ranger"
Amounts = dict[str, str]


def _items(ctx: Context) -> Iterator[Object]:
    for limit_range in ctx.lookup.policies.list(LIMIT_RANGES, ctx.operation.namespace):
        yield from limit_range["spec"].get("limits") or ()


def _concerns(ctx: Context, new: Object | None, old: Object | None) -> bool:
    """Updates of pods are not looked at."""
    return new is not None and (old is None or ctx.operation.resource is not PODS)


def admit(ctx: Context, new: Object | None, old: Object | None) -> None:
    if new is None or old is not None or ctx.operation.resource is not PODS:
        return
    for limit_range in ctx.lookup.policies.list(LIMIT_RANGES, ctx.operation.namespace):
        requests: Amounts = {}
        limits: Amounts = {}
        for item in limit_range["spec"].get("limits") or ():
            if item.get("type") == "Container":
                requests |= item.get("defaultRequest") or {}
                limits |= item.get("default") or {}
        if requests or limits:
            _default(new, requests, limits)


def _default(pod: Object, requests: Amounts, limits: Amounts) -> None:
    said: list[str] = []
    for field, word in (("containers", "container"), ("initContainers", "init container")):
        for container in pod["spec"].get(field) or ():
            resources = container.setdefault("resources", {})
            for name, defaults in (("requests", requests), ("limits", limits)):
                missing = sorted(k for k in defaults if k not in (resources.get(name) or {}))
                if missing:
                    have = resources.get(name) or {}
                    resources[name] = {**have, **{k: defaults[k] for k in missing}}
                    said.append(f"{', '.join(missing)} {name[:-1]} for {word} {container['name']}")
    if said:
        meta = pod["metadata"]
        text = "LimitRanger plugin set: " + "; ".join(said)
        meta["annotations"] = {**(meta.get("annotations") or {}), ANNOTATION: text}


def validate(ctx: Context, new: Object | None, old: Object | None) -> None:
    if new is None or not _concerns(ctx, new, old):
        return
    found: list[str] = []
    for item in _items(ctx):
        kind = item.get("type")
        if ctx.operation.resource is not PODS:
            if kind == "PersistentVolumeClaim":
                requests = (new["spec"].get("resources") or {}).get("requests") or {}
                found += _bounds(kind, item, requests, None)
        elif kind == "Container":
            for field in ("containers", "initContainers"):
                for container in new["spec"].get(field) or ():
                    have = container.get("resources") or {}
                    found += _bounds(
                        kind, item, have.get("requests") or {}, have.get("limits") or {}
                    )
        elif kind == "Pod":
            found += _bounds(kind, item, pod_requests(new["spec"]), pod_limits(new["spec"]))
    if found:
        op = ctx.operation
        why = found[0] if len(found) == 1 else f"[{', '.join(dict.fromkeys(found))}]"
        raise errors.forbidden(op.resource.plural, "", new["metadata"].get("name", ""), why)


def _bounds(kind: str, item: Object, requests: Amounts, limits: Amounts | None) -> Iterator[str]:
    """What is wrong; `limits` None: there is no such thing (claims)."""
    for name, low in (item.get("min") or {}).items():
        yield from _at_least(f"minimum {name} usage per {kind} is {low}", low, name, requests,
                             limits or {})  # fmt: skip
    for name, high in (item.get("max") or {}).items():
        say = f"maximum {name} usage per {kind} is {high}"
        if limits is None:
            yield from _request_at_most(say, high, name, requests)
        else:
            yield from _at_most(say, high, name, requests, limits)
    if limits is not None:
        for name, ratio in (item.get("maxLimitRequestRatio") or {}).items():
            yield from _ratio(kind, name, ratio, requests, limits)


def _at_least(say: str, low: str, name: str, requests: Amounts, limits: Amounts) -> Iterator[str]:
    request, limit = requests.get(name), limits.get(name)
    if request is None:
        yield f"{say}.  No request is specified"
    elif _number(request) < _number(low):
        yield f"{say}, but request is {request}"
    elif limit is not None and _number(limit) < _number(low):
        yield f"{say}, but limit is {limit}"


def _request_at_most(say: str, high: str, name: str, requests: Amounts) -> Iterator[str]:
    request = requests.get(name)
    if request is None:
        yield f"{say}.  No request is specified"
    elif _number(request) > _number(high):
        yield f"{say}, but request is {request}"


def _at_most(say: str, high: str, name: str, requests: Amounts, limits: Amounts) -> Iterator[str]:
    request, limit = requests.get(name), limits.get(name)
    if limit is None:
        yield f"{say}.  No limit is specified"
    elif _number(limit) > _number(high):
        yield f"{say}, but limit is {limit}"
    elif request is not None and _number(request) > _number(high):
        yield f"{say}, but request is {request}"


def _ratio(kind: str, name: str, ratio: str, requests: Amounts, limits: Amounts) -> Iterator[str]:
    say = f"{name} max limit to request ratio per {kind} is {ratio}, but"
    request, limit = requests.get(name), limits.get(name)
    if request is None or not _number(request):
        yield f"{say} no request is specified or request is 0"
    elif limit is None or not _number(limit):
        yield f"{say} no limit is specified or limit is 0"
    elif (provided := _number(limit) / _number(request)) > _number(ratio):
        yield f"{say} provided ratio is {provided:f}"


def _number(amount: str) -> Decimal:
    return quantity.parse(str(amount))
