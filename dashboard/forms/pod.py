"""A bare Pod: nobody replaces it."""

from __future__ import annotations

from django import forms

from cluster.machinery.meta import Object
from dashboard.forms.base import CommandField, ObjectForm, PairsField, container

_CONTAINER = "spec.containers[0]"
POLICIES = [(p, p) for p in ("Always", "OnFailure", "Never")]


class PodForm(ObjectForm):
    title = "Pod"
    lead = "A single pod. No controller looks after it: when its node dies, it is gone."
    causes = {
        "metadata.name": "name",
        "metadata.namespace": "namespace",
        "metadata.labels": "labels",
        "spec.nodeSelector": "node_selector",
        "spec.restartPolicy": "restart_policy",
        f"{_CONTAINER}.image": "image",
        f"{_CONTAINER}.command": "command",
        f"{_CONTAINER}.resources.requests[cpu]": "cpu",
        f"{_CONTAINER}.resources.requests[memory]": "memory",
    }

    field_order = ["name", "namespace"]
    name = forms.CharField(max_length=253)
    image = forms.CharField(initial="nginx:1.27")
    command = CommandField(required=False, help_text="Empty: what the image starts by itself.")
    labels = PairsField(required=False, help_text="e.g. app=web,tier=front")
    cpu = forms.CharField(required=False, label="CPU request", help_text="e.g. 100m or 0.5")
    memory = forms.CharField(required=False, label="Memory request", help_text="e.g. 128Mi")
    node_selector = PairsField(
        required=False, help_text="Only nodes with these labels, e.g. kubernetes.io/hostname=…"
    )
    restart_policy = forms.ChoiceField(choices=POLICIES, label="Restart policy")

    def objects(self) -> list[Object]:
        data = self.cleaned_data
        meta: Object = {"name": data["name"], "namespace": data["namespace"]}
        if data["labels"]:
            meta["labels"] = data["labels"]
        spec: Object = {"containers": [container(data)], "restartPolicy": data["restart_policy"]}
        if data["node_selector"]:
            spec["nodeSelector"] = data["node_selector"]
        return [{"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}]
