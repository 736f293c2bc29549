"""Power off and back on, cordon, delete a node."""

from __future__ import annotations

from cluster.client import Client, kinds
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object


def power_off(client: Client, node: str) -> str:
    """Create the Fault that kubectl could create as well. Twice is once."""
    client.get(kinds.NODES, "", node)
    if faults_of(client, node):
        return f"{node} is off already."
    _create_fault(client, node)
    return f"{node} lost its power. In 40 s of cluster time the control plane will notice."


def _create_fault(client: Client, node: str) -> None:
    fault = {
        "apiVersion": "orrery.sim/v1",
        "kind": "Fault",
        "metadata": {"name": f"power-off-{node}"},
        "spec": {"type": "NodePowerOff", "target": {"kind": "Node", "names": [node]}},
    }
    try:
        client.do_create(fault)
    except StatusError as error:
        if error.reason != "AlreadyExists":
            raise


def bring_back(client: Client, node: str) -> str:
    """Delete the faults on this node; others that such a fault holds stay off by faults of
    their own, made first, since a fault cannot be changed."""
    found = faults_of(client, node)
    for fault in found:
        for other in fault["spec"]["target"]["names"]:
            if other != node:
                _create_fault(client, other)
        try:
            client.do_delete(kinds.FAULTS, "", fault["metadata"]["name"])
        except StatusError as error:
            if error.code != 404:
                raise
    return f"{node} is powered on." if found else f"{node} was not off."


def faults_of(client: Client, node: str) -> list[Object]:
    out = []
    for fault in client.list(kinds.FAULTS):
        spec = fault.get("spec") or {}
        target = spec.get("target") or {}
        if spec.get("type") == "NodePowerOff" and node in (target.get("names") or ()):
            out.append(fault)
    return out


def cordon(client: Client, node: str) -> str:
    return _set_unschedulable(client, node, True)


def uncordon(client: Client, node: str) -> str:
    return _set_unschedulable(client, node, False)


def _set_unschedulable(client: Client, node: str, wanted: bool) -> str:
    # Words as kubectl cordon prints them.
    word = "cordoned" if wanted else "uncordoned"
    before = client.get(kinds.NODES, "", node)
    if bool((before.get("spec") or {}).get("unschedulable")) == wanted:
        return f"node/{node} already {word}"

    def change(obj: Object) -> Object:
        spec = {k: v for k, v in (obj.get("spec") or {}).items() if k != "unschedulable"}
        return {**obj, "spec": {**spec, "unschedulable": True} if wanted else spec}

    client.do_patch(kinds.NODES, "", node, change)
    return f"node/{node} {word}"


def delete(client: Client, node: str) -> str:
    client.do_delete(kinds.NODES, "", node)
    return f'node "{node}" deleted'
