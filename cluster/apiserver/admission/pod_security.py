"""PodSecurity: pods keep to the security level that their namespace's labels name.

`enforce` refuses pods; `warn` tells the caller, of workloads' templates too. Models
k8s.io/pod-security-admission/admission.
"""

from __future__ import annotations

from dataclasses import dataclass

from cluster.apiserver import resources
from cluster.apiserver.podsecurity import checks
from cluster.apiserver.resources import NAMESPACES, PODS
from cluster.apiserver.strategy import Context
from cluster.machinery import errors
from cluster.machinery.meta import Object, labels_of, name_of

PREFIX = "pod-security.kubernetes.io/"
LEVELS = ("privileged", "baseline", "restricted")
TEMPLATES = (
    resources.DEPLOYMENTS, resources.REPLICA_SETS, resources.STATEFUL_SETS,
    resources.DAEMON_SETS, resources.JOBS, resources.REPLICATION_CONTROLLERS, resources.CRON_JOBS,
    resources.POD_TEMPLATES,
)  # fmt: skip
RESOURCES = (PODS, NAMESPACES, *TEMPLATES)


@dataclass(frozen=True, slots=True)
class Policy:
    level: str = "privileged"
    version: str = "latest"

    def __str__(self) -> str:
        return f"{self.level}:{self.version}"


def policy(namespace: Object | None, mode: str) -> Policy:
    """`mode`: enforce, warn or audit. An unknown level is the strictest."""
    labels = labels_of(namespace) if namespace is not None else {}
    level = labels.get(PREFIX + mode)
    if not level:
        return Policy()
    version = labels.get(f"{PREFIX}{mode}-version") or "latest"
    return Policy(level if level in LEVELS else "restricted", version)


def validate(ctx: Context, new: Object | None, old: Object | None) -> None:
    op = ctx.operation
    if new is None:
        return
    if op.resource is NAMESPACES:
        _check_labels(ctx, new, old)
        return
    if old is not None and new.get("spec") == old.get("spec"):
        return
    namespace = ctx.lookup.policies.find(NAMESPACES, "", op.namespace)
    if namespace is None or not any(k.startswith(PREFIX) for k in labels_of(namespace)):
        return
    meta, spec = _template(ctx, new)
    if spec is None:
        return
    enforced = policy(namespace, "enforce")
    if op.resource is PODS:
        found = checks.violations(enforced.level, meta, spec)
        if found:
            why = f'violates PodSecurity "{enforced}": {found}'
            raise errors.forbidden("pods", "", name_of(new), why)
    wanted = policy(namespace, "warn")
    found = checks.violations(wanted.level, meta, spec)
    if found:
        _warn(ctx, f'would violate PodSecurity "{wanted}": {found}')


def _template(ctx: Context, obj: Object) -> tuple[Object, Object | None]:
    resource = ctx.operation.resource
    if resource is PODS:
        return obj["metadata"], obj["spec"]
    if resource is resources.CRON_JOBS:
        template = obj["spec"]["jobTemplate"]["spec"].get("template")
    elif resource is resources.POD_TEMPLATES:
        template = obj.get("template")
    else:
        template = obj["spec"].get("template")
    return (template or {}).get("metadata") or {}, (template or {}).get("spec")


def _warn(ctx: Context, text: str) -> None:
    if text not in ctx.warnings:
        ctx.warnings.append(text)


def _check_labels(ctx: Context, new: Object, old: Object | None) -> None:
    """A level that does not exist is refused; a stricter one says which pods would not pass."""
    causes = []
    for mode in ("enforce", "audit", "warn"):
        level = labels_of(new).get(PREFIX + mode)
        if level is not None and level not in LEVELS:
            path = f"metadata.labels[{PREFIX}{mode}]"
            causes.append(errors.invalid_value(path, level, f"must be one of {', '.join(LEVELS)}"))
    if causes and (old is None or labels_of(old) != labels_of(new)):
        raise errors.invalid("Namespace", "", name_of(new), causes)
    if old is not None:
        _warn_of_existing(ctx, new, policy(old, "enforce"), policy(new, "enforce"))


def _warn_of_existing(ctx: Context, namespace: Object, before: Policy, after: Policy) -> None:
    if before == after or after.level == "privileged":
        return
    found: dict[str, list[str]] = {}
    for pod in ctx.lookup.list_all(PODS, name_of(namespace)):
        why = checks.reasons(after.level, pod["metadata"], pod["spec"])
        if why:
            found.setdefault(why, []).append(name_of(pod))
    if not found:
        return
    name = name_of(namespace)
    _warn(
        ctx,
        f'existing pods in namespace "{name}" violate the new PodSecurity enforce level "{after}"',
    )
    for why, pods in sorted(found.items(), key=lambda item: item[1][0]):
        others = len(pods) - 1
        more = f" (and {others} other pod{'s' if others > 1 else ''})" if others else ""
        _warn(ctx, f"{pods[0]}{more}: {why}")
