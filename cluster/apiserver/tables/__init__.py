"""Objects as rows: the columns kubectl prints. Models pkg/printers/internalversion.

data/columns.yaml says which columns a resource has; CELLS computes those of one object. A resource
with neither prints its name and when it was created, as upstream's default convertor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml

from cluster.apiserver import conversion
from cluster.apiserver.custom import columns as custom_columns
from cluster.apiserver.custom.resource import CustomResource
from cluster.apiserver.resources import RESOURCES, Resource
from cluster.apiserver.tables import (
    core,
    pods,
    policies,
    registrations,
    security,
    simulation,
    storage,
    workloads,
)
from cluster.machinery.meta import Object, name_of

Cells = list[Any]
CellFunction = Callable[[Object, float], Cells]

CELLS: dict[str, CellFunction] = {
    "schedulingdecisions.orrery.sim": simulation.scheduling_decision,
    "configmaps": core.config_map,
    "controllerrevisions.apps": workloads.controller_revision,
    "daemonsets.apps": workloads.daemon_set,
    "deployments.apps": workloads.deployment,
    "endpoints": core.endpoints,
    "endpointslices.discovery.k8s.io": core.endpoint_slice,
    "events": core.event,
    "ipaddresses.networking.k8s.io": core.ip_address,
    "jobs.batch": workloads.job,
    "leases.coordination.k8s.io": core.lease,
    "namespaces": core.namespace,
    "nodes": core.node,
    "pods": pods.pod,
    "replicasets.apps": workloads.replica_set,
    "secrets": core.secret,
    "serviceaccounts": core.service_account,
    "services": core.service,
    "apiservices.apiregistration.k8s.io": registrations.api_service,
    "componentstatuses": registrations.component_status,
    "certificatesigningrequests.certificates.k8s.io": security.signing_request,
    "clusterrolebindings.rbac.authorization.k8s.io": security.binding,
    "rolebindings.rbac.authorization.k8s.io": security.binding,
    "cronjobs.batch": workloads.cron_job,
    "csidrivers.storage.k8s.io": storage.csi_driver,
    "csinodes.storage.k8s.io": storage.csi_node,
    "csistoragecapacities.storage.k8s.io": storage.csi_storage_capacity,
    "deviceclasses.resource.k8s.io": registrations.named,
    "flowschemas.flowcontrol.apiserver.k8s.io": registrations.flow_schema,
    "horizontalpodautoscalers.autoscaling": policies.autoscaler,
    "ingressclasses.networking.k8s.io": policies.ingress_class,
    "ingresses.networking.k8s.io": policies.ingress,
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": registrations.webhooks,
    "networkpolicies.networking.k8s.io": policies.network_policy,
    "nodes.metrics.k8s.io": policies.usage,
    "persistentvolumeclaims": storage.claim,
    "persistentvolumes": storage.persistent_volume,
    "poddisruptionbudgets.policy": policies.disruption_budget,
    "pods.metrics.k8s.io": policies.usage,
    "podtemplates": workloads.pod_template,
    "priorityclasses.scheduling.k8s.io": policies.priority_class,
    "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": registrations.priority_level,
    "replicationcontrollers": workloads.replication_controller,
    "resourceclaims.resource.k8s.io": registrations.resource_claim,
    "resourceclaimtemplates.resource.k8s.io": registrations.named,
    "resourcequotas": policies.resource_quota,
    "resourceslices.resource.k8s.io": registrations.resource_slice,
    "runtimeclasses.node.k8s.io": policies.runtime_class,
    "servicecidrs.networking.k8s.io": policies.service_cidr,
    "statefulsets.apps": workloads.stateful_set,
    "storageclasses.storage.k8s.io": storage.storage_class,
    "validatingadmissionpolicies.admissionregistration.k8s.io": registrations.admission_policy,
    "validatingadmissionpolicybindings.admissionregistration.k8s.io": registrations.policy_binding,
    "validatingwebhookconfigurations.admissionregistration.k8s.io": registrations.webhooks,
    "volumeattachments.storage.k8s.io": storage.volume_attachment,
    "volumeattributesclasses.storage.k8s.io": storage.volume_attributes_class,
    "clocks.orrery.sim": simulation.clock,
    "faults.orrery.sim": simulation.fault,
    "machines.orrery.sim": simulation.machine,
}


def _load() -> dict[str, list[dict[str, Any]]]:
    path = Path(__file__).with_name("columns.yaml")
    found: dict[str, list[str]] = yaml.safe_load(path.read_text())
    return {resource: [_column(text) for text in texts] for resource, texts in found.items()}


def _column(text: str) -> dict[str, Any]:
    """`Name:string:name`, a star marks a wide column: `IP:string*`."""
    wide = text.endswith("*")
    name, kind, form = [*text.rstrip("*").split(":"), "", ""][:3]
    return {
        "name": name,
        "type": kind or "string",
        "format": form,
        "description": "",
        "priority": 1 if wide else 0,
    }


COLUMNS = _load()
PLAIN = [_column("Name:string:name"), _column("Created At:date")]


def columns(resource: Resource) -> list[dict[str, Any]]:
    if isinstance(resource, CustomResource):
        return [custom_columns.NAME, *(c.definition for c in resource.version_info.columns)]
    return COLUMNS.get(resource.stored_as or resource.id, PLAIN)


def cells(resource: Resource, obj: Object, now: float) -> Cells:
    if isinstance(resource, CustomResource):
        return [name_of(obj), *resource.version_info.column_values(obj, now)]
    if resource.stored_as:
        resource, obj = RESOURCES[resource.stored_as], conversion.to_stored(resource, obj)
    found = CELLS.get(resource.id)
    if found is not None:
        return found(obj, now)
    return [name_of(obj), obj["metadata"].get("creationTimestamp")]


def table(
    resource: Resource,
    objects: Sequence[Object],
    metadata: dict[str, Any],
    now: float,
    include: str = "Metadata",
    with_columns: bool = True,
) -> dict[str, Any]:
    """meta.k8s.io/v1 Table; `include` is the request's includeObject."""
    rows = []
    for obj in objects:
        row: dict[str, Any] = {"cells": cells(resource, obj, now)}
        if include == "Object":
            row["object"] = obj
        elif include != "None":
            row["object"] = partial(obj)
        rows.append(row)
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": columns(resource) if with_columns else None,
        "rows": rows,
    }


def partial(obj: Object) -> Object:
    """meta.k8s.io/v1 PartialObjectMetadata."""
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": obj["metadata"],
    }
