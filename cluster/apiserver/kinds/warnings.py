"""What is stored but is hardly meant: warnings that upstream sends along.

Models pkg/api/pod/warnings.go and pkg/api/service/warnings.go; deprecated versions are named in
resources.yaml.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cluster.apiserver.kinds import names
from cluster.apiserver.resources import (
    CRON_JOBS,
    DAEMON_SETS,
    DEPLOYMENTS,
    JOBS,
    POD_TEMPLATES,
    PODS,
    REPLICA_SETS,
    REPLICATION_CONTROLLERS,
    SERVICES,
    STATEFUL_SETS,
    Resource,
)
from cluster.machinery import quantity
from cluster.machinery.meta import Object

LABELS = {
    "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
    "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
    "failure-domain.beta.kubernetes.io/region": (
        'deprecated since v1.17; use "topology.kubernetes.io/region" instead'
    ),
    "failure-domain.beta.kubernetes.io/zone": (
        'deprecated since v1.17; use "topology.kubernetes.io/zone" instead'
    ),
    "beta.kubernetes.io/instance-type": (
        'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead'
    ),
}
ANNOTATIONS = {
    "scheduler.alpha.kubernetes.io/critical-pod": (
        'non-functional in v1.16+; use the "priorityClassName" field instead'
    ),
    "seccomp.security.alpha.kubernetes.io/pod": (
        'non-functional in v1.27+; use the "seccompProfile" field instead'
    ),
}
WORKLOADS = (
    DEPLOYMENTS, REPLICA_SETS, STATEFUL_SETS, DAEMON_SETS, JOBS, REPLICATION_CONTROLLERS,
)  # fmt: skip


def of(resource: Resource, obj: Object) -> list[str]:
    look = BY_RESOURCE.get(resource)
    return list(look(obj)) if look is not None else []


def _pod(obj: Object) -> Iterator[str]:
    yield from pod(obj["metadata"], obj["spec"], "")


def _workload(obj: Object) -> Iterator[str]:
    name = obj["metadata"].get("name", "")
    if texts := names.label(name):
        yield (
            "metadata.name: this is used in Pod names and hostnames, which can result in "
            f"surprising behavior; a DNS label is recommended: [{' '.join(texts)}]"
        )
    template = obj["spec"].get("template") or {}
    yield from pod(template.get("metadata") or {}, template.get("spec") or {}, "spec.template.")


def _cron_job(obj: Object) -> Iterator[str]:
    template = obj["spec"]["jobTemplate"]["spec"].get("template") or {}
    path = "spec.jobTemplate.spec.template."
    yield from pod(template.get("metadata") or {}, template.get("spec") or {}, path)


def _pod_template(obj: Object) -> Iterator[str]:
    template = obj.get("template") or {}
    yield from pod(template.get("metadata") or {}, template.get("spec") or {}, "template.")


def _service(obj: Object) -> Iterator[str]:
    spec = obj["spec"]
    if spec.get("clusterIP") == "None":
        if spec.get("sessionAffinity") not in (None, "None"):
            yield "spec.SessionAffinity is ignored for headless services"
        if spec.get("externalTrafficPolicy"):
            yield "spec.externalTrafficPolicy is ignored for headless services"
    if spec.get("externalIPs") and spec.get("type") == "ExternalName":
        yield 'spec.externalIPs is ignored when spec.type is "ExternalName"'


def pod(meta: Object, spec: Object, path: str) -> Iterator[str]:
    for key, text in LABELS.items():
        if key in (spec.get("nodeSelector") or ()):
            yield f"{path}spec.nodeSelector[{key}]: {text}"
    for key, text in ANNOTATIONS.items():
        if key in (meta.get("annotations") or ()):
            yield f"{path}metadata.annotations[{key}]: {text}"
    grace = spec.get("terminationGracePeriodSeconds")
    if grace is not None and grace < 0:
        yield (
            f"{path}spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid "
            "and will be treated as 1"
        )
    for field in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(field) or ()):
            yield from _container(container, f"{path}spec.{field}[{index}]")


def _container(container: Object, path: str) -> Iterator[str]:
    seen: dict[str, int] = {}
    for index, entry in enumerate(container.get("env") or ()):
        name = entry.get("name", "")
        value = entry.get("value") or ""
        if name in seen and f"$({name})" not in value:
            yield (
                f'{path}.env[{index}]: hides previous definition of "{name}", which may be '
                "dropped when using apply"
            )
        seen[name] = index
    ports: dict[tuple[object, object], int] = {}
    for index, port in enumerate(container.get("ports") or ()):
        key = (port.get("containerPort"), port.get("protocol"))
        if key in ports and not port.get("hostPort"):
            yield (
                f"{path}.ports[{index}]: duplicate port definition with {path}.ports[{ports[key]}]"
            )
        ports.setdefault(key, index)
    for field in ("limits", "requests"):
        amounts = (container.get("resources") or {}).get(field) or {}
        for name in ("memory", "ephemeral-storage"):
            if name in amounts and quantity.milli(amounts[name]) % 1000:
                yield (
                    f"{path}.resources.{field}[{name}]: fractional byte value "
                    f'"{amounts[name]}" is invalid, must be an integer'
                )


BY_RESOURCE: dict[Resource, Callable[[Object], Iterator[str]]] = {
    PODS: _pod,
    CRON_JOBS: _cron_job,
    POD_TEMPLATES: _pod_template,
    SERVICES: _service,
    **dict.fromkeys(WORKLOADS, _workload),
}
