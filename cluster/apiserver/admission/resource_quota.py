"""ResourceQuota: nothing is stored that would exceed a quota of its namespace.

What an operation uses is charged in its own transaction, on condition that nobody charged the
quota meanwhile: two creations can't both take what only one may have. Models
k8s.io/apiserver/pkg/admission/plugin/resourcequota.
"""

from __future__ import annotations

from decimal import Decimal

from cluster.apiserver import codec
from cluster.apiserver.resources import EVENTS, PODS, RESOURCE_QUOTAS
from cluster.apiserver.strategy import Context
from cluster.etcd.api import Guard, Put
from cluster.machinery import errors, quotas
from cluster.machinery.meta import Object, name_of


def validate(ctx: Context, new: Object | None, old: Object | None) -> None:
    op = ctx.operation
    if new is None or not op.namespace or op.resource is EVENTS:
        return
    if not ctx.lookup.policies.list(RESOURCE_QUOTAS, op.namespace):
        return
    delta = _delta(ctx, new, old)
    if not delta:
        return
    for quota in ctx.lookup.list_all(RESOURCE_QUOTAS, op.namespace):
        if quotas.concerns(quota, op.resource.id, new):
            _charge(ctx, quota, new, old, delta)


def _delta(ctx: Context, new: Object, old: Object | None) -> quotas.Amounts:
    """What the operation uses more than before."""
    resource = ctx.operation.resource.id
    after = quotas.usage(resource, new)
    before = quotas.usage(resource, old) if old is not None else {}
    more = {name: amount - before.get(name, Decimal(0)) for name, amount in after.items()}
    return {name: amount for name, amount in more.items() if amount > 0}


def _charge(
    ctx: Context, quota: Object, new: Object, old: Object | None, delta: quotas.Amounts
) -> None:
    status = quota.get("status") or {}
    hard, used = quotas.amounts(status.get("hard")), quotas.amounts(status.get("used"))
    new_pod = old is None and ctx.operation.resource is PODS
    if new_pod and (missing := quotas.unsaid(new["spec"], hard)):
        raise _refused(ctx, new, f"failed quota: {name_of(quota)}: must specify {missing}")
    asked = {name: amount for name, amount in delta.items() if name in hard}
    if not asked:
        return
    total = {name: used.get(name, Decimal(0)) + amount for name, amount in asked.items()}
    exceeded = sorted(name for name, amount in total.items() if amount > hard[name])
    if exceeded:
        why = (
            f"exceeded quota: {name_of(quota)}, requested: {_list(exceeded, asked)}, "
            f"used: {_list(exceeded, used)}, limited: {_list(exceeded, hard)}"
        )
        raise _refused(ctx, new, why)
    texts = {name: quotas.text(name, amount) for name, amount in total.items()}
    changed = {**quota, "status": {**status, "used": {**(status.get("used") or {}), **texts}}}
    key = RESOURCE_QUOTAS.key(ctx.operation.namespace, name_of(quota))
    ctx.guards.append(Guard(key, int(quota["metadata"]["resourceVersion"])))
    ctx.ops_if_written.append(Put(key, codec.encode(RESOURCE_QUOTAS, changed)))


def _list(names: list[str], amounts: quotas.Amounts) -> str:
    return ",".join(f"{n}={quotas.text(n, amounts.get(n, Decimal(0)))}" for n in names)


def _refused(ctx: Context, new: Object, why: str) -> errors.StatusError:
    resource = ctx.operation.resource
    return errors.forbidden(resource.plural, resource.group, name_of(new), why)
