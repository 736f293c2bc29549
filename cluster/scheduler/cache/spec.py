"""What of a pod's spec the scheduler decides by; one PodSpec for all pods that are equal in it.

Ten thousand pods of one Deployment have one PodSpec, so what is computed for it (which nodes fit,
how they score) is computed once. A pod of a DaemonSet is pinned to a node by its affinity; the
name is kept apart, so these share one PodSpec too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from cluster.machinery.meta import Object, labels_of, namespace_of
from cluster.scheduler.cache import resources, terms
from cluster.scheduler.cache.resources import CPU, MEMORY, Amounts

HostPort = tuple[str, str, int]  # address, protocol, port
# Sources of volumes that are the same on every node.
FREE = frozenset(("configMap", "secret", "emptyDir", "projected", "downwardAPI", "hostPath"))
DEFAULT_SCHEDULER = "default-scheduler"


@dataclass(slots=True, eq=False)
class PodSpec:
    id: int
    namespace: str
    scheduler_name: str
    priority: int
    preemption_policy: str
    requests: Amounts
    scored_requests: Amounts  # requests, with NON_ZERO for containers that name none
    tolerations: tuple[terms.Toleration, ...]
    node_selector: terms.NodeSelector | None
    preferred_nodes: tuple[tuple[int, terms.NodeTerm], ...]
    ports: tuple[HostPort, ...]
    images: tuple[str, ...]
    spread: tuple[Object, ...]
    label_keys: tuple[tuple[str, str], ...]  # the labels that matchLabelKeys refer to
    affinity: tuple[terms.PodTerm, ...] = ()
    anti_affinity: tuple[terms.PodTerm, ...] = ()
    preferred_affinity: tuple[tuple[int, terms.PodTerm], ...] = ()
    preferred_anti_affinity: tuple[tuple[int, terms.PodTerm], ...] = ()
    tied_volumes: bool = False  # any that may tie the pod to a node
    has_terms: bool = field(init=False)

    def __post_init__(self) -> None:
        self.has_terms = bool(
            self.affinity
            or self.anti_affinity
            or self.preferred_affinity
            or self.preferred_anti_affinity
        )


class Specs:
    """Interns PodSpecs by what distinguishes them."""

    def __init__(self, limit: int = 20_000) -> None:
        self._known: dict[bytes, PodSpec] = {}
        self._next = 0
        self._limit = limit

    def of(self, pod: Object) -> tuple[PodSpec, str]:
        """The pod's PodSpec and the node it is pinned to (empty: none)."""
        spec = pod["spec"]
        affinity = spec.get("affinity")
        pinned = pinned_node(affinity) if affinity else ""
        signature = _signature(pod, spec, affinity, pinned)
        known = self._known.get(signature)
        if known is None:
            if len(self._known) >= self._limit:
                # Old ones live on in the pods that have them; a later equal pod gets a new one.
                self._known.clear()
            self._next += 1
            known = self._known[signature] = _compile(self._next, pod, bool(pinned))
        return known, pinned


def pinned_node(affinity: Object) -> str:
    """The node that every required term names by metadata.name and nothing else."""
    required = _required_nodes(affinity)
    name = ""
    for term in (required or {}).get("nodeSelectorTerms") or ():
        fields: list[Object] = term.get("matchFields") or []
        if len(fields) != 1 or fields[0].get("operator") != "In":
            return ""
        values: list[str] = fields[0].get("values") or []
        if len(values) != 1 or (name and values[0] != name):
            return ""
        name = values[0]
    return name


def _required_nodes(affinity: Object | None) -> Object | None:
    nodes = (affinity or {}).get("nodeAffinity") or {}
    found: Object | None = nodes.get("requiredDuringSchedulingIgnoredDuringExecution")
    return found


def _signature(pod: Object, spec: Object, affinity: Object | None, pinned: str) -> bytes:
    get = spec.get
    init = get("initContainers")
    spread = get("topologySpreadConstraints")
    parts = [
        pod["metadata"].get("namespace"),
        get("schedulerName"),
        get("priority"),
        get("preemptionPolicy"),
        get("nodeSelector"),
        _without_pin(affinity) if pinned else affinity,
        get("tolerations"),
        get("overhead"),
        get("resources"),
        spread,
        [(c.get("image"), c.get("resources"), c.get("ports")) for c in get("containers") or ()],
        [(c.get("image"), c.get("resources"), c.get("ports"), c.get("restartPolicy")) for c in init]
        if init
        else None,
        _label_keys(pod, affinity, spread) if affinity or spread else None,
        _tied_volumes(spec),
    ]
    return orjson.dumps(parts)


def _without_pin(affinity: Object | None) -> Any:
    """The affinity with the pinned node left out."""
    required = _required_nodes(affinity) or {}
    bare = [t.get("matchExpressions") for t in required["nodeSelectorTerms"]]
    nodes = (affinity or {}).get("nodeAffinity") or {}
    return [
        "pinned",
        bare,
        nodes.get("preferredDuringSchedulingIgnoredDuringExecution"),
        (affinity or {}).get("podAffinity"),
        (affinity or {}).get("podAntiAffinity"),
    ]


