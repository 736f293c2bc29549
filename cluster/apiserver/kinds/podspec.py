"""Defaults of a PodSpec, in pods and in templates. Models pkg/apis/core/v1/defaults.go."""

from __future__ import annotations

from typing import Any

from cluster.machinery import quantity
from cluster.machinery.meta import Object


def default_pod_spec(spec: Object) -> None:
    """In place."""
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("securityContext", {})
    spec.setdefault("schedulerName", "default-scheduler")
    if spec.get("serviceAccountName"):
        spec.setdefault("serviceAccount", spec["serviceAccountName"])
    elif spec.get("serviceAccount"):
        spec["serviceAccountName"] = spec["serviceAccount"]
    host_network = bool(spec.get("hostNetwork"))
    for container in spec.get("initContainers") or ():
        _default_container(container, host_network)
    for container in spec.get("containers") or ():
        _default_container(container, host_network)
    for volume in spec.get("volumes") or ():
        _default_volume(volume)
    for constraint in spec.get("topologySpreadConstraints") or ():
        constraint.setdefault("nodeAffinityPolicy", "Honor")
        constraint.setdefault("nodeTaintsPolicy", "Ignore")


def default_pod(spec: Object) -> None:
    """What only a Pod gets, not a template."""
    default_pod_spec(spec)
    spec.setdefault("enableServiceLinks", True)
    for container in [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]:
        _requests_from_limits(container)


def pull_policy(image: str) -> str:
    """Always for `:latest` or no tag; a digest or any other tag: IfNotPresent."""
    if "@" in image:
        return "IfNotPresent"
    _, colon, tag = image.rpartition("/")[2].partition(":")
    return "Always" if not colon or tag == "latest" else "IfNotPresent"


def default_ephemeral(container: Object) -> None:
    container.setdefault("imagePullPolicy", pull_policy(container.get("image", "")))
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    container.setdefault("resources", {})


def _default_container(container: Object, host_network: bool) -> None:
    container.setdefault("imagePullPolicy", pull_policy(container.get("image", "")))
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    container.setdefault("resources", {})
    for port in container.get("ports") or ():
        port.setdefault("protocol", "TCP")
        if host_network:
            port.setdefault("hostPort", port.get("containerPort"))
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(probe) is not None:
            _default_probe(container[probe])
    for entry in container.get("env") or ():
        field = (entry.get("valueFrom") or {}).get("fieldRef")
        if field is not None:
            field.setdefault("apiVersion", "v1")
    for hook in (container.get("lifecycle") or {}).values():
        if isinstance(hook, dict) and hook.get("httpGet"):
            _default_http(hook["httpGet"])
    canonical_amounts(container["resources"])


def _default_probe(probe: Object) -> None:
    probe.setdefault("timeoutSeconds", 1)
    probe.setdefault("periodSeconds", 10)
    probe.setdefault("successThreshold", 1)
    probe.setdefault("failureThreshold", 3)
    if probe.get("httpGet"):
        _default_http(probe["httpGet"])
    if probe.get("grpc"):
        probe["grpc"].setdefault("service", "")


def _default_http(get: Object) -> None:
    get.setdefault("path", "/")
    get.setdefault("scheme", "HTTP")


def canonical_amounts(resources: Object) -> None:
    """Quantities are stored in their canonical form; invalid ones are left for validation."""
    for amounts in (resources.get("requests"), resources.get("limits")):
        if amounts is None:
            continue
        for name, amount in amounts.items():
            if quantity.is_valid(amount):
                amounts[name] = quantity.canonical(amount)


def _requests_from_limits(container: Object) -> None:
    limits = container["resources"].get("limits")
    if not limits:
        return
    requests = container["resources"].setdefault("requests", {})
    for name, amount in limits.items():
        requests.setdefault(name, amount)


MODES: dict[str, str] = {
    "configMap": "defaultMode",
    "secret": "defaultMode",
    "projected": "defaultMode",
    "downwardAPI": "defaultMode",
}


def _default_volume(volume: Object) -> None:
    sources = [key for key in volume if key != "name"]
    if not sources:
        volume["emptyDir"] = {}
    for source, field in MODES.items():
        if isinstance(volume.get(source), dict):
            volume[source].setdefault(field, 0o644)
    if isinstance(volume.get("hostPath"), dict):
        volume["hostPath"].setdefault("type", "")
    projected: Any = volume.get("projected") or {}
    for source in projected.get("sources") or ():
        if source.get("serviceAccountToken"):
            source["serviceAccountToken"].setdefault("expirationSeconds", 3600)


def qos_class(spec: Object) -> str:
    """Models component-helpers' ComputePodQOS."""
    guaranteed, anything = True, False
    for container in [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]:
        resources = container.get("resources") or {}
        requests = {k: v for k, v in (resources.get("requests") or {}).items() if k in QOS}
        limits = {k: v for k, v in (resources.get("limits") or {}).items() if k in QOS}
        anything = anything or bool(requests) or bool(limits)
        if set(limits) != set(QOS) or any(requests.get(k, v) != v for k, v in limits.items()):
            guaranteed = False
    if not anything:
        return "BestEffort"
    return "Guaranteed" if guaranteed else "Burstable"


QOS = ("cpu", "memory")
