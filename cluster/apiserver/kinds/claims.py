"""PersistentVolumeClaims and PersistentVolumes. Models pkg/apis/core and registry/core."""

from __future__ import annotations

from cluster.apiserver.kinds.base import WithStatus
from cluster.apiserver.kinds.podspec import canonical_amounts
from cluster.apiserver.strategy import Context
from cluster.machinery.meta import Object


def default_claim_spec(spec: Object) -> None:
    spec.setdefault("volumeMode", "Filesystem")
    canonical_amounts(spec.get("resources") or {})


class PersistentVolumeClaims(WithStatus):
    tracks_generation = False

    def default(self, obj: Object) -> None:
        default_claim_spec(obj.setdefault("spec", {}))

    def prepare_for_create(self, ctx: Context, obj: Object) -> None:
        obj["status"] = {"phase": "Pending"}


class PersistentVolumes(WithStatus):
    tracks_generation = False

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        spec.setdefault("persistentVolumeReclaimPolicy", "Retain")
        spec.setdefault("volumeMode", "Filesystem")
        canonical_amounts({"requests": spec.get("capacity")})

    def prepare_for_create(self, ctx: Context, obj: Object) -> None:
        obj["status"] = {"phase": "Pending"}
