"""ServiceAccount: every pod runs as one, and gets its token mounted.

Models plugin/pkg/admission/serviceaccount.
"""

from __future__ import annotations

from hashlib import sha256

import orjson

from cluster.apiserver.resources import PODS, SERVICE_ACCOUNTS
from cluster.apiserver.strategy import Context
from cluster.machinery import errors
from cluster.machinery.entropy import SAFE_ALPHABET
from cluster.machinery.meta import Object, annotations_of

MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
MIRROR = "kubernetes.io/config.mirror"


def admit(ctx: Context, new: Object | None, old: Object | None) -> None:
    if new is None or old is not None or ctx.operation.resource is not PODS:
        return
    spec = new["spec"]
    if MIRROR in annotations_of(new):
        if spec.get("serviceAccountName"):
            why = "a mirror pod may not reference service accounts"
            raise errors.forbidden("pods", "", new["metadata"].get("name", ""), why)
        return
    name = spec.get("serviceAccountName") or "default"
    spec["serviceAccountName"] = spec["serviceAccount"] = name
    account = ctx.lookup.policies.find(SERVICE_ACCOUNTS, ctx.operation.namespace, name)
    if account is None:
        # A name that was generated a moment ago is nobody's business yet.
        pod = ctx.operation.name or new["metadata"].get("generateName", "")
        why = (
            f"error looking up service account {ctx.operation.namespace}/{name}: "
            f'serviceaccount "{name}" not found'
        )
        raise errors.forbidden("pods", "", pod, why)
    if account.get("imagePullSecrets") and not spec.get("imagePullSecrets"):
        spec["imagePullSecrets"] = [dict(s) for s in account["imagePullSecrets"]]
    wanted = spec.get("automountServiceAccountToken")
    if wanted is None:
        wanted = account.get("automountServiceAccountToken", True)
    if wanted:
        _mount(spec)


def _mount(spec: Object) -> None:
    containers = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    bare = [c for c in containers if not _mounted(c)]
    if not bare:
        return
    volume = f"kube-api-access-{_suffix(spec)}"
    for container in bare:
        mount = {"name": volume, "readOnly": True, "mountPath": MOUNT_PATH}
        container["volumeMounts"] = [*(container.get("volumeMounts") or ()), mount]
    spec["volumes"] = [*(spec.get("volumes") or ()), _volume(volume)]


def _mounted(container: Object) -> bool:
    return any(m.get("mountPath") == MOUNT_PATH for m in container.get("volumeMounts") or ())


def _suffix(spec: Object) -> str:
    """Upstream draws it for each pod; ours follows from the spec, so that the pods of one
    template share one encoded spec."""
    digest = sha256(orjson.dumps(spec, option=orjson.OPT_SORT_KEYS)).digest()
    return "".join(SAFE_ALPHABET[b % len(SAFE_ALPHABET)] for b in digest[:5])


def _volume(name: str) -> Object:
    namespace_item = {
        "path": "namespace",
        "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"},
    }
    return {
        "name": name,
        "projected": {
            "sources": [
                {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                {
                    "configMap": {
                        "name": "kube-root-ca.crt",
                        "items": [{"key": "ca.crt", "path": "ca.crt"}],
                    }
                },
                {"downwardAPI": {"items": [namespace_item]}},
            ],
            "defaultMode": 420,
        },
    }
