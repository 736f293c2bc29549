"""resource.k8s.io: device classes, claims and slices. Models pkg/apis/resource.

Claims are stored and checked; no driver of ours allocates them.
"""

from __future__ import annotations

from cluster.apiserver.kinds import names
from cluster.apiserver.kinds.base import Kind, WithStatus
from cluster.apiserver.strategy import Context
from cluster.machinery.errors import Cause, duplicate, invalid_value, not_supported, required
from cluster.machinery.meta import Object

MODES = ("All", "ExactCount")
IMMUTABLE = "field is immutable"


def default_claim_spec(spec: Object) -> None:
    for request in (spec.get("devices") or {}).get("requests") or ():
        exact = request.get("exactly")
        for one in [
            *([exact] if exact is not None else ()),
            *(request.get("firstAvailable") or ()),
        ]:
            one.setdefault("allocationMode", "ExactCount")
            if one["allocationMode"] == "ExactCount":
                one.setdefault("count", 1)


def check_claim_spec(spec: Object, path: str) -> list[Cause]:
    causes: list[Cause] = []
    seen: set[str] = set()
    for index, request in enumerate((spec.get("devices") or {}).get("requests") or ()):
        here = f"{path}.devices.requests[{index}]"
        name = request.get("name", "")
        if not name:
            causes.append(required(f"{here}.name"))
        else:
            causes += [invalid_value(f"{here}.name", name, t) for t in names.label(name)]
        if name in seen:
            causes.append(duplicate(here, name))
        seen.add(name)
        exact, ranked = request.get("exactly"), request.get("firstAvailable") or []
        if exact is None and not ranked:
            text = "exactly one of `exactly` or `firstAvailable` is required"
            causes.append(required(here, text))
        elif exact is not None and ranked:
            text = (
                "exactly one of `exactly` or `firstAvailable` is required, but multiple fields "
                "are set"
            )
            causes.append(invalid_value(here, request, text))
        if exact is not None:
            causes += _check_request(exact, f"{here}.exactly")
        for number, one in enumerate(ranked):
            causes += _check_request(one, f"{here}.firstAvailable[{number}]")
    return causes


def _check_request(request: Object, path: str) -> list[Cause]:
    causes: list[Cause] = []
    name, mode = request.get("deviceClassName", ""), request["allocationMode"]
    if not name:
        causes.append(required(f"{path}.deviceClassName"))
    else:
        causes += [invalid_value(f"{path}.deviceClassName", name, t) for t in names.subdomain(name)]
    count = request.get("count", 0)
    if mode == "ExactCount" and count <= 0:
        causes.append(invalid_value(f"{path}.count", count, "must be greater than zero"))
    elif mode == "All" and count != 0:
        text = "must not be specified when allocationMode is 'All'"
        causes.append(invalid_value(f"{path}.count", count, text))
    elif mode not in MODES:
        causes.append(not_supported(f"{path}.allocationMode", mode, MODES))
    return causes


class ResourceClaims(WithStatus):
    tracks_generation = False

    def default(self, obj: Object) -> None:
        default_claim_spec(obj.setdefault("spec", {}))

    def check(self, obj: Object) -> list[Cause]:
        return check_claim_spec(obj["spec"], "spec")

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        return names.immutable(new, old, "spec")


class ResourceClaimTemplates(Kind):
    def default(self, obj: Object) -> None:
        default_claim_spec(obj.setdefault("spec", {}).setdefault("spec", {}))

    def check(self, obj: Object) -> list[Cause]:
        return check_claim_spec(obj["spec"]["spec"], "spec.spec")

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        return names.immutable(new, old, "spec")


class DeviceClasses(Kind):
    tracks_generation = True

    def default(self, obj: Object) -> None:
        obj.setdefault("spec", {})


class ResourceSlices(Kind):
    tracks_generation = True

    def prepare_for_update(self, ctx: Context, new: Object, old: Object) -> None:
        generation = old["metadata"].get("generation", 1)
        new["metadata"]["generation"] = generation + (new.get("spec") != old.get("spec"))

    def check(self, obj: Object) -> list[Cause]:
        spec = obj.get("spec") or {}
        causes: list[Cause] = []
        driver = spec.get("driver", "")
        if not driver:
            causes.append(required("spec.driver"))
        else:
            causes += [invalid_value("spec.driver", driver, t) for t in names.subdomain(driver)]
        pool = spec.get("pool") or {}
        if not pool.get("name"):
            causes.append(required("spec.pool.name"))
        if pool.get("resourceSliceCount", 0) <= 0:
            count = pool.get("resourceSliceCount", 0)
            text = "must be greater than zero"
            causes.append(invalid_value("spec.pool.resourceSliceCount", count, text))
        where = ("nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection")
        given = [f for f in where if spec.get(f)]
        if not given:
            text = (
                "exactly one of `nodeName`, `nodeSelector`, `allNodes`, "
                "`perDeviceNodeSelection` is required"
            )
            causes.append(required("spec", text))
        return causes

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        frozen = ("spec.driver", "spec.pool.name", "spec.nodeName")
        return self.check(new) + names.immutable(new, old, *frozen)

    def fields(self, obj: Object) -> dict[str, str]:
        spec = obj.get("spec") or {}
        return {"spec.nodeName": spec.get("nodeName", ""), "spec.driver": spec.get("driver", "")}
