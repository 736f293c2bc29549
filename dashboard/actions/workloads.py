"""Scale, restart and delete what runs pods; delete anything."""

from __future__ import annotations

from cluster.client import Client, Options, Resource, kinds
from cluster.machinery.clock import format_time
from cluster.machinery.meta import Object

RESTARTED = "kubectl.kubernetes.io/restartedAt"
KINDS: dict[str, Resource] = {r.kind: r for r in kinds.RESOURCES.values()}
SCALABLE = frozenset({"Deployment", "ReplicaSet"})
RESTARTABLE = frozenset({"Deployment", "DaemonSet"})


def scale(client: Client, kind: str, namespace: str, name: str, replicas: int) -> str:
    resource = KINDS[kind]

    def change(obj: Object) -> Object:
        return {**obj, "spec": {**obj["spec"], "replicas": replicas}}

    client.do_patch(resource, namespace, name, change)
    return f"{resource.singular}.{resource.group}/{name} scaled to {replicas}"


def restart(client: Client, kind: str, namespace: str, name: str) -> str:
    """What `kubectl rollout restart` does: an annotation in the pod template."""
    resource = KINDS[kind]
    stamp = format_time(client.registry.clock.now())

    def change(obj: Object) -> Object:
        template = obj["spec"]["template"]
        meta = template.get("metadata") or {}
        annotations = {**(meta.get("annotations") or {}), RESTARTED: stamp}
        template = {**template, "metadata": {**meta, "annotations": annotations}}
        return {**obj, "spec": {**obj["spec"], "template": template}}

    client.do_patch(resource, namespace, name, change)
    return f"{resource.singular}.{resource.group}/{name} restarted"


def delete(client: Client, kind: str, namespace: str, name: str, force: bool = False) -> str:
    """`force` ends a pod at once, as `kubectl delete --force --grace-period=0`."""
    resource = KINDS[kind]
    options = Options(grace=0 if force else None, propagation="Background")
    client.do_delete(resource, namespace, name, options)
    label = f"{resource.singular}.{resource.group}" if resource.group else resource.singular
    return f'{label} "{name}" {"force " if force else ""}deleted'