def _label_keys(
    pod: Object, affinity: Object | None, spread: list[Object] | None
) -> tuple[tuple[str, str], ...]:
    keys: set[str] = set()
    for constraint in spread or ():
        keys.update(constraint.get("matchLabelKeys") or ())
    for term in _all_pod_terms(affinity or {}):
        keys.update(term.get("matchLabelKeys") or ())
        keys.update(term.get("mismatchLabelKeys") or ())
    if not keys:
        return ()
    labels = labels_of(pod)
    return tuple((k, labels[k]) for k in sorted(keys) if k in labels)


def _all_pod_terms(affinity: Object) -> list[Object]:
    out: list[Object] = []
    for kind in ("podAffinity", "podAntiAffinity"):
        part = affinity.get(kind) or {}
        out.extend(part.get("requiredDuringSchedulingIgnoredDuringExecution") or ())
        for weighted in part.get("preferredDuringSchedulingIgnoredDuringExecution") or ():
            out.append(weighted["podAffinityTerm"])
    return out


def _compile(number: int, pod: Object, pinned: bool) -> PodSpec:
    spec = pod["spec"]
    namespace = namespace_of(pod)
    affinity = spec.get("affinity") or {}
    spread = tuple(spec.get("topologySpreadConstraints") or ())
    keys = _label_keys(pod, affinity, list(spread))
    nodes = affinity.get("nodeAffinity") or {}
    attract, preferred = _pod_terms(affinity.get("podAffinity"), namespace, dict(keys))
    repel, avoided = _pod_terms(affinity.get("podAntiAffinity"), namespace, dict(keys))
    return PodSpec(
        id=number,
        namespace=namespace,
        scheduler_name=spec.get("schedulerName") or DEFAULT_SCHEDULER,
        priority=int(spec.get("priority") or 0),
        preemption_policy=spec.get("preemptionPolicy") or "PreemptLowerPriority",
        requests=resources.pod_requests(spec),
        scored_requests=_scored(spec),
        tolerations=terms.tolerations(spec.get("tolerations")),
        node_selector=_node_selector(spec, affinity, pinned),
        preferred_nodes=terms.preferred_node_terms(
            nodes.get("preferredDuringSchedulingIgnoredDuringExecution")
        ),
        ports=host_ports(spec),
        images=_images(spec),
        spread=spread,
        label_keys=keys,
        affinity=attract,
        anti_affinity=repel,
        preferred_affinity=preferred,
        preferred_anti_affinity=avoided,
        tied_volumes=_tied_volumes(spec),
    )


def _tied_volumes(spec: Object) -> bool:
    volumes = spec.get("volumes")
    return any(FREE.isdisjoint(volume) for volume in volumes or ())


def _scored(spec: Object) -> Amounts:
    out = resources.pod_requests(spec, resources.NON_ZERO)
    out.setdefault(CPU, 0)
    out.setdefault(MEMORY, 0)
    return out


def _node_selector(spec: Object, affinity: Object, pinned: bool) -> terms.NodeSelector | None:
    required = terms.node_terms(_required_nodes(affinity), pinned)
    labels = tuple(sorted((spec.get("nodeSelector") or {}).items()))
    if not labels and required is None:
        return None
    return terms.NodeSelector(labels, required)


def _pod_terms(
    raw: Object | None, namespace: str, labels: Mapping[str, str]
) -> tuple[tuple[terms.PodTerm, ...], tuple[tuple[int, terms.PodTerm], ...]]:
    raw = raw or {}
    required = tuple(
        terms.pod_term(t, namespace, labels)
        for t in raw.get("requiredDuringSchedulingIgnoredDuringExecution") or ()
    )
    preferred = tuple(
        (int(w["weight"]), terms.pod_term(w["podAffinityTerm"], namespace, labels))
        for w in raw.get("preferredDuringSchedulingIgnoredDuringExecution") or ()
    )
    return required, preferred


def host_ports(spec: Object) -> tuple[HostPort, ...]:
    """Models schedutil.GetHostPorts and HostPortInfo.sanitize."""
    containers = list(spec.get("containers") or ())
    containers += [
        c for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"
    ]
    out = []
    for container in containers:
        for port in container.get("ports") or ():
            if (port.get("hostPort") or 0) > 0:
                address = port.get("hostIP") or "0.0.0.0"
                out.append((address, port.get("protocol") or "TCP", int(port["hostPort"])))
    return tuple(dict.fromkeys(out))


def _images(spec: Object) -> tuple[str, ...]:
    """Normalised as the CRI names them: `web` is `web:latest`."""
    out = []
    for container in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
        image = container.get("image") or ""
        if image.rfind(":") <= image.rfind("/"):
            image += ":latest"
        out.append(image)
    return tuple(out)
