"""An operator with kopf: a WebSite owns a Deployment, has a status, and is cleaned up after."""

from __future__ import annotations

from typing import Any

import kopf
import kr8s


@kopf.on.create("websites")
@kopf.on.update("websites", field="spec.replicas")
def deploy(name: str, namespace: str, spec: Any, patch: Any, **_: Any) -> None:
    labels = {"app": name}
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": spec["replicas"],
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "web", "image": spec["image"]}]},
            },
        },
    }
    kopf.adopt(body)
    deployment = kr8s.objects.Deployment(body)
    if deployment.exists():
        deployment.patch({"spec": {"replicas": spec["replicas"]}})
    else:
        deployment.create()
    patch.status["replicas"] = spec["replicas"]
    patch.status["phase"] = "Deployed"


@kopf.on.delete("websites")
def farewell(name: str, namespace: str, **_: Any) -> None:
    meta = {"name": f"{name}-was-here", "namespace": namespace}
    kr8s.objects.ConfigMap({"metadata": meta, "data": {}}).create()
