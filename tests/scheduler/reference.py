"""kube-scheduler written down plainly: one node, one plugin at a time, from the objects.

Slow on purpose and free of caches, columns and shared code with the real one (but for quantities
and selectors), so that a property test can hold the fast one to it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from cluster.machinery import quantity
from cluster.machinery.meta import Object, labels_of, name_of, namespace_of
from cluster.machinery.selectors import EVERYTHING, Selector, from_label_selector

WEIGHTS = {
    "TaintToleration": 3,
    "NodeAffinity": 2,
    "NodeResourcesFit": 1,
    "PodTopologySpread": 2,
    "InterPodAffinity": 2,
    "NodeResourcesBalancedAllocation": 1,
    "ImageLocality": 1,
}
HOST = "kubernetes.io/hostname"
ZONE = "topology.kubernetes.io/zone"
SYSTEM = [
    {"topologyKey": HOST, "whenUnsatisfiable": "ScheduleAnyway", "maxSkew": 3},
    {"topologyKey": ZONE, "whenUnsatisfiable": "ScheduleAnyway", "maxSkew": 5},
]
REQUIRED, PREFERRED = (
    "requiredDuringSchedulingIgnoredDuringExecution",
    "preferredDuringSchedulingIgnoredDuringExecution",
)


@dataclass
class Cluster:
    nodes: list[Object]
    pods: list[Object]  # bound ones
    services: list[Object] = field(default_factory=list)
    namespaces: dict[str, dict[str, str]] = field(default_factory=dict)

    def on(self, node: Object) -> list[Object]:
        return [p for p in self.pods if p["spec"]["nodeName"] == name_of(node)]

    def node_of(self, pod: Object) -> Object | None:
        return next((n for n in self.nodes if name_of(n) == pod["spec"]["nodeName"]), None)


@dataclass
class Verdict:
    """Reasons by node (none for a feasible one), scores by feasible node and plugin, totals."""

    reasons: dict[str, list[str]]
    unresolvable: set[str]
    scores: dict[str, dict[str, int]]
    totals: dict[str, int]

    @property
    def feasible(self) -> set[str]:
        return {name for name, reasons in self.reasons.items() if not reasons}

    @property
    def best(self) -> set[str]:
        top = max(self.totals.values(), default=0)
        return {name for name, total in self.totals.items() if total == top}


def decide(cluster: Cluster, pod: Object) -> Verdict:
    reasons: dict[str, list[str]] = {}
    unresolvable: set[str] = set()
    for node in cluster.nodes:
        found, hopeless = _filter(cluster, pod, node)
        reasons[name_of(node)] = found
        if hopeless:
            unresolvable.add(name_of(node))
    feasible = [n for n in cluster.nodes if not reasons[name_of(n)]]
    scores = {
        "TaintToleration": _scaled([_soft_taints(pod, n) for n in feasible], reverse=True),
        "NodeAffinity": _scaled([_preferred_nodes(pod, n) for n in feasible]),
        "NodeResourcesFit": [_least_allocated(cluster, pod, n) for n in feasible],
        "PodTopologySpread": _spread_scores(cluster, pod, feasible),
        "InterPodAffinity": _affinity_scores(cluster, pod, feasible),
        "NodeResourcesBalancedAllocation": [_balanced(cluster, pod, n) for n in feasible],
        "ImageLocality": [_image_locality(cluster, pod, n) for n in feasible],
    }
    by_node = {
        name_of(n): {plugin: values[i] for plugin, values in scores.items()}
        for i, n in enumerate(feasible)
    }
    totals = {
        name: sum(WEIGHTS[plugin] * score for plugin, score in given.items())
        for name, given in by_node.items()
    }
    return Verdict(reasons, unresolvable, by_node, totals)


def _filter(cluster: Cluster, pod: Object, node: Object) -> tuple[list[str], bool]:
    """The first plugin's reasons, and whether preemption would be in vain."""
    for plugin in (
        _unschedulable, _taints, _node_affinity, _ports, _fit, _spread_filter, _affinity_filter,
    ):  # fmt: skip
        reasons, hopeless = plugin(cluster, pod, node)
        if reasons:
            return reasons, hopeless
    return [], False


# ---- nodes


def _tolerates(pod: Object, taint: Object) -> bool:
    for t in pod["spec"].get("tolerations") or []:
        if t.get("effect") and t["effect"] != taint["effect"]:
            continue
        if t.get("key") and t["key"] != taint["key"]:
            continue
        if t.get("operator", "Equal") == "Exists" or t.get("value", "") == taint.get("value", ""):
            return True
    return False


