"""The claims of a StatefulSet's pods: made before the pod, kept or dropped with it.

Models pkg/controller/statefulset/stateful_pod_control.go and the PVC owner references of
stateful_set_utils.go.
"""

from __future__ import annotations

from cluster.client import Env, EventRecorder, kinds
from cluster.controllers import statefulpods
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import (
    Object,
    is_deleting,
    name_of,
    namespace_of,
    uid_of,
    with_metadata,
)


class StatefulClaims:
    def __init__(self, env: Env, recorder: EventRecorder) -> None:
        self._client = env.client
        self._recorder = recorder
        self._claims = env.informers.lister(kinds.PERSISTENT_VOLUME_CLAIMS)

    def ensure(self, found: Object, ordinal: int) -> bool:
        """Make what is missing; False while an old claim of that name is on its way out."""
        ok = True
        for claim in statefulpods.claims_of(found, ordinal):
            have = self._claims.get(f"{namespace_of(found)}/{name_of(claim)}")
            if have is None:
                self._create(found, claim, ordinal)
            elif is_deleting(have):
                ok = False
        return ok

    def _create(self, found: Object, claim: Object, ordinal: int) -> None:
        pod = f"{name_of(found)}-{ordinal}"
        what = f"create Claim {name_of(claim)} Pod {pod} in StatefulSet {name_of(found)}"

        def refused(error: StatusError) -> None:
            text = f"{what} failed error: {error.message}"
            self._recorder.event(found, "Warning", "FailedCreate", text)

        def done(_: Object) -> None:
            self._recorder.event(found, "Normal", "SuccessfulCreate", f"{what} success")

        self._client.create(claim, on_error=refused, on_done=done)

    def retain(self, found: Object, pod: Object, condemned: bool) -> bool:
        """Owner references say with whom a claim goes; True when one had to be written.

        whenDeleted Delete: with the set; whenScaled Delete: a condemned pod takes its claims.
        """
        policy = found["spec"].get("persistentVolumeClaimRetentionPolicy") or {}
        with_pod = condemned and policy.get("whenScaled") == "Delete"
        with_set = policy.get("whenDeleted") == "Delete" and not with_pod
        wrote = False
        ordinal = statefulpods.ordinal_of(pod)
        for template in found["spec"].get("volumeClaimTemplates") or ():
            name = statefulpods.claim_name(template, found, ordinal)
            claim = self._claims.get(f"{namespace_of(found)}/{name}")
            if claim is None:
                continue
            have = claim["metadata"].get("ownerReferences") or []
            ours = {uid_of(found), uid_of(pod)}
            owner = pod if with_pod else found if with_set else None
            if [r["uid"] for r in have if _is_ours(r, ours, found, pod)] == (
                [uid_of(owner)] if owner is not None else []
            ):
                continue
            kept = [r for r in have if not _is_ours(r, ours, found, pod)]
            if owner is not None:
                kept.append(_reference(owner))
            self._client.update(with_metadata(claim, ownerReferences=kept or None), base=claim)
            wrote = True
        return wrote


def _is_ours(reference: Object, uids: set[str], found: Object, pod: Object) -> bool:
    """Also one to an earlier pod or set of the same name."""
    return reference["uid"] in uids or (reference["kind"], reference["name"]) in (
        ("StatefulSet", name_of(found)),
        ("Pod", name_of(pod)),
    )


def _reference(owner: Object) -> Object:
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name_of(owner),
        "uid": uid_of(owner),
        "controller": True,
        "blockOwnerDeletion": True,
    }
