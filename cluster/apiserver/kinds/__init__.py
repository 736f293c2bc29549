"""One strategy a kind: what is defaulted, validated, immutable. The dict names them by resource."""

from __future__ import annotations

from cluster.apiserver.kinds import (
    autoscaling,
    claims,
    controllers,
    core,
    cronjobs,
    events,
    jobs,
    pods,
    registrations,
    services,
    simulation,
    statefulsets,
    workloads,
)
from cluster.apiserver.kinds.base import Kind, WithStatus
from cluster.apiserver.resources import Resource
from cluster.apiserver.strategy import Strategy

STRATEGIES: dict[str, Strategy] = {
    "configmaps": core.ConfigMaps(),
    "controllerrevisions.apps": workloads.ControllerRevisions(),
    "daemonsets.apps": workloads.DaemonSets(),
    "deployments.apps": workloads.Deployments(),
    "endpoints": core.Endpoints(),
    "endpointslices.discovery.k8s.io": core.EndpointSlices(),
    "events": events.Events(),
    "ipaddresses.networking.k8s.io": Kind(),
    "jobs.batch": jobs.Jobs(),
    "leases.coordination.k8s.io": core.Leases(),
    "namespaces": core.Namespaces(),
    "nodes": core.Nodes(),
    "pods": pods.Pods(),
    "replicasets.apps": workloads.ReplicaSets(),
    "secrets": core.Secrets(),
    "serviceaccounts": Kind(),
    "services": services.Services(),
    "cronjobs.batch": cronjobs.CronJobs(),
    "horizontalpodautoscalers.autoscaling": autoscaling.HorizontalPodAutoscalers(),
    "ingresses.networking.k8s.io": WithStatus(),
    "persistentvolumeclaims": claims.PersistentVolumeClaims(),
    "persistentvolumes": claims.PersistentVolumes(),
    "poddisruptionbudgets.policy": WithStatus(),
    "podtemplates": controllers.PodTemplates(),
    "replicationcontrollers": controllers.ReplicationControllers(),
    "resourceclaims.resource.k8s.io": WithStatus(),
    "resourcequotas": WithStatus(),
    "servicecidrs.networking.k8s.io": WithStatus(),
    "statefulsets.apps": statefulsets.StatefulSets(),
    "volumeattachments.storage.k8s.io": WithStatus(),
    "apiservices.apiregistration.k8s.io": registrations.APIServices(),
    "clocks.orrery.sim": simulation.Clocks(),
    "faults.orrery.sim": simulation.Faults(),
    "machines.orrery.sim": core.Machines(),
}


NOTHING_SPECIAL = Kind()


def strategy_for(resource: Resource) -> Strategy:
    return STRATEGIES.get(resource.stored_as or resource.id, NOTHING_SPECIAL)
