"""What minikube and kubeadm leave behind on a new cluster: machines, namespaces, addons.

Only what those tools create is created here. Nodes register themselves, static pods come from the
kubelet, workloads from their controllers. Models cmd/kubeadm/app/phases and minikube's addons.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import yaml

from cluster.apiserver.authz.defaults import controller_accounts
from cluster.client import Client, Options, kinds
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object, name_of
from cluster.simulation.roles import ensure_roles

CONTROL_PLANE = "minikube"
DATA = Path(__file__).with_name("data")


@dataclass(frozen=True, slots=True)
class Shape:
    """How many machines (the control plane counts) and what each worker has."""

    nodes: int = 3
    cpu: str = "8"
    memory: str = "16Gi"
    pods: int = 110


def machine_name(index: int) -> str:
    """minikube's names: minikube, minikube-m02, minikube-m03..."""
    return CONTROL_PLANE if index == 0 else f"{CONTROL_PLANE}-m{index + 1:02d}"


def machine(index: int, shape: Shape) -> Object:
    """The control-plane machine has minikube's default size whatever the workers have."""
    control = index == 0
    default = Shape()
    return {
        "apiVersion": "orrery.sim/v1",
        "kind": "Machine",
        "metadata": {"name": machine_name(index)},
        "spec": {
            "role": "control-plane" if control else "worker",
            "cpu": default.cpu if control else shape.cpu,
            "memory": default.memory if control else shape.memory,
            "pods": default.pods if control else shape.pods,
        },
    }


def bootstrap(client: Client, shape: Shape) -> bool:
    """Create a new cluster's first objects; False when the cluster exists already.

    The clock comes last: a cluster that has one was bootstrapped to the end, and one whose
    bootstrap was cut short is finished on the next call.
    """
    if any(name_of(clock) == "cluster" for clock in client.list(kinds.CLOCKS)):
        ensure_roles(client)
        return False
    client.acting("bootstrap", "new cluster")
    for path in sorted(DATA.glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            _ensure(client, cast(Object, document))
    for obj in (*api_services(), *controller_accounts()):
        client.create(obj, on_error=_unless_exists)
    ensure_roles(client)
    for index in range(shape.nodes):
        client.create(machine(index, shape), on_error=_unless_exists)
    client.flush()
    clock = {"apiVersion": "orrery.sim/v1", "kind": "Clock", "metadata": {"name": "cluster"}}
    _ensure(client, {**clock, "spec": {"speed": 1, "paused": False}})
    return True


def api_services() -> list[Object]:
    """One for each group and version we serve. Models kube-aggregator's autoregister controller."""
    found = {(r.group, r.version): None for r in kinds.SERVED}
    out = []
    for index, (group, version) in enumerate(found):
        out.append(
            {
                "apiVersion": "apiregistration.k8s.io/v1",
                "kind": "APIService",
                "metadata": {
                    "name": f"{version}.{group}",
                    "labels": {"kube-aggregator.kubernetes.io/automanaged": "onstart"},
                },
                "spec": {
                    "group": group,
                    "version": version,
                    "groupPriorityMinimum": 17800 - 50 * index if group else 18000,
                    "versionPriority": 15,
                },
            }
        )
    return out


def _ensure(client: Client, obj: Object) -> None:
    try:
        client.do_create(obj)
    except StatusError as error:
        _unless_exists(error)


def _unless_exists(error: StatusError) -> None:
    if error.reason != "AlreadyExists":
        raise error


def resize(client: Client, shape: Shape) -> tuple[list[str], list[str]]:
    """Bring an existing cluster to `shape.nodes` machines; returns the names (added, removed).

    A machine that goes is drained first: cordoned, its pods deleted with their grace, and then
    the Machine and the Node. The control plane always stays.
    """
    client.acting("bootstrap", f"resize to {shape.nodes} nodes")
    have = {name_of(m) for m in client.list(kinds.MACHINES)}
    wanted = [machine_name(i) for i in range(shape.nodes)]
    added = [i for i, name in enumerate(wanted) if name not in have]
    for index in added:
        client.create(machine(index, shape), on_error=_unless_exists)
    client.flush()
    removed = sorted(have - set(wanted) - {CONTROL_PLANE})
    if removed:
        _remove(client, frozenset(removed))
    return [machine_name(i) for i in added], removed


def _remove(client: Client, names: frozenset[str]) -> None:
    for node in client.list(kinds.NODES):
        if name_of(node) in names:
            spec = {**node.get("spec", {}), "unschedulable": True}
            client.update({**node, "spec": spec}, base=node, on_error=_unless_gone)
    client.flush()
    for pod in client.list(kinds.PODS):
        if pod["spec"].get("nodeName") in names:
            client.delete(pod, on_error=_unless_gone)
    client.flush()
    for name in sorted(names):
        for resource in (kinds.MACHINES, kinds.NODES):
            try:
                client.do_delete(resource, "", name, Options())
            except StatusError as error:
                _unless_gone(error)


def _unless_gone(error: StatusError) -> None:
    if error.code != 404:
        raise error
