"""One strategy a kind: what is defaulted, validated, immutable. The dict names them by resource."""

from __future__ import annotations

from cluster.apiserver.custom.crds import CustomResourceDefinitions
from cluster.apiserver.custom.resource import CustomResource
from cluster.apiserver.kinds import (
    admissionpolicies,
    autoscaling,
    certificates,
    claims,
    controllers,
    core,
    cronjobs,
    dra,
    endpoints,
    events,
    flowcontrol,
    ingresses,
    jobs,
    networking,
    pods,
    policy,
    quotas,
    rbac,
    registrations,
    scheduling,
    secrets,
    services,
    simulation,
    statefulsets,
    storage,
    webhooks,
    workloads,
)
from cluster.apiserver.kinds.base import Kind
from cluster.apiserver.resources import Resource
from cluster.apiserver.strategy import Strategy

STRATEGIES: dict[str, Strategy] = {
    "schedulingdecisions.orrery.sim": simulation.SchedulingDecisions(),
    "configmaps": secrets.ConfigMaps(),
    "controllerrevisions.apps": workloads.ControllerRevisions(),
    "daemonsets.apps": workloads.DaemonSets(),
    "deployments.apps": workloads.Deployments(),
    "endpoints": endpoints.Endpoints(),
    "endpointslices.discovery.k8s.io": endpoints.EndpointSlices(),
    "events": events.Events(),
    "ipaddresses.networking.k8s.io": networking.IPAddresses(),
    "jobs.batch": jobs.Jobs(),
    "leases.coordination.k8s.io": core.Leases(),
    "namespaces": core.Namespaces(),
    "nodes": core.Nodes(),
    "pods": pods.Pods(),
    "replicasets.apps": workloads.ReplicaSets(),
    "secrets": secrets.Secrets(),
    "serviceaccounts": Kind(),
    "services": services.Services(),
    "certificatesigningrequests.certificates.k8s.io": certificates.CertificateSigningRequests(),
    "clusterrolebindings.rbac.authorization.k8s.io": rbac.ClusterRoleBindings(),
    "clusterroles.rbac.authorization.k8s.io": rbac.ClusterRoles(),
    "rolebindings.rbac.authorization.k8s.io": rbac.RoleBindings(),
    "roles.rbac.authorization.k8s.io": rbac.Roles(),
    "cronjobs.batch": cronjobs.CronJobs(),
    "horizontalpodautoscalers.autoscaling": autoscaling.HorizontalPodAutoscalers(),
    "ingresses.networking.k8s.io": ingresses.Ingresses(),
    "persistentvolumeclaims": claims.PersistentVolumeClaims(),
    "persistentvolumes": claims.PersistentVolumes(),
    "poddisruptionbudgets.policy": policy.PodDisruptionBudgets(),
    "podtemplates": controllers.PodTemplates(),
    "replicationcontrollers": controllers.ReplicationControllers(),
    "resourceclaims.resource.k8s.io": dra.ResourceClaims(),
    "resourcequotas": quotas.ResourceQuotas(),
    "servicecidrs.networking.k8s.io": networking.ServiceCIDRs(),
    "statefulsets.apps": statefulsets.StatefulSets(),
    "volumeattachments.storage.k8s.io": storage.VolumeAttachments(),
    "apiservices.apiregistration.k8s.io": registrations.APIServices(),
    "csidrivers.storage.k8s.io": storage.CSIDrivers(),
    "csinodes.storage.k8s.io": storage.CSINodes(),
    "csistoragecapacities.storage.k8s.io": storage.CSIStorageCapacities(),
    "deviceclasses.resource.k8s.io": dra.DeviceClasses(),
    "flowschemas.flowcontrol.apiserver.k8s.io": flowcontrol.FlowSchemas(),
    "ingressclasses.networking.k8s.io": ingresses.IngressClasses(),
    "limitranges": quotas.LimitRanges(),
    "networkpolicies.networking.k8s.io": networking.NetworkPolicies(),
    "priorityclasses.scheduling.k8s.io": scheduling.PriorityClasses(),
    "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": (
        flowcontrol.PriorityLevelConfigurations()
    ),
    "resourceclaimtemplates.resource.k8s.io": dra.ResourceClaimTemplates(),
    "resourceslices.resource.k8s.io": dra.ResourceSlices(),
    "runtimeclasses.node.k8s.io": scheduling.RuntimeClasses(),
    "storageclasses.storage.k8s.io": storage.StorageClasses(),
    "volumeattributesclasses.storage.k8s.io": storage.VolumeAttributesClasses(),
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": (
        webhooks.MutatingWebhookConfigurations()
    ),
    "validatingwebhookconfigurations.admissionregistration.k8s.io": (
        webhooks.WebhookConfigurations()
    ),
    "validatingadmissionpolicies.admissionregistration.k8s.io": (
        admissionpolicies.ValidatingAdmissionPolicies()
    ),
    "validatingadmissionpolicybindings.admissionregistration.k8s.io": (
        admissionpolicies.ValidatingAdmissionPolicyBindings()
    ),
    "customresourcedefinitions.apiextensions.k8s.io": CustomResourceDefinitions(),
    "clocks.orrery.sim": simulation.Clocks(),
    "faults.orrery.sim": simulation.Faults(),
    "journalentries.orrery.sim": simulation.JournalEntries(),
    "machines.orrery.sim": core.Machines(),
}


NOTHING_SPECIAL = Kind()


def strategy_for(resource: Resource) -> Strategy:
    if isinstance(resource, CustomResource):
        return resource.version_info.strategy
    return STRATEGIES.get(resource.stored_as or resource.id, NOTHING_SPECIAL)