def _unschedulable(_: Cluster, pod: Object, node: Object) -> tuple[list[str], bool]:
    cordon = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
    if node["spec"].get("unschedulable") and not _tolerates(pod, cordon):
        return ["node(s) were unschedulable"], True
    return [], False


def _untolerated(pod: Object, node: Object) -> Object | None:
    for taint in node["spec"].get("taints") or []:
        if taint["effect"] in ("NoSchedule", "NoExecute") and not _tolerates(pod, taint):
            found: Object = taint
            return found
    return None


def _taints(_: Cluster, pod: Object, node: Object) -> tuple[list[str], bool]:
    taint = _untolerated(pod, node)
    if taint is None:
        return [], False
    text = f"{taint['key']}: {taint.get('value', '')}"
    return [f"node(s) had untolerated taint {{{text}}}"], True


def _soft_taints(pod: Object, node: Object) -> int:
    return sum(
        t["effect"] == "PreferNoSchedule" and not _tolerates(pod, t)
        for t in node["spec"].get("taints") or []
    )


def _holds(requirement: Object, labels: dict[str, str]) -> bool:
    key, values = requirement["key"], requirement.get("values") or []
    have = labels.get(key)
    match requirement["operator"]:
        case "In":
            return have is not None and have in values
        case "NotIn":
            return have is None or have not in values
        case "Exists":
            return have is not None
        case "DoesNotExist":
            return have is None
    try:
        number, bound = int(have or ""), int(values[0])
    except ValueError:
        return False
    return number > bound if requirement["operator"] == "Gt" else number < bound


def _term(term: Object, node: Object) -> bool:
    labels, fields = term.get("matchExpressions") or [], term.get("matchFields") or []
    if not labels and not fields:
        return False
    return all(_holds(r, labels_of(node)) for r in labels) and all(
        _holds(r, {"metadata.name": name_of(node)}) for r in fields
    )


def _affinity_of(pod: Object, kind: str) -> Object:
    return (pod["spec"].get("affinity") or {}).get(kind) or {}


def _wants_node(pod: Object, node: Object) -> bool:
    labels = labels_of(node)
    for key, value in (pod["spec"].get("nodeSelector") or {}).items():
        if labels.get(key) != value:
            return False
    required = _affinity_of(pod, "nodeAffinity").get(REQUIRED)
    return required is None or any(_term(t, node) for t in required["nodeSelectorTerms"])


def _node_affinity(_: Cluster, pod: Object, node: Object) -> tuple[list[str], bool]:
    if _wants_node(pod, node):
        return [], False
    return ["node(s) didn't match Pod's node affinity/selector"], True


def _preferred_nodes(pod: Object, node: Object) -> int:
    terms = _affinity_of(pod, "nodeAffinity").get(PREFERRED) or []
    return sum(t["weight"] for t in terms if _term(t["preference"], node))


