"""History of templates as ControllerRevisions.

Models pkg/controller/history and daemon/update.go.
"""

from __future__ import annotations

from cluster.client import Client
from cluster.controllers.podutil import template_hash
from cluster.machinery.meta import (
    Object,
    annotations_of,
    controller_ref,
    labels_of,
    name_of,
    namespace_of,
)

HASH = "controller-revision-hash"


def _data(owner: Object) -> Object:
    """The part of the owner that a rollback restores, as a strategic merge patch."""
    return {"spec": {"template": {**owner["spec"]["template"], "$patch": "replace"}}}


def current(owner: Object, own: list[Object]) -> Object | None:
    """The newest revision whose content is the owner's template."""
    wanted = _data(owner)
    same = [r for r in own if r.get("data") == wanted]
    return max(same, key=lambda r: r["revision"], default=None)


def new(owner: Object, own: list[Object], label: str = HASH) -> Object:
    digest = template_hash(owner["spec"]["template"])
    template = owner["spec"]["template"].get("metadata") or {}
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": f"{name_of(owner)}-{digest}",
            "namespace": namespace_of(owner),
            "labels": {**(template.get("labels") or {}), label: digest},
            "annotations": annotations_of(owner),
            "ownerReferences": [controller_ref(owner)],
        },
        "data": _data(owner),
        "revision": max((r["revision"] for r in own), default=0) + 1,
    }


def lift(client: Client, current: Object, own: list[Object]) -> None:
    """A template one has rolled back to is the newest revision again."""
    highest = max(r["revision"] for r in own)
    if current["revision"] < highest:
        client.update({**current, "revision": highest + 1}, base=current)


def truncate(
    client: Client,
    owner: Object,
    own: list[Object],
    live: set[str],
    keep: Object,
    by_name: bool = False,
) -> None:
    """Revisions beyond the limit that no pod uses go, the oldest first. `live` are hashes, or
    names."""
    limit = owner["spec"].get("revisionHistoryLimit", 10)
    idle = [
        r
        for r in own
        if r is not keep and (name_of(r) if by_name else labels_of(r).get(HASH)) not in live
    ]
    idle.sort(key=lambda r: r["revision"])
    for revision in idle[: max(0, len(idle) - limit)]:
        client.delete(revision)
