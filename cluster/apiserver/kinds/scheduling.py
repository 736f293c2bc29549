"""PriorityClasses and RuntimeClasses. Models pkg/apis/scheduling and pkg/apis/node."""

from __future__ import annotations

from cluster.apiserver.kinds import names
from cluster.apiserver.kinds.amounts import not_less_than_zero
from cluster.apiserver.kinds.base import Kind
from cluster.apiserver.kinds.podrules import tolerations
from cluster.apiserver.kinds.podspec import canonical_amounts
from cluster.apiserver.strategy import Context
from cluster.machinery.errors import Cause, forbidden_field, invalid_value, not_supported
from cluster.machinery.meta import Object

HIGHEST = 1_000_000_000  # of what users may define
SYSTEM = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}
POLICIES = ("Never", "PreemptLowerPriority")


class PriorityClasses(Kind):
    tracks_generation = True

    def prepare_for_create(self, ctx: Context, obj: Object) -> None:
        obj["metadata"]["generation"] = 1

    def prepare_for_update(self, ctx: Context, new: Object, old: Object) -> None:
        new["metadata"]["generation"] = old["metadata"].get("generation", 1)

    def default(self, obj: Object) -> None:
        obj.setdefault("preemptionPolicy", "PreemptLowerPriority")
        obj.setdefault("value", 0)

    def check(self, obj: Object) -> list[Cause]:
        name, value = obj["metadata"].get("name", ""), obj["value"]
        causes: list[Cause] = []
        if name.startswith("system-"):
            if why := _not_system(name, value, bool(obj.get("globalDefault"))):
                text = "priority class names with 'system-' prefix are reserved for system use only"
                causes.append(forbidden_field("metadata.name", f"{text}. error: {why}"))
        elif value > HIGHEST:
            text = f"maximum allowed value of a user defined priority is {HIGHEST}"
            causes.append(forbidden_field("value", text))
        if obj["preemptionPolicy"] not in POLICIES:
            policy = obj["preemptionPolicy"]
            causes.append(not_supported("preemptionPolicy", policy, POLICIES))
        return causes

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        causes: list[Cause] = []
        if new["value"] != old.get("value", 0):
            causes.append(forbidden_field("value", "may not be changed in an update."))
        return causes + names.immutable(new, old, "preemptionPolicy")


def _not_system(name: str, value: int, default: bool) -> str:
    """Models IsKnownSystemPriorityClass."""
    if name not in SYSTEM:
        return f"{name} is not a known system priority class"
    if value != SYSTEM[name]:
        return f"value of {name} PriorityClass must be {SYSTEM[name]}"
    return f"globalDefault of {name} PriorityClass must be false" if default else ""


class RuntimeClasses(Kind):
    def default(self, obj: Object) -> None:
        overhead = obj.get("overhead") or {}
        canonical_amounts({"requests": overhead.get("podFixed")})

    def check(self, obj: Object) -> list[Cause]:
        handler = obj.get("handler", "")
        causes = [invalid_value("handler", handler, t) for t in names.label(handler)]
        for name, amount in ((obj.get("overhead") or {}).get("podFixed") or {}).items():
            causes += not_less_than_zero(amount, f"overhead.podFixed[{name}]")
        scheduling = obj.get("scheduling") or {}
        causes += names.labels(scheduling.get("nodeSelector"), "scheduling.nodeSelector")
        return causes + tolerations(scheduling.get("tolerations") or (), "scheduling.tolerations")

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        return self.check(new) + names.immutable(new, old, "handler")