def _scaled(raw: list[int], *, reverse: bool = False) -> list[int]:
    top = max(raw, default=0)
    if top == 0:
        return [100 if reverse else 0] * len(raw)
    scaled = [100 * value // top for value in raw]
    return [100 - value for value in scaled] if reverse else scaled


# ---- resources, ports, images


def _requests(pod: Object, resource: str, default: int = 0) -> int:
    def asked(container: Object, missing: int) -> int:
        requests = (container.get("resources") or {}).get("requests") or {}
        if resource not in requests:
            return missing
        text = requests[resource]
        return quantity.milli(text) if resource == "cpu" else quantity.value(text)

    spec = pod["spec"]
    total = sum(asked(c, default) for c in spec["containers"])
    sidecars = largest = 0
    for container in spec.get("initContainers") or []:
        own = asked(container, 0)
        if container.get("restartPolicy") == "Always":
            total += own
            sidecars += own
            largest = max(largest, sidecars)
        else:
            largest = max(largest, own + sidecars)
    overhead = (spec.get("overhead") or {}).get(resource, "0")
    more = quantity.milli(overhead) if resource == "cpu" else quantity.value(overhead)
    return max(total, largest) + more


def _allocatable(node: Object, resource: str) -> int:
    text = node["status"]["allocatable"].get(resource, "0")
    return quantity.milli(text) if resource == "cpu" else quantity.value(text)


def _used(cluster: Cluster, node: Object, resource: str, default: int = 0) -> int:
    return sum(_requests(p, resource, default) for p in cluster.on(node))


def _resources(pod: Object) -> set[str]:
    spec = pod["spec"]
    out = set(spec.get("overhead") or {})
    for container in [*spec["containers"], *(spec.get("initContainers") or [])]:
        out |= set((container.get("resources") or {}).get("requests") or {})
    return out


def _fit(cluster: Cluster, pod: Object, node: Object) -> tuple[list[str], bool]:
    reasons, hopeless = [], False
    if len(cluster.on(node)) + 1 > _allocatable(node, "pods"):
        reasons.append("Too many pods")
    for resource in sorted(_resources(pod)):
        amount, have = _requests(pod, resource), _allocatable(node, resource)
        if amount and amount > have - _used(cluster, node, resource):
            reasons.append(f"Insufficient {resource}")
            hopeless |= amount > have
    return reasons, hopeless


MISSING = {"cpu": 100, "memory": 200 * 1024 * 1024}


def _least_allocated(cluster: Cluster, pod: Object, node: Object) -> int:
    scores = []
    for resource, default in MISSING.items():
        have = _allocatable(node, resource)
        used = _used(cluster, node, resource, default) + _requests(pod, resource, default)
        if have:
            scores.append(0 if used > have else (have - used) * 100 // have)
    return sum(scores) // len(scores) if scores else 0


def _balanced(cluster: Cluster, pod: Object, node: Object) -> int:
    if not any(_requests(pod, resource) for resource in MISSING):
        return 0
    fractions = []
    for resource in MISSING:
        have = _allocatable(node, resource)
        used = _used(cluster, node, resource) + _requests(pod, resource)
        if have:
            fractions.append(min(used / have, 1.0))
    deviation = abs((fractions[0] - fractions[1]) / 2) if len(fractions) == 2 else 0.0
    return int((1 - deviation) * 100)


def _host_ports(pod: Object) -> list[tuple[str, str, int]]:
    return [
        (p.get("hostIP") or "0.0.0.0", p.get("protocol") or "TCP", p["hostPort"])
        for c in pod["spec"]["containers"]
        for p in c.get("ports") or []
        if p.get("hostPort")
    ]


def _ports(cluster: Cluster, pod: Object, node: Object) -> tuple[list[str], bool]:
    for wanted in _host_ports(pod):
        for other in cluster.on(node):
            for taken in _host_ports(other):
                same_ip = wanted[0] == taken[0] or "0.0.0.0" in (wanted[0], taken[0])
                if same_ip and wanted[1:] == taken[1:]:
                    return ["node(s) didn't have free ports for the requested pod ports"], False
    return [], False


def _image_locality(cluster: Cluster, pod: Object, node: Object) -> int:
    def sizes(of: Object) -> dict[str, int]:
        return {n: i["sizeBytes"] for i in of["status"]["images"] for n in i["names"]}

    containers = [*(pod["spec"].get("initContainers") or []), *pod["spec"]["containers"]]
    total = 0
    for container in containers:
        image = container["image"]
        if ":" not in image.rpartition("/")[2]:
            image += ":latest"
        if image in sizes(node):
            holders = [n for n in cluster.nodes if image in sizes(n)]
            total += int(sizes(holders[0])[image] * (len(holders) / len(cluster.nodes)))
    least, most = 23 * 1024**2, 1000 * 1024**2 * len(containers)
    return 100 * (min(max(total, least), most) - least) // (most - least)


# ---- topology spread


def _spread_constraints(cluster: Cluster, pod: Object, action: str) -> list[dict[str, Any]]:
    own = pod["spec"].get("topologySpreadConstraints") or []
    if own:
        out = []
        for c in own:
            if c["whenUnsatisfiable"] != action:
                continue
            selector = from_label_selector(c.get("labelSelector"))
            keys = [k for k in c.get("matchLabelKeys") or [] if k in labels_of(pod)]
            out.append({**c, "matches": _narrowed(selector, pod, keys)})
        return out
    selector = _default_selector(cluster, pod)
    if selector.empty:
        return []
    return [{**c, "matches": selector.matches} for c in SYSTEM if c["whenUnsatisfiable"] == action]


def _narrowed(selector: Selector, pod: Object, keys: list[str]) -> Any:
    own = labels_of(pod)
    return lambda labels: selector.matches(labels) and all(labels.get(k) == own[k] for k in keys)


def _default_selector(cluster: Cluster, pod: Object) -> Selector:
    labels: dict[str, str] = {}
    for service in cluster.services:
        wanted = service["spec"].get("selector") or {}
        same = namespace_of(service) == namespace_of(pod)
        if same and all(labels_of(pod).get(k) == v for k, v in wanted.items()):
            labels.update(wanted)
    return from_label_selector({"matchLabels": labels}) if labels else EVERYTHING


def _included(pod: Object, node: Object, constraint: dict[str, Any]) -> bool:
    if constraint.get("nodeAffinityPolicy", "Honor") == "Honor" and not _wants_node(pod, node):
        return False
    return constraint.get("nodeTaintsPolicy", "Ignore") != "Honor" or not _untolerated(pod, node)


def _matching_on(cluster: Cluster, pod: Object, node: Object, matches: Any) -> int:
    return sum(
        namespace_of(p) == namespace_of(pod)
        and "deletionTimestamp" not in p["metadata"]
        and matches(labels_of(p))
        for p in cluster.on(node)
    )


def _spread_filter(cluster: Cluster, pod: Object, node: Object) -> tuple[list[str], bool]:
    hard = _spread_constraints(cluster, pod, "DoNotSchedule")
    keys = [c["topologyKey"] for c in hard]
    for c in hard:
        key = c["topologyKey"]
        if key not in labels_of(node):
            text = "node(s) didn't match pod topology spread constraints"
            return [f"{text} (missing required label)"], True
        domains: dict[str, int] = {}
        for other in cluster.nodes:
            if all(k in labels_of(other) for k in keys) and _included(pod, other, c):
                domain = labels_of(other)[key]
                count = _matching_on(cluster, pod, other, c["matches"])
                domains[domain] = domains.get(domain, 0) + count
        enough = len(domains) >= c.get("minDomains", 1)
        least = min(domains.values()) if domains and enough else 0
        mine = domains.get(labels_of(node)[key], 0) + bool(c["matches"](labels_of(pod)))
        if mine - least > c["maxSkew"]:
            return ["node(s) didn't match pod topology spread constraints"], False
    return [], False


def _spread_scores(cluster: Cluster, pod: Object, feasible: list[Object]) -> list[int]:
    soft = _spread_constraints(cluster, pod, "ScheduleAnyway")
    if not soft:
        return [0] * len(feasible)
    explicit = bool(pod["spec"].get("topologySpreadConstraints"))

    def complete(node: Object) -> bool:
        return not explicit or all(c["topologyKey"] in labels_of(node) for c in soft)

    ranked = [n for n in feasible if complete(n)]
    raw: dict[str, int] = {}
    for node in ranked:
        total = 0.0
        for c in soft:
            key = c["topologyKey"]
            if key not in labels_of(node):
                continue
            if key == HOST:
                count, size = _matching_on(cluster, pod, node, c["matches"]), len(ranked)
            else:
                size = len({labels_of(n).get(key) for n in ranked})
                count = sum(
                    _matching_on(cluster, pod, n, c["matches"])
                    for n in cluster.nodes
                    if labels_of(n).get(key) == labels_of(node)[key]
                    and complete(n)
                    and _included(pod, n, c)
                )
            total += count * math.log(size + 2) + (c["maxSkew"] - 1)
        raw[name_of(node)] = math.floor(total) + (total - math.floor(total) >= 0.5)
    most, least = max(raw.values(), default=0), min(raw.values(), default=0)
    out = []
    for node in feasible:
        if name_of(node) not in raw:
            out.append(0)
        elif most == 0:
            out.append(100)
        else:
            out.append(100 * (most + least - raw[name_of(node)]) // most)
    return out


# ---- inter-pod affinity


def _selects(cluster: Cluster, term: Object, owner: Object, other: Object) -> bool:
    """Whether a term of `owner` selects `other`."""
    spaces = term.get("namespaces") or []
    chooser = term.get("namespaceSelector")
    if not spaces and chooser is None:
        spaces = [namespace_of(owner)]
    where = namespace_of(other)
    if where not in spaces:
        if chooser is None:
            return False
        if not from_label_selector(chooser).matches(cluster.namespaces.get(where, {})):
            return False
    return from_label_selector(term.get("labelSelector")).matches(labels_of(other))


def _required_terms(pod: Object, kind: str) -> list[Object]:
    found: list[Object] = _affinity_of(pod, kind).get(REQUIRED) or []
    return found


def _same_domain(key: str, a: Object, b: Object | None) -> bool:
    if b is None or key not in labels_of(a) or key not in labels_of(b):
        return False
    return labels_of(a)[key] == labels_of(b)[key]


def _affinity_filter(cluster: Cluster, pod: Object, node: Object) -> tuple[list[str], bool]:
    if not _friends_near(cluster, pod, node):
        return ["node(s) didn't match pod affinity rules"], True
    for term in _required_terms(pod, "podAntiAffinity"):
        for other in cluster.pods:
            near = _same_domain(term["topologyKey"], node, cluster.node_of(other))
            if near and _selects(cluster, term, pod, other):
                return ["node(s) didn't match pod anti-affinity rules"], False
    for other in cluster.pods:
        for term in _required_terms(other, "podAntiAffinity"):
            near = _same_domain(term["topologyKey"], node, cluster.node_of(other))
            if near and _selects(cluster, term, other, pod):
                return ["node(s) didn't satisfy existing pods anti-affinity rules"], False
    return [], False


def _friends_near(cluster: Cluster, pod: Object, node: Object) -> bool:
    terms = _required_terms(pod, "podAffinity")
    if not terms:
        return True
    if any(t["topologyKey"] not in labels_of(node) for t in terms):
        return False
    friends = [
        p
        for p in cluster.pods
        if cluster.node_of(p) is not None and all(_selects(cluster, t, pod, p) for t in terms)
    ]
    reachable = [
        p
        for p in friends
        for t in terms
        if t["topologyKey"] in labels_of(cluster.node_of(p) or {"metadata": {}})
    ]
    if not reachable:
        return all(_selects(cluster, t, pod, pod) for t in terms)
    return all(
        any(_same_domain(t["topologyKey"], node, cluster.node_of(p)) for p in friends)
        for t in terms
    )


def _weighted_terms(pod: Object, *, hard: bool) -> list[tuple[int, Object]]:
    out = []
    for kind, sign in (("podAffinity", 1), ("podAntiAffinity", -1)):
        for w in _affinity_of(pod, kind).get(PREFERRED) or []:
            out.append((sign * w["weight"], w["podAffinityTerm"]))
    if hard:
        out += [(1, t) for t in _required_terms(pod, "podAffinity")]
    return out


def _affinity_scores(cluster: Cluster, pod: Object, feasible: list[Object]) -> list[int]:
    raw = []
    for node in feasible:
        total = 0
        for other in cluster.pods:
            home = cluster.node_of(other)
            for weight, term in _weighted_terms(pod, hard=False):
                if _selects(cluster, term, pod, other):
                    total += weight * _same_domain(term["topologyKey"], node, home)
            for weight, term in _weighted_terms(other, hard=True):
                if _selects(cluster, term, other, pod):
                    total += weight * _same_domain(term["topologyKey"], node, home)
        raw.append(total)
    if not raw or max(raw) == min(raw):
        return [0] * len(raw)
    return [int(100 * ((v - min(raw)) / (max(raw) - min(raw)))) for v in raw]


# ---- preemption


@dataclass
class Victims:
    node: str
    pods: list[str]
    cost: tuple[int, int, int]  # highest priority, sum of priorities, how many


def preempt(cluster: Cluster, pod: Object) -> list[Victims]:
    """What would have to go on each node on which that would help."""
    verdict = decide(cluster, pod)
    out = []
    for node in cluster.nodes:
        if name_of(node) in verdict.unresolvable:
            continue
        found = _victims(cluster, pod, node)
        if found:
            priorities = [_priority(p) for p in found]
            cost = (max(priorities), sum(p + 2**31 for p in priorities), len(found))
            out.append(Victims(name_of(node), sorted(name_of(p) for p in found), cost))
    return out


def _priority(pod: Object) -> int:
    return int(pod["spec"].get("priority") or 0)


def _victims(cluster: Cluster, pod: Object, node: Object) -> list[Object]:
    """All less important pods go; then, the most important first, those that may stay come back."""
    lower = [p for p in cluster.on(node) if _priority(p) < _priority(pod)]
    lower.sort(key=lambda p: (-_priority(p), f"{namespace_of(p)}/{name_of(p)}"))
    kept = [p for p in cluster.pods if p not in lower]
    if not lower or not _fits_with(cluster, kept, pod, node):
        return []
    victims = []
    for candidate in lower:
        if _fits_with(cluster, [*kept, candidate], pod, node):
            kept.append(candidate)
        else:
            victims.append(candidate)
    return victims


def _fits_with(cluster: Cluster, pods: list[Object], pod: Object, node: Object) -> bool:
    smaller = Cluster(cluster.nodes, pods, cluster.services, cluster.namespaces)
    return not _filter(smaller, pod, node)[0]
