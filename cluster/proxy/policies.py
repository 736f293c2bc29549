"""NetworkPolicies: which connections a network plugin lets through. Models the semantics of
networking/v1: a pod that no policy selects is open; one that is selected is open to what any of
them allows. What is not allowed is dropped: the client waits until it gives up.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from cluster.client import kinds
from cluster.machinery import selectors
from cluster.machinery.meta import Object
from cluster.proxy.routes import Objects

Pair = tuple[str, str]  # the field of a policy, and of its rules' peers
INGRESS, EGRESS = ("ingress", "from"), ("egress", "to")


class Policies:
    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def allow(self, client: Object | None, server: Object, port: int) -> bool:
        """Whether a connection between two pods gets through; a client outside has no pod."""
        if client is not None and client["metadata"]["uid"] == server["metadata"]["uid"]:
            return True
        if client is not None and not self._open(EGRESS, client, server, server, port):
            return False
        return self._open(INGRESS, server, client, server, port)

    def _open(
        self, way: Pair, pod: Object, peer: Object | None, server: Object, port: int
    ) -> bool:  # fmt: skip
        """`pod` is whose policies are asked; `server` is whose port is meant."""
        found = self._selecting(pod, way[0])
        return not found or any(
            self._rule(rule, way[1], policy, peer, server, port)
            for policy in found
            for rule in policy["spec"].get(way[0]) or ()
        )

    def _selecting(self, pod: Object, direction: str) -> list[Object]:
        meta = pod["metadata"]
        if pod["spec"].get("hostNetwork"):
            return []
        out = []
        for policy in self._objects.list(kinds.NETWORK_POLICIES, meta["namespace"]):
            spec = policy["spec"]
            types = spec.get("policyTypes") or (
                ["Ingress", "Egress"] if "egress" in spec else ["Ingress"]
            )
            chosen = selectors.from_label_selector(spec.get("podSelector") or {})
            if direction.capitalize() in types and chosen.matches(meta.get("labels") or {}):
                out.append(policy)
        return out

    def _rule(
        self, rule: Object, side: str, policy: Object, peer: Object | None, server: Object,
        port: int,
    ) -> bool:  # fmt: skip
        ports, peers = rule.get("ports"), rule.get(side)
        if ports and not any(_covers(p, server, port) for p in ports):
            return False
        return not peers or any(self._peer(p, policy, peer) for p in peers)

    def _peer(self, wanted: Object, policy: Object, peer: Object | None) -> bool:
        if block := wanted.get("ipBlock"):
            return _in_block(block, peer)
        if peer is None:
            return False
        meta = peer["metadata"]
        if "namespaceSelector" in wanted:
            namespace = self._objects.find(kinds.NAMESPACES, "", meta["namespace"])
            labels = (namespace or {}).get("metadata", {}).get("labels") or {}
            chosen = selectors.from_label_selector(wanted["namespaceSelector"] or {})
            if not chosen.matches(labels):
                return False
        elif meta["namespace"] != policy["metadata"]["namespace"]:
            return False
        if "podSelector" not in wanted:
            return True
        pods = selectors.from_label_selector(wanted["podSelector"] or {})
        return pods.matches(meta.get("labels") or {})


OUTSIDE = "192.168.49.1"


def _in_block(block: Object, peer: Object | None) -> bool:
    text = (peer.get("status") or {}).get("podIP", "") if peer is not None else OUTSIDE
    try:
        address = ip_address(text)
        inside = address in ip_network(block["cidr"], strict=False)
        return inside and not any(
            address in ip_network(e, strict=False) for e in block.get("except") or ()
        )
    except ValueError:
        return False


def _covers(entry: Object, server: Object, port: int) -> bool:
    if entry.get("protocol", "TCP") != "TCP":
        return False
    wanted = entry.get("port")
    if wanted is None:
        return True
    if isinstance(wanted, str) and not wanted.isdigit():
        return any(
            p.get("name") == wanted and p.get("containerPort") == port
            for c in server["spec"]["containers"]
            for p in c.get("ports") or ()
        )
    return int(wanted) <= port <= int(entry.get("endPort") or wanted)
