"""The ConfigMaps that tell others whom this cluster trusts, made true at every start.

extension-apiserver-authentication (for API servers that delegate), cluster-info (for who joins)
and the note since when tokens in Secrets are tracked. Models pkg/controlplane/controller/
{clusterauthenticationtrust,legacytokentracking} and kubeadm's phases/bootstraptoken/clusterinfo.
"""

from __future__ import annotations

import base64

import yaml

from cluster.client import Client, kinds
from cluster.machinery.clock import format_time
from cluster.machinery.meta import Object

SYSTEM = "kube-system"
TRACKING = "kube-apiserver-legacy-service-account-token-tracking"


def ensure_trust(client: Client, authority: str, server: str) -> None:
    """`authority` is the PEM text of the cluster's certificate authority."""
    client.acting("bootstrap", "trust")
    cluster = {
        "certificate-authority-data": base64.b64encode(authority.encode()).decode(),
        "server": server,
    }
    info = {"apiVersion": "v1", "kind": "Config", "clusters": [{"name": "", "cluster": cluster}]}
    told = {"client-ca-file": authority}
    _ensure(client, SYSTEM, "extension-apiserver-authentication", told)
    _ensure(client, "kube-public", "cluster-info", {"kubeconfig": yaml.safe_dump(info)})
    since = format_time(client.registry.clock.now())[:10]
    _ensure(client, SYSTEM, TRACKING, {"since": since}, keep=True)
    client.flush()


def _ensure(
    client: Client, namespace: str, name: str, data: dict[str, str], keep: bool = False
) -> None:
    """`keep`: what is there counts."""
    found = client.registry.find(kinds.CONFIG_MAPS, namespace, name)
    if found is None:
        meta = {"name": name, "namespace": namespace}
        obj: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}
        client.create(obj)
    elif not keep and data.items() - (found.get("data") or {}).items():
        client.update({**found, "data": {**(found.get("data") or {}), **data}}, base=found)
