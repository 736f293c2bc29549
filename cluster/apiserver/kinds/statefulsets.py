"""StatefulSets. Models pkg/apis/apps (defaults, validation) and registry/apps/statefulset."""

from __future__ import annotations

from cluster.apiserver.kinds import names
from cluster.apiserver.kinds.claims import default_claim_spec
from cluster.apiserver.kinds.workloads import (
    Scaled,
    check_selector,
    check_template,
    default_template,
    not_negative,
)
from cluster.apiserver.strategy import Context
from cluster.machinery.errors import (
    Cause,
    forbidden_field,
    invalid_value,
    not_supported,
    required,
)
from cluster.machinery.meta import Object

MUTABLE = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)
UPDATE_TEXT = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
    "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and "
    "'minReadySeconds' are forbidden"
)
POLICIES = ("OrderedReady", "Parallel")
STRATEGIES = ("RollingUpdate", "OnDelete")
RETENTION = ("Retain", "Delete")


class StatefulSets(Scaled):
    name_rule = staticmethod(names.label)

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        spec.setdefault("podManagementPolicy", "OrderedReady")
        spec.setdefault("replicas", 1)
        spec.setdefault("revisionHistoryLimit", 10)
        spec.setdefault("serviceName", "")
        update = spec.setdefault("updateStrategy", {})
        if not update.get("type"):
            update["type"] = "RollingUpdate"
        if update["type"] == "RollingUpdate":
            rolling = update.setdefault("rollingUpdate", {})
            rolling.setdefault("partition", 0)
        retention = spec.setdefault("persistentVolumeClaimRetentionPolicy", {})
        retention.setdefault("whenDeleted", "Retain")
        retention.setdefault("whenScaled", "Retain")
        default_template(spec.setdefault("template", {}))
        for claim in spec.get("volumeClaimTemplates") or ():
            claim["apiVersion"], claim["kind"] = "v1", "PersistentVolumeClaim"
            claim.setdefault("metadata", {})
            default_claim_spec(claim.setdefault("spec", {}))
            claim.setdefault("status", {}).setdefault("phase", "Pending")

    def prepare_for_create(self, ctx: Context, obj: Object) -> None:
        super().prepare_for_create(ctx, obj)
        obj["status"] = {"replicas": 0, "availableReplicas": 0}

    def check(self, obj: Object) -> list[Cause]:
        spec = obj["spec"]
        causes: list[Cause] = []
        if spec["podManagementPolicy"] not in POLICIES:
            text = f"must be '{POLICIES[0]}' or '{POLICIES[1]}'"
            policy = spec["podManagementPolicy"]
            causes.append(invalid_value("spec.podManagementPolicy", policy, text))
        causes += _check_update_strategy(spec["updateStrategy"])
        for field, value in spec["persistentVolumeClaimRetentionPolicy"].items():
            if value not in RETENTION:
                path = f"spec.persistentVolumeClaimRetentionPolicy.{field}"
                causes.append(not_supported(path, value, RETENTION))
        causes += not_negative(obj, "replicas", "minReadySeconds")
        start = (spec.get("ordinals") or {}).get("start", 0)
        if start < 0:
            text = "must be greater than or equal to 0"
            causes.append(invalid_value("spec.ordinals.start", start, text))
        return causes + check_selector(obj) + check_template(_with_claims(obj))

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        if new["spec"] == old["spec"]:
            return []
        causes = self.check(new)
        before = {k: v for k, v in old["spec"].items() if k not in MUTABLE}
        after = {k: v for k, v in new["spec"].items() if k not in MUTABLE}
        if before != after:
            causes.append(forbidden_field("spec", UPDATE_TEXT))
        return causes


def _check_update_strategy(update: Object) -> list[Cause]:
    kind, rolling = update["type"], update.get("rollingUpdate")
    path = "spec.updateStrategy"
    if kind not in STRATEGIES:
        text = f"must be '{STRATEGIES[0]}' or '{STRATEGIES[1]}'"
        return [invalid_value(path, update, text)]
    if kind == "OnDelete":
        if rolling is not None:
            text = f"only allowed for updateStrategy '{STRATEGIES[0]}'"
            return [invalid_value(f"{path}.rollingUpdate", rolling, text)]
        return []
    partition = (rolling or {}).get("partition", 0)
    if rolling is None:
        return [required(f"{path}.rollingUpdate")]
    if partition < 0:
        text = "must be greater than or equal to 0"
        return [invalid_value(f"{path}.rollingUpdate.partition", partition, text)]
    return []


def _with_claims(obj: Object) -> Object:
    """The set as its pods will be: with a volume for each claim template, for mounts to name."""
    spec, template = obj["spec"], obj["spec"].get("template") or {}
    pod = template.get("spec") or {}
    own = list(pod.get("volumes") or ())
    taken = {v.get("name") for v in own}
    names = [(c.get("metadata") or {}).get("name") for c in spec.get("volumeClaimTemplates") or ()]
    more = [
        {"name": name, "persistentVolumeClaim": {"claimName": name}}
        for name in names
        if name and name not in taken
    ]
    if not more:
        return obj
    full = {**template, "spec": {**pod, "volumes": [*own, *more]}}
    return {**obj, "spec": {**spec, "template": full}}
