"""A Service for pods that exist or will."""

from __future__ import annotations

from django import forms

from cluster.machinery.meta import Object
from dashboard.forms.base import ObjectForm, PairsField

TYPES = [(t, t) for t in ("ClusterIP", "NodePort", "LoadBalancer")]


class ServiceForm(ObjectForm):
    title = "Service"
    lead = "One stable address for all ready pods whose labels match."
    causes = {
        "metadata.name": "name",
        "metadata.namespace": "namespace",
        "spec.selector": "selector",
        "spec.ports[0].targetPort": "target_port",
        "spec.ports[0].nodePort": "node_port",
        "spec.ports": "port",
        "spec.type": "type",
    }

    field_order = ["name", "namespace"]
    name = forms.CharField(max_length=253)
    selector = PairsField(help_text="Labels of its pods, e.g. app=web")
    port = forms.IntegerField(initial=80)
    target_port = forms.CharField(
        required=False, help_text="The pods' port, number or name. Empty: the same."
    )
    type = forms.ChoiceField(choices=TYPES, initial="ClusterIP")
    node_port = forms.IntegerField(
        required=False, help_text="30000–32767. Empty: the server picks."
    )

    def objects(self) -> list[Object]:
        data = self.cleaned_data
        port: Object = {"port": data["port"]}
        target = data["target_port"]
        if target:
            port["targetPort"] = int(target) if target.isdigit() else target
        if data["node_port"] is not None and data["type"] != "ClusterIP":
            port["nodePort"] = data["node_port"]
        return [
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": data["name"], "namespace": data["namespace"]},
                "spec": {"type": data["type"], "selector": data["selector"], "ports": [port]},
            }
        ]
