"""The small kinds of core/v1, coordination and discovery. Models pkg/registry/core."""

from __future__ import annotations

from cluster.apiserver.kinds import names
from cluster.apiserver.kinds.base import Kind
from cluster.apiserver.kinds.podrules import EFFECTS
from cluster.apiserver.strategy import Context
from cluster.machinery import quantity
from cluster.machinery.errors import (
    Cause,
    duplicate,
    forbidden_field,
    invalid_value,
    not_supported,
)
from cluster.machinery.meta import Object


class Namespaces(Kind):
    """The `kubernetes` finalizer lives in spec; its controller removes it by /finalize."""

    has_status = True
    name_rule = staticmethod(names.label)

    def default(self, obj: Object) -> None:
        labels = obj["metadata"].setdefault("labels", {})
        labels["kubernetes.io/metadata.name"] = obj["metadata"].get("name", "")

    def prepare_for_create(self, ctx: Context, obj: Object) -> None:
        obj["spec"] = {"finalizers": ["kubernetes"]}
        obj["status"] = {"phase": "Active"}

    def prepare_for_update(self, ctx: Context, new: Object, old: Object) -> None:
        self._keep(new, old, "status")
        self._keep(new, old, "spec")
        labels = new["metadata"].setdefault("labels", {})
        labels["kubernetes.io/metadata.name"] = new["metadata"]["name"]

    def put(self, ctx: Context, subresource: str, new: Object, old: Object) -> Object:
        if subresource != "finalize":
            return super().put(ctx, subresource, new, old)
        return {**old, "metadata": {**old["metadata"]}, "spec": new.get("spec") or {}}

    def view(self, ctx: Context, subresource: str, obj: Object) -> Object:
        return obj if subresource == "finalize" else super().view(ctx, subresource, obj)

    def held(self, obj: Object) -> bool:
        return bool((obj.get("spec") or {}).get("finalizers"))

    def begin_termination(self, obj: Object) -> Object:
        return {**obj, "status": {**obj.get("status", {}), "phase": "Terminating"}}

    def fields(self, obj: Object) -> dict[str, str]:
        return {"status.phase": obj.get("status", {}).get("phase", "")}


class Nodes(Kind):
    has_status = True

    def prepare_for_create(self, ctx: Context, obj: Object) -> None:
        """Kubelets register with their status (nodeStrategy keeps it, too)."""
        obj.setdefault("spec", {})

    def prepare_for_update(self, ctx: Context, new: Object, old: Object) -> None:
        self._keep(new, old, "status")
        new.setdefault("spec", {})

    def check(self, obj: Object) -> list[Cause]:
        causes: list[Cause] = []
        seen: set[tuple[str, str]] = set()
        for index, taint in enumerate(obj["spec"].get("taints") or ()):
            path = f"spec.taints[{index}]"
            if not names.selectors.is_label_key(taint.get("key", "")):
                text = names.selectors.NAME_FORMAT
                causes.append(invalid_value(f"{path}.key", taint.get("key", ""), text))
            if taint.get("effect") not in EFFECTS:
                causes.append(not_supported(f"{path}.effect", taint.get("effect", ""), EFFECTS))
            identity = (taint.get("key", ""), taint.get("effect", ""))
            if identity in seen:
                causes.append(duplicate(path, taint))
            seen.add(identity)
        return causes

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        causes = self.check(new)
        for field, shown in (("podCIDR", "podCIDRs"), ("providerID", "providerID")):
            before, after = old["spec"].get(field), new["spec"].get(field)
            if before and after != before:
                text = f'node updates may not change {field} except from "" to valid'
                causes.append(forbidden_field(f"spec.{shown}", text))
        return causes

    def fields(self, obj: Object) -> dict[str, str]:
        return {"spec.unschedulable": str(bool(obj.get("spec", {}).get("unschedulable"))).lower()}


class Leases(Kind):
    allow_create_on_update = True

    def check(self, obj: Object) -> list[Cause]:
        duration = (obj.get("spec") or {}).get("leaseDurationSeconds")
        if isinstance(duration, int) and duration <= 0:
            path, text = "spec.leaseDurationSeconds", "must be greater than 0"
            return [invalid_value(path, duration, text)]
        transitions = (obj.get("spec") or {}).get("leaseTransitions")
        if isinstance(transitions, int) and transitions < 0:
            path, text = "spec.leaseTransitions", "must be greater than or equal to 0"
            return [invalid_value(path, transitions, text)]
        return []


class Machines(Kind):
    """orrery.sim: the hardware a kubelet runs on."""

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        spec.setdefault("role", "worker")
        spec.setdefault("cpu", "8")
        spec.setdefault("memory", "16Gi")
        spec.setdefault("pods", 110)

    def check(self, obj: Object) -> list[Cause]:
        spec = obj["spec"]
        causes: list[Cause] = []
        if spec["role"] not in ("control-plane", "worker"):
            causes.append(not_supported("spec.role", spec["role"], ("control-plane", "worker")))
        for field in ("cpu", "memory"):
            amount = spec[field]
            if not quantity.is_valid(amount) or quantity.parse(str(amount)) <= 0:
                causes.append(
                    invalid_value(f"spec.{field}", amount, "must be a quantity greater than 0")
                )
        if not isinstance(spec["pods"], int) or not 0 < spec["pods"] <= 1000:
            causes.append(
                invalid_value("spec.pods", spec["pods"], "must be between 1 and 1000, inclusive")
            )
        return causes
