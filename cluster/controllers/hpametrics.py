"""Where an autoscaler's numbers come from, and what its status says of them.

Resource and container metrics are the simulated usage that metrics.k8s.io shows. Pods and Object
metrics are read from annotations `metrics.orrery.sim/NAME` of the pod or object; External ones from
annotations of the namespace. Without one the metric cannot be had, as in a cluster that has no
adapter for it. Models pkg/controller/podautoscaler/metrics and computeReplicasForMetric.
"""

from __future__ import annotations

from dataclasses import dataclass

from cluster.client import Env, kinds
from cluster.controllers import hpareplicas, podutil
from cluster.controllers.hpareplicas import MetricError, Metrics, Tolerance
from cluster.machinery import quantity, usage
from cluster.machinery.meta import Object, annotations_of, name_of, uid_of

PREFIX = "metrics.orrery.sim/"
MILLI = 1000
CUSTOM = (
    "unable to get metric {}: unable to fetch metrics from custom metrics API: no custom metrics "
    "API (custom.metrics.k8s.io) registered"
)
EXTERNAL = (
    "unable to get external metric {}/{}/{}: unable to fetch metrics from external metrics API: "
    "no external metrics API (external.metrics.k8s.io) registered"
)
REASONS = {
    "Resource": "FailedGetResourceMetric",
    "ContainerResource": "FailedGetContainerResourceMetric",
    "Pods": "FailedGetPodsMetric",
    "Object": "FailedGetObjectMetric",
    "External": "FailedGetExternalMetric",
}
UNITS = {"cpu": 1_000_000, "memory": 0.001}  # of what `usage` counts, in a thousandth


@dataclass(slots=True)
class Target:
    """What is scaled, and by what."""

    namespace: str
    current: int
    pods: list[Object]
    tolerance: Tolerance
    now: float


@dataclass(slots=True)
class Proposal:
    replicas: int
    metric: str  # as Events name it
    status: Object


