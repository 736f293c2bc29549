"""Static pods: manifests in the control-plane machine's /etc/kubernetes/manifests.

The kubelet runs them whatever the API server says, and shows each as a mirror pod. Models
pkg/kubelet/config/file.go and pkg/kubelet/pod/mirror_client.go.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import orjson
import yaml

from cluster.machinery.clock import format_time
from cluster.machinery.meta import Object, annotations_of, deep_copy

DATA = Path(__file__).with_name("data")
MIRROR = "kubernetes.io/config.mirror"
HASH = "kubernetes.io/config.hash"
SEEN = "kubernetes.io/config.seen"
SOURCE = "kubernetes.io/config.source"


@lru_cache(maxsize=1)
def manifests() -> tuple[Object, ...]:
    """The control plane's manifests, in order of their file names."""
    return tuple(yaml.safe_load(p.read_text()) for p in sorted(DATA.glob("*.yaml")))


def is_mirror(pod: Object) -> bool:
    return MIRROR in annotations_of(pod)


def mirror(manifest: Object, node: Object, now: float) -> Object:
    """The mirror pod of a manifest on a node."""
    name = node["metadata"]["name"]
    pod = deep_copy(manifest)
    digest = sha256(orjson.dumps(manifest)).hexdigest()[:32]
    meta = pod["metadata"]
    meta["name"] = f"{meta['name']}-{name}"
    meta["namespace"] = "kube-system"
    own = {HASH: digest, MIRROR: digest, SEEN: format_time(now), SOURCE: "file"}
    meta["annotations"] = {**(meta.get("annotations") or {}), **own}
    owner = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": node["metadata"]["uid"]}
    meta["ownerReferences"] = [{**owner, "controller": True}]
    pod["spec"]["nodeName"] = name
    pod["spec"]["tolerations"] = [{"effect": "NoExecute", "operator": "Exists"}]
    return pod
