"""A Deployment, and if wanted the Service before it."""

from __future__ import annotations

from django import forms

from cluster.machinery.meta import Object
from dashboard.forms.base import CommandField, ObjectForm, container

_CONTAINER = "spec.template.spec.containers[0]"


class DeploymentForm(ObjectForm):
    title = "Deployment"
    lead = "Keeps a number of identical pods running, and replaces them when you change them."
    causes = {
        "metadata.name": "name",
        "metadata.namespace": "namespace",
        "spec.replicas": "replicas",
        "spec.selector": "name",
        "spec.template.metadata.labels": "name",
        f"{_CONTAINER}.image": "image",
        f"{_CONTAINER}.name": "image",
        f"{_CONTAINER}.command": "command",
        f"{_CONTAINER}.ports": "port",
        f"{_CONTAINER}.resources.requests[cpu]": "cpu",
        f"{_CONTAINER}.resources.requests[memory]": "memory",
        f"{_CONTAINER}.resources": "cpu",
        "spec.ports": "port",
    }

    field_order = ["name", "namespace"]
    name = forms.CharField(max_length=253)
    image = forms.CharField(initial="nginx:1.27")
    replicas = forms.IntegerField(initial=3)
    port = forms.IntegerField(
        required=False, initial=80, help_text="The port its containers serve."
    )
    expose = forms.BooleanField(
        required=False, initial=True, label="Create a Service in front of it"
    )
    cpu = forms.CharField(required=False, label="CPU request", help_text="e.g. 100m or 0.5")
    memory = forms.CharField(required=False, label="Memory request", help_text="e.g. 128Mi")
    command = CommandField(required=False, help_text="Empty: what the image starts by itself.")

    def objects(self) -> list[Object]:
        data = self.cleaned_data
        labels = {"app": data["name"]}
        meta = {"name": data["name"], "namespace": data["namespace"], "labels": labels}
        spec = {
            "replicas": data["replicas"],
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container(data)]}},
        }
        deployment = {
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec,
        }  # fmt: skip
        out: list[Object] = [deployment]
        if data["expose"] and data["port"]:
            out.append(
                {
                    "apiVersion": "v1",
                    "kind": "Service",
                    "metadata": dict(meta),
                    "spec": {
                        "selector": labels,
                        "ports": [{"port": data["port"], "targetPort": data["port"]}],
                    },
                }
            )
        return out