class MetricSources:
    def __init__(self, env: Env) -> None:
        self._env = env
        self._services = env.informers.lister(kinds.SERVICES)
        self._namespaces = env.informers.lister(kinds.NAMESPACES)

    def propose(self, spec: Object, target: Target) -> Proposal:
        """Raises MetricError."""
        kind = spec["type"]
        if kind in ("Resource", "ContainerResource"):
            return self._resource(kind, spec, target)
        if kind == "Pods":
            return self._of_pods(spec["pods"], target)
        if kind == "Object":
            return self._of_object(spec["object"], target)
        return self._external(spec["external"], target)

    # ---- what pods use

    def _resource(self, kind: str, spec: Object, target: Target) -> Proposal:
        field = "resource" if kind == "Resource" else "containerResource"
        source = spec[field]
        name, container = source["name"], source.get("container", "")
        kept = {"name": name, **({"container": container} if container else {})}
        what = f"{name} container resource" if container else f"{name} resource"
        metrics, wanted = self._used(target, name, container), source["target"]
        percent = wanted.get("averageUtilization")
        try:
            if not metrics:
                raise MetricError(
                    f"unable to get metrics for resource {name}: no metrics returned from resource "
                    "metrics API"
                )
            cpu = name == "cpu"
            if percent is None:
                amount = quantity.milli(wanted["averageValue"])
                replicas, average = hpareplicas.by_value(
                    target.pods, metrics, amount, target.current, target.tolerance, cpu, target.now
                )
                current: Object = {"averageValue": _text(name, average)}
            else:
                requests = _requests(target.pods, name, container)
                replicas, used, average = hpareplicas.by_utilization(
                    target.pods, metrics, requests, percent, target.current, target.tolerance,
                    cpu, target.now,
                )  # fmt: skip
                current = {"averageUtilization": used, "averageValue": _text(name, average)}
                what += " utilization (percentage of request)"
        except MetricError as error:
            measure = "usage" if percent is None else "utilization"
            raise MetricError(f"failed to get {name} {measure}: {error}") from None
        return Proposal(replicas, what, {"type": kind, field: {**kept, "current": current}})

    def _used(self, target: Target, name: str, container: str) -> Metrics:
        """By pod; the sum of its containers, or one of them."""
        moment, out = usage.moment(target.now), {}
        pods = self._env.informers.lister(kinds.PODS)
        services = self._services.list(target.namespace)
        loaded = [s for s in services if usage.LOAD in annotations_of(s)]
        loads = usage.loads(loaded, pods.list(target.namespace)) if loaded else {}
        for pod in target.pods:
            running = usage.measured(pod, target.now)
            if container:
                running = [c for c in running if c["name"] == container]
            if not running or podutil.phase_of(pod) != "Running":
                continue
            total = 0
            for spec in running:
                cpu, memory = usage.container(pod, spec, moment, loads.get(uid_of(pod), 0.0))
                total += cpu if name == "cpu" else memory
            if name in UNITS:
                out[name_of(pod)] = int(total / UNITS[name])
        return out

    # ---- numbers somebody else measures

    def _of_pods(self, source: Object, target: Target) -> Proposal:
        name, wanted = source["metric"]["name"], source["target"]
        metrics = {
            name_of(p): quantity.milli(text)
            for p in target.pods
            if (text := annotations_of(p).get(PREFIX + name)) is not None
        }
        if not metrics:
            raise MetricError(f"failed to get pods metric value: {CUSTOM.format(name)}")
        replicas, average = hpareplicas.by_value(
            target.pods, metrics, quantity.milli(wanted["averageValue"]), target.current,
            target.tolerance, False, target.now,
        )  # fmt: skip
        current = {"averageValue": _milli_text(average)}
        status = {"type": "Pods", "pods": {"metric": source["metric"], "current": current}}
        return Proposal(replicas, f"pods metric {name}", status)

    def _of_object(self, source: Object, target: Target) -> Proposal:
        name, described = source["metric"]["name"], source["describedObject"]
        resource = kinds.BY_KIND.get((described.get("apiVersion", "v1"), described["kind"]))
        found = None
        if resource is not None:
            where = f"{target.namespace}/" if resource.namespaced else ""
            lister = self._env.informers.lister(resource)
            found = lister.get(f"{where}{described['name']}")
        text = annotations_of(found).get(PREFIX + name) if found is not None else None
        if text is None:
            raise MetricError(f"failed to get object metric value: {CUSTOM.format(name)}")
        replicas, current = _total(quantity.milli(text), source["target"], target)
        kept = {"metric": source["metric"], "describedObject": described, "current": current}
        what = f"{described['kind']} metric {name}"
        return Proposal(replicas, what, {"type": "Object", "object": kept})

    def _external(self, source: Object, target: Target) -> Proposal:
        name = source["metric"]["name"]
        namespace = self._namespaces.get(target.namespace)
        found = annotations_of(namespace) if namespace is not None else {}
        if PREFIX + name not in found:
            selector = source["metric"].get("selector") or {}
            text = EXTERNAL.format(target.namespace, name, _selector_text(selector))
            raise MetricError(f"failed to get {name} external metric value: {text}")
        value = quantity.milli(found[PREFIX + name])
        replicas, current = _total(value, source["target"], target)
        kept = {"metric": source["metric"], "current": current}
        return Proposal(replicas, f"external metric {name}", {"type": "External", "external": kept})


def _selector_text(selector: Object) -> str:
    labels = selector.get("matchLabels") or {}
    terms = " ".join(f"{k}:{v}" for k, v in sorted(labels.items()))
    return f"&LabelSelector{{MatchLabels:map[string]string{{{terms}}},MatchExpressions:[]}}"


def _total(value: int, wanted: Object, target: Target) -> tuple[int, Object]:
    if wanted.get("averageValue") is not None:
        amount = quantity.milli(wanted["averageValue"])
        replicas, share = hpareplicas.by_share(value, amount, target.current, target.tolerance)
        return replicas, {"averageValue": _milli_text(share)}
    ready = sum(podutil.is_ready(p) for p in target.pods)
    amount = quantity.milli(wanted["value"])
    replicas = hpareplicas.by_total(value, amount, ready, target.current, target.tolerance)
    return replicas, {"value": _milli_text(value)}


def _requests(pods: list[Object], name: str, container: str) -> Metrics:
    """Models calculatePodRequests."""
    out: Metrics = {}
    for pod in pods:
        total = 0
        for spec in pod["spec"]["containers"]:
            if container and spec["name"] != container:
                continue
            request = ((spec.get("resources") or {}).get("requests") or {}).get(name)
            if request is None:
                where = f"container {spec['name']} of Pod {name_of(pod)}"
                raise MetricError(f"missing request for {name} in {where}")
            total += quantity.milli(request)
        out[name_of(pod)] = total
    return out


def _text(name: str, milli: int) -> str:
    """cpu in millicores, memory in bytes."""
    return _milli_text(milli) if name == "cpu" else str(milli // MILLI)


def _milli_text(milli: int) -> str:
    return str(milli // MILLI) if milli % MILLI == 0 else f"{milli}m"
