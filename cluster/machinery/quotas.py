"""What objects count for against quotas. Models pkg/quota/v1/evaluator/core.

Used by admission, which charges a quota, and by whoever recounts it. Amounts are exact numbers;
`text` writes one as a quota's status shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from cluster.machinery import podresources, quantity
from cluster.machinery.meta import Object

Amounts = dict[str, Decimal]

ONE = Decimal(1)
COUNTED = frozenset(
    ("configmaps", "persistentvolumeclaims", "pods", "replicationcontrollers", "resourcequotas",
     "secrets", "services")
)  # fmt: skip
COMPUTE = ("cpu", "memory", "ephemeral-storage")
CLASS = ".storageclass.storage.k8s.io/"
# What every container must say when a quota bounds it.
MUST_SAY = ("cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory")


def usage(resource: str, obj: Object) -> Amounts:
    """`resource` is the resource's id: pods, deployments.apps."""
    out: Amounts = {f"count/{resource}": ONE}
    if resource == "pods":
        return out if _is_terminal(obj) else {**out, "pods": ONE, **_pod(obj["spec"])}
    if resource in COUNTED:
        out[resource] = ONE
    if resource == "services":
        out |= _service(obj["spec"])
    elif resource == "persistentvolumeclaims":
        out |= _claim(obj)
    return out


def _is_terminal(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def _pod(spec: Object) -> Amounts:
    out: Amounts = {}
    for name, amount in podresources.exact(spec, "requests").items():
        if name in COMPUTE or name.startswith("hugepages-"):
            out[name] = amount
        out[f"requests.{name}"] = amount
    for name, amount in podresources.exact(spec, "limits").items():
        if name in COMPUTE:
            out[f"limits.{name}"] = amount
    return out


def _service(spec: Object) -> Amounts:
    kind, ports = spec.get("type"), len(spec.get("ports") or ())
    if kind == "NodePort":
        return {"services.nodeports": Decimal(ports)}
    if kind != "LoadBalancer":
        return {}
    if not spec.get("allocateLoadBalancerNodePorts", True):
        ports = sum(bool(p.get("nodePort")) for p in spec.get("ports") or ())
    return {"services.loadbalancers": ONE, "services.nodeports": Decimal(ports)}


def _claim(claim: Object) -> Amounts:
    spec = claim["spec"]
    name = spec.get("storageClassName") or ""
    out: Amounts = {}
    if name:
        out[f"{name}{CLASS}persistentvolumeclaims"] = ONE
    size = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    have = ((claim.get("status") or {}).get("allocatedResources") or {}).get("storage")
    if size is not None and quantity.is_valid(size):
        amount = quantity.parse(str(size))
        if have is not None:
            amount = max(amount, quantity.parse(str(have)))
        out["requests.storage"] = amount
        if name:
            out[f"{name}{CLASS}requests.storage"] = amount
    return out


# ---- scopes


def scopes(quota: Object) -> list[Object]:
    """A quota's scopes and its scope selector, in one form."""
    spec = quota.get("spec") or {}
    terms = [{"scopeName": s, "operator": "Exists"} for s in spec.get("scopes") or ()]
    return [*terms, *((spec.get("scopeSelector") or {}).get("matchExpressions") or ())]


def concerns(quota: Object, resource: str, obj: Object) -> bool:
    """Scopes other than VolumeAttributesClass select pods only."""
    terms = scopes(quota)
    if not terms:
        return True
    return resource == "pods" and all(_in_scope(term, obj) for term in terms)


def _in_scope(term: Object, pod: Object) -> bool:
    spec, name = pod["spec"], term["scopeName"]
    deadline = spec.get("activeDeadlineSeconds") is not None
    if name in ("Terminating", "NotTerminating"):
        return deadline == (name == "Terminating")
    if name in ("BestEffort", "NotBestEffort"):
        return _best_effort(spec) == (name == "BestEffort")
    if name == "CrossNamespacePodAffinity":
        return _crosses_namespaces(spec)
    if name != "PriorityClass":
        return False
    value, operator = spec.get("priorityClassName") or "", term["operator"]
    if operator == "Exists":
        return bool(value)
    if operator == "DoesNotExist":
        return not value
    return (value in (term.get("values") or ())) == (operator == "In")


def _best_effort(spec: Object) -> bool:
    for container in [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]:
        resources = container.get("resources") or {}
        for field in ("requests", "limits"):
            if any(k in ("cpu", "memory") for k in resources.get(field) or ()):
                return False
    return True


def _crosses_namespaces(spec: Object) -> bool:
    affinity = spec.get("affinity") or {}
    for kind in ("podAffinity", "podAntiAffinity"):
        rules = affinity.get(kind) or {}
        terms = list(rules.get("requiredDuringSchedulingIgnoredDuringExecution") or ())
        for weighted in rules.get("preferredDuringSchedulingIgnoredDuringExecution") or ():
            terms.append(weighted.get("podAffinityTerm") or {})
        if any(t.get("namespaces") or t.get("namespaceSelector") is not None for t in terms):
            return True
    return False


# ---- amounts


def amounts(found: Mapping[str, str] | None) -> Amounts:
    return {name: quantity.parse(str(value)) for name, value in (found or {}).items()}


def text(name: str, amount: Decimal) -> str:
    return podresources.text(name, amount)


def unsaid(spec: Object, hard: Iterable[str]) -> str:
    """What a bounded container leaves open: `limits.cpu for: a,b; ...`; empty if nothing."""
    missing: dict[str, set[str]] = {}
    for container in [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]:
        resources = container.get("resources") or {}
        said = {*(resources.get("requests") or ())}
        said |= {f"requests.{k}" for k in resources.get("requests") or ()}
        said |= {f"limits.{k}" for k in resources.get("limits") or ()}
        for name in MUST_SAY:
            if name in hard and name not in said:
                missing.setdefault(name, set()).add(container["name"])
    return "; ".join(f"{k} for: {','.join(sorted(v))}" for k, v in sorted(missing.items()))
