"""Forms that create objects. One file a form, one line in FORMS.

A form checks only what it needs to build its objects; what is valid is the API server's business,
and its answers are shown at the field they name.
"""

from __future__ import annotations

from dashboard.forms.base import ObjectForm
from dashboard.forms.deployment import DeploymentForm
from dashboard.forms.job import JobForm
from dashboard.forms.pod import PodForm
from dashboard.forms.service import ServiceForm
from dashboard.forms.yaml import YamlForm

FORMS: dict[str, type[ObjectForm]] = {
    "deployment": DeploymentForm,
    "service": ServiceForm,
    "job": JobForm,
    "pod": PodForm,
    "yaml": YamlForm,
}
