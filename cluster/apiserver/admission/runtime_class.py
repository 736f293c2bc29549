"""RuntimeClass: a pod gets the overhead and the scheduling rules of the class it names."""

from __future__ import annotations

from cluster.apiserver.resources import RUNTIME_CLASSES
from cluster.apiserver.strategy import Context
from cluster.machinery import errors
from cluster.machinery.meta import Object

UNFOUNDED = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"


def admit(ctx: Context, new: Object | None, old: Object | None) -> None:
    if new is None or old is not None:
        return
    spec = new["spec"]
    name = spec.get("runtimeClassName")
    if not name:
        if spec.get("overhead"):
            raise _refused(new, UNFOUNDED)
        return
    found = ctx.lookup.policies.find(RUNTIME_CLASSES, "", name)
    if found is None:
        raise _refused(new, f'pod rejected: RuntimeClass "{name}" not found')
    overhead = (found.get("overhead") or {}).get("podFixed")
    if overhead:
        if spec.get("overhead") and spec["overhead"] != overhead:
            raise _refused(
                new, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"
            )
        spec["overhead"] = dict(overhead)
    elif spec.get("overhead"):
        raise _refused(new, UNFOUNDED)
    _schedule(new, found.get("scheduling") or {})


def _schedule(pod: Object, scheduling: Object) -> None:
    spec = pod["spec"]
    selector = spec.get("nodeSelector") or {}
    for key, value in (scheduling.get("nodeSelector") or {}).items():
        if selector.get(key, value) != value:
            why = (
                f"conflict: runtimeClass.scheduling.nodeSelector[{key}] = {value}; "
                f"pod.spec.nodeSelector[{key}] = {selector[key]}"
            )
            raise _refused(pod, why)
        selector = {**selector, key: value}
    if selector:
        spec["nodeSelector"] = selector
    have = spec.get("tolerations") or []
    more = [t for t in scheduling.get("tolerations") or () if t not in have]
    if more:
        spec["tolerations"] = [*have, *more]


def _refused(pod: Object, why: str) -> errors.StatusError:
    """A name that was generated a moment ago is nobody's business yet."""
    meta = pod["metadata"]
    return errors.forbidden("pods", "", meta.get("generateName") or meta.get("name", ""), why)
