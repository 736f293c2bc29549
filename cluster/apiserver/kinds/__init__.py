"""One strategy a kind: what is defaulted, validated, immutable. The dict names them by resource."""

from __future__ import annotations

from cluster.apiserver.kinds import core, jobs, pods, services, simulation, workloads
from cluster.apiserver.kinds.base import Kind
from cluster.apiserver.resources import Resource
from cluster.apiserver.strategy import Strategy

STRATEGIES: dict[str, Strategy] = {
    "configmaps": core.ConfigMaps(),
    "controllerrevisions.apps": workloads.ControllerRevisions(),
    "daemonsets.apps": workloads.DaemonSets(),
    "deployments.apps": workloads.Deployments(),
    "endpoints": core.Endpoints(),
    "endpointslices.discovery.k8s.io": core.EndpointSlices(),
    "events": core.Events(),
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
    "clocks.orrery.sim": simulation.Clocks(),
    "faults.orrery.sim": simulation.Faults(),
    "machines.orrery.sim": core.Machines(),
}


def strategy_for(resource: Resource) -> Strategy:
    return STRATEGIES[resource.id]
