"""A Job: pods that run to their end."""

from __future__ import annotations

from django import forms

from cluster.machinery.meta import Object
from dashboard.forms.base import CommandField, ObjectForm, container

_CONTAINER = "spec.template.spec.containers[0]"


class JobForm(ObjectForm):
    title = "Job"
    lead = "Runs pods until enough of them have finished."
    causes = {
        "metadata.name": "name",
        "metadata.namespace": "namespace",
        "spec.completions": "completions",
        "spec.parallelism": "parallelism",
        "spec.backoffLimit": "backoff_limit",
        "spec.template.spec.restartPolicy": "restart_policy",
        f"{_CONTAINER}.image": "image",
        f"{_CONTAINER}.command": "command",
    }

    field_order = ["name", "namespace"]
    name = forms.CharField(max_length=63)
    image = forms.CharField(initial="busybox:1.37")
    command = CommandField(required=False, initial='sh -c "sleep 20"')
    completions = forms.IntegerField(initial=3)
    parallelism = forms.IntegerField(initial=2)
    backoff_limit = forms.IntegerField(initial=6, label="Retries")
    restart_policy = forms.ChoiceField(
        choices=[("Never", "Never"), ("OnFailure", "OnFailure")], label="Restart policy"
    )

    def objects(self) -> list[Object]:
        data = self.cleaned_data
        spec = {"restartPolicy": data["restart_policy"], "containers": [container(data)]}
        return [
            {
                "apiVersion": "batch/v1",
                "kind": "Job",
                "metadata": {"name": data["name"], "namespace": data["namespace"]},
                "spec": {
                    "completions": data["completions"],
                    "parallelism": data["parallelism"],
                    "backoffLimit": data["backoff_limit"],
                    "template": {"spec": spec},
                },
            }
        ]
