"""node-ipam: a /24 of the pod network for every node. Models pkg/controller/nodeipam (range)."""

from __future__ import annotations

from ipaddress import IPv4Network

from cluster.client import Controller, Env, InformerEvent, kinds
from cluster.machinery.meta import is_deleting

CLUSTER_CIDR = IPv4Network("10.128.0.0/9")
NODE_BITS = 24
STEP = 2 ** (32 - NODE_BITS)
BLOCKS = CLUSTER_CIDR.num_addresses // STEP


class NodeIpamController(Controller):
    name = "node-ipam-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.nodes = env.informers.lister(kinds.NODES)
        self._taken: dict[str, str] = {}  # block -> node
        self._next = 0
        env.informers[kinds.NODES].add_handler(self._on_node)

    def _on_node(self, event: InformerEvent) -> None:
        block = event.obj["spec"].get("podCIDR", "")
        if event.type == "DELETED":
            self._taken.pop(block, None)
        elif block:
            self._taken[block] = event.key
        else:
            self.enqueue(event.key, event.revision)

    def reconcile(self, key: str) -> None:
        node = self.nodes.get(key)
        if node is None or is_deleting(node) or node["spec"].get("podCIDR"):
            return
        block = self._free()
        if not block:
            self.recorder.event(
                node, "Normal", "CIDRNotAvailable", f"Node {key} status is now: CIDRNotAvailable"
            )
            return
        self._taken[block] = key
        spec = {**node["spec"], "podCIDR": block, "podCIDRs": [block]}
        self.client.update({**node, "spec": spec}, base=node)

    def _free(self) -> str:
        base = int(CLUSTER_CIDR.network_address)
        for _ in range(BLOCKS):
            block = str(IPv4Network((base + self._next * STEP, NODE_BITS)))
            self._next = (self._next + 1) % BLOCKS
            if block not in self._taken:
                return block
        return ""
