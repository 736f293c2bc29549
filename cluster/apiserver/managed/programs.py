"""As whom a write is recorded: clients say it themselves, components stand for a program."""

from __future__ import annotations

from functools import lru_cache

from cluster.apiserver.operations import Operation, User

# In-process clients whose user does not tell the program.
PROGRAMS = {"system:nodes": "kubelet"}
# Who makes what a cluster is born with; the rest is kubeadm's.
BIRTH = "system:orrery:bootstrap"
_APF = "api-priority-and-fairness-config-producer-v1"
BORN = {
    "flowschemas.flowcontrol.apiserver.k8s.io": _APF,
    "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": _APF,
    **dict.fromkeys(
        (
            "namespaces", "services", "endpoints", "endpointslices.discovery.k8s.io",
            "servicecidrs.networking.k8s.io", "priorityclasses.scheduling.k8s.io",
            "clusterroles.rbac.authorization.k8s.io", "roles.rbac.authorization.k8s.io",
            "clusterrolebindings.rbac.authorization.k8s.io",
            "rolebindings.rbac.authorization.k8s.io",
        ),
        "kube-apiserver",
    ),
}  # fmt: skip


def manager_of(operation: Operation) -> str:
    """The name that a write's entry carries."""
    if operation.user.name == BIRTH:
        return BORN.get(operation.resource.id, "kubeadm")
    return operation.options.field_manager or component_name(operation.user)


@lru_cache(maxsize=4096)
def component_name(user: User) -> str:
    """The program behind an in-process client: what its User-Agent would begin with."""
    name = user.name
    if name in PROGRAMS:
        return PROGRAMS[name]
    if name.startswith("system:node:"):
        return "kubelet"
    if name.startswith("system:serviceaccount:kube-system:") and name.endswith("-controller"):
        return "kube-controller-manager"
    if name.startswith("system:apiserver"):
        return "kube-apiserver"
    return name.rpartition(":")[2] or "unknown"
