"""kube-controller-manager: one file a controller, one dict that lists them.

Each is a reconciler on informers (cluster.client.Controller): it reads the cluster from caches,
decides for one key, and queues writes. Not here: scheduling, and anything a kubelet does.
Models pkg/controller and cmd/kube-controller-manager.
"""

from __future__ import annotations

from cluster.apiserver.authn import TokenKey
from cluster.client import Component, Controller, Env
from cluster.controllers.accounttokens import TokensController
from cluster.controllers.attachdetach import AttachDetachController
from cluster.controllers.certificates import (
    ApprovingController,
    CleaningController,
    SigningController,
)
from cluster.controllers.clusterroles import ClusterRoleAggregationController
from cluster.controllers.cronjob import CronJobController
from cluster.controllers.customresources import CustomResourceController
from cluster.controllers.daemonset import DaemonSetController
from cluster.controllers.deployment import DeploymentController
from cluster.controllers.disruption import DisruptionController
from cluster.controllers.endpoints import EndpointsController
from cluster.controllers.endpointslice import EndpointSliceController
from cluster.controllers.endpointslicemirroring import EndpointSliceMirroringController
from cluster.controllers.ephemeralvolume import EphemeralVolumeController
from cluster.controllers.externalstorage import ExternalStorage
from cluster.controllers.garbagecollector import GarbageCollector
from cluster.controllers.hpa import HorizontalPodAutoscalerController
from cluster.controllers.job import JobController
from cluster.controllers.leaderlease import LeaderLeases
from cluster.controllers.namespace import NamespaceController
from cluster.controllers.nodeipam import NodeIpamController
from cluster.controllers.nodelifecycle import NodeLifecycleController
from cluster.controllers.podgc import PodGCController
from cluster.controllers.replicaset import ReplicaSetController
from cluster.controllers.replicationcontroller import ReplicationControllerController
from cluster.controllers.resourcequota import ResourceQuotaController
from cluster.controllers.rootca import RootCAPublisher
from cluster.controllers.serviceaccount import ServiceAccountController
from cluster.controllers.servicelb import ServiceLBController
from cluster.controllers.statefulset import StatefulSetController
from cluster.controllers.tainteviction import TaintEvictionController
from cluster.controllers.tokencleaner import TokenCleaner
from cluster.controllers.ttlafterfinished import TTLAfterFinishedController
from cluster.controllers.volumebinder import PersistentVolumeBinder
from cluster.controllers.volumeprotection import ClaimProtection, VolumeProtection
from cluster.machinery.signing import Authority

CONTROLLERS: dict[str, type[Controller]] = {
    "namespace-controller": NamespaceController,
    "serviceaccount-controller": ServiceAccountController,
    "serviceaccount-token-controller": TokensController,
    "token-cleaner-controller": TokenCleaner,
    "clusterrole-aggregation-controller": ClusterRoleAggregationController,
    "certificatesigningrequest-approving-controller": ApprovingController,
    "certificatesigningrequest-signing-controller": SigningController,
    "certificatesigningrequest-cleaner-controller": CleaningController,
    "root-ca-certificate-publisher-controller": RootCAPublisher,
    "node-ipam-controller": NodeIpamController,
    "node-lifecycle-controller": NodeLifecycleController,
    "taint-eviction-controller": TaintEvictionController,
    "deployment-controller": DeploymentController,
    "replicaset-controller": ReplicaSetController,
    "replicationcontroller-controller": ReplicationControllerController,
    "statefulset-controller": StatefulSetController,
    "daemonset-controller": DaemonSetController,
    "job-controller": JobController,
    "cronjob-controller": CronJobController,
    "resourcequota-controller": ResourceQuotaController,
    "horizontal-pod-autoscaler-controller": HorizontalPodAutoscalerController,
    "disruption-controller": DisruptionController,
    "ttl-after-finished-controller": TTLAfterFinishedController,
    "ephemeral-volume-controller": EphemeralVolumeController,
    "persistentvolume-binder-controller": PersistentVolumeBinder,
    "persistentvolumeclaim-protection-controller": ClaimProtection,
    "persistentvolume-protection-controller": VolumeProtection,
    "persistentvolume-attach-detach-controller": AttachDetachController,
    "orrery-leader-leases": LeaderLeases,
    "orrery-external-storage": ExternalStorage,
    "endpoints-controller": EndpointsController,
    "endpointslice-controller": EndpointSliceController,
    "endpointslice-mirroring-controller": EndpointSliceMirroringController,
    "service-lb-controller": ServiceLBController,
    "crd-finalizer": CustomResourceController,
    "garbage-collector-controller": GarbageCollector,
    "pod-garbage-collector-controller": PodGCController,
}


def selected(names: str) -> list[str]:
    """`--controllers` as upstream reads it: `*` all, `foo` that one, `-foo` not that one."""
    wanted = [n.strip() for n in names.split(",") if n.strip()]
    unknown = [n for n in wanted if n != "*" and n.removeprefix("-") not in CONTROLLERS]
    if unknown:
        raise ValueError(f'"{unknown[0]}" is not in the list of known controllers')
    return [
        name
        for name in CONTROLLERS
        if f"-{name}" not in wanted and ("*" in wanted or name in wanted)
    ]


def build(
    env: Env,
    names: str = "*",
    root_ca: str = "",
    authority: Authority | None = None,
    token_key: TokenKey | None = None,
) -> Component:
    """`root_ca` is the PEM text of the authority that pods are to trust; `authority` signs
    certificates, `token_key` the tokens in Secrets: without them nobody does."""
    parts = [CONTROLLERS[name](env) for name in selected(names)]
    for part in parts:
        if isinstance(part, RootCAPublisher | TokensController):
            part.certificate = root_ca
        if isinstance(part, TokensController):
            part.key = token_key
        if isinstance(part, SigningController):
            part.authority = authority
    return Component("kube-controller-manager", env, [*parts])


__all__ = ["CONTROLLERS", "build", "selected"]
