"""Pods: binding, eviction, graceful deletion, what may change. Models registry/core/pod."""

from __future__ import annotations

from collections import OrderedDict

import orjson

from cluster.apiserver.kinds import names, podputs
from cluster.apiserver.kinds.base import Kind
from cluster.apiserver.kinds.podrules import pod_spec
from cluster.apiserver.kinds.podspec import default_pod, qos_class
from cluster.apiserver.managed import hook
from cluster.apiserver.strategy import Context, admission
from cluster.machinery import errors
from cluster.machinery.clock import format_time
from cluster.machinery.errors import Cause, forbidden_field
from cluster.machinery.meta import Object, deep_copy, set_condition

PUTS = {"ephemeralcontainers": podputs.ephemeral, "resize": podputs.resize}
MEMO = 512  # distinct specs remembered, the least recently used goes first
UPDATE_TEXT = (
    "pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "
    "additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set "
    "to 1 if it was previously negative)"
)


class _Template:
    """A spec as it came, and what became of it: defaulted, admitted, validated, encoded."""

    __slots__ = ("annotations", "encoded", "owned", "qos", "spec")

    def __init__(
        self, spec: Object, owned: hook.Shared, annotations: dict[str, str] | None
    ) -> None:
        self.spec = spec
        self.owned = owned
        self.annotations = annotations  # that admission added
        self.encoded = orjson.dumps(spec)
        self.qos = qos_class(spec)


_Key = tuple[str, tuple[tuple[str, str], ...], bytes]
TELLING = ("kubernetes.io/config.mirror", "container.apparmor.security.beta.kubernetes.io/")


def _key(ctx: Context, obj: Object) -> _Key:
    """What the complete spec follows from."""
    notes = obj["metadata"].get("annotations")
    telling = tuple((k, v) for k, v in notes.items() if k.startswith(TELLING)) if notes else ()
    return ctx.operation.namespace, telling, orjson.dumps(obj.get("spec") or {})


class Pods(Kind):
    has_status = True
    tracks_generation = True

    def create(self, ctx: Context, obj: Object) -> Object:
        """Thousands of pods come from one template: what is true of a spec is computed once.

        What else admission looks at belongs to the key (the namespace, annotations that say
        something about the spec) or empties the memo when it changes (policies).
        """
        if admission().by_others(ctx):
            return self._create_singly(ctx, obj)
        admission().admit_each(ctx, obj)
        memo: OrderedDict[_Key, _Template] = ctx.lookup.policies.derived.setdefault(
            "pods", OrderedDict()
        )
        key = _key(ctx, obj)
        template = memo.get(key)
        if template is None or not ctx.operation.user.name.startswith("system:"):
            template = self._complete(ctx, obj)
            memo[key] = template
            if len(memo) > MEMO:
                memo.popitem(last=False)
        hook.record_pod(ctx, obj, template.owned)
        if template.annotations is not None:
            have = obj["metadata"].get("annotations") or {}
            obj["metadata"]["annotations"] = {**have, **template.annotations}
        obj["spec"] = template.spec
        ctx.fragments["spec"] = template.encoded
        self._raise(ctx, obj, names.metadata(obj["metadata"], names.subdomain))
        obj["metadata"]["generation"] = 1
        obj["status"] = {"phase": "Pending", "qosClass": template.qos}
        if obj["spec"].get("schedulingGates"):
            obj["status"]["conditions"] = [_gated(ctx.now)]
        admission().validate_each(ctx, obj)
        self.warn(ctx, obj, None)
        return obj

    def _create_singly(self, ctx: Context, obj: Object) -> Object:
        """The whole way, as any other object takes it."""
        obj = deep_copy(obj)
        self.default(obj)
        self.record(ctx, obj, None)
        admission().admit(ctx, obj, None)
        self.default(obj)
        causes = names.metadata(obj["metadata"], names.subdomain)
        self._raise(ctx, obj, causes + pod_spec(obj["spec"], "spec"))
        obj["metadata"]["generation"] = 1
        obj["status"] = {"phase": "Pending", "qosClass": qos_class(obj["spec"])}
        if obj["spec"].get("schedulingGates"):
            obj["status"]["conditions"] = [_gated(ctx.now)]
        admission().validate(ctx, obj, None)
        self.warn(ctx, obj, None)
        return obj

    def _complete(self, ctx: Context, obj: Object) -> _Template:

        before = obj["metadata"].get("annotations") or {}
        obj["spec"] = deep_copy(obj.get("spec") or {})
        self.default(obj)
        owned = hook.spec_fields(ctx.operation.resource, obj["spec"])
        self.record(ctx, obj, None)
        admission().admit_template(ctx, obj)
        self.default(obj)
        causes = names.metadata(obj["metadata"], names.subdomain)
        self._raise(ctx, obj, causes + pod_spec(obj["spec"], "spec"))
        admission().validate_template(ctx, obj)
        after = obj["metadata"].get("annotations") or {}
        added = {k: v for k, v in after.items() if k not in before}
        return _Template(obj["spec"], owned, added or None)

    def default(self, obj: Object) -> None:
        default_pod(obj.setdefault("spec", {}))

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        if new["spec"] == old["spec"]:
            return []
        causes = pod_spec(new["spec"], "spec")
        if _frozen(new["spec"]) != _frozen(old["spec"]) or not _only_added(
            new["spec"], old["spec"]
        ):
            causes.append(forbidden_field("spec", UPDATE_TEXT))
        causes += _gates_only_removed(new["spec"], old["spec"])
        return causes

    def ask_before_delete(self, ctx: Context, subresource: str, old: Object) -> Object:
        from cluster.apiserver.eviction import evict

        return evict(ctx, old)

    def grace(self, ctx: Context, old: Object) -> int:
        """Models podStrategy.CheckGracefulDelete."""
        wish = ctx.operation.options.grace
        spec, status = old["spec"], old.get("status", {})
        grace = wish if wish is not None else spec.get("terminationGracePeriodSeconds", 30)
        if "deletionTimestamp" in old["metadata"] and wish is None:
            grace = old["metadata"].get("deletionGracePeriodSeconds", grace)
        if not spec.get("nodeName") or status.get("phase") in ("Succeeded", "Failed"):
            return 0
        return max(1, grace) if grace else 0

    def fields(self, obj: Object) -> dict[str, str]:
        spec, status = obj.get("spec", {}), obj.get("status", {})
        return {
            "spec.nodeName": spec.get("nodeName", ""),
            "spec.restartPolicy": spec.get("restartPolicy", ""),
            "spec.schedulerName": spec.get("schedulerName", ""),
            "spec.serviceAccountName": spec.get("serviceAccountName", ""),
            "spec.hostNetwork": str(bool(spec.get("hostNetwork"))).lower(),
            "status.phase": status.get("phase", ""),
            "status.podIP": status.get("podIP", ""),
            "status.nominatedNodeName": status.get("nominatedNodeName", ""),
        }

    def put(self, ctx: Context, subresource: str, new: Object, old: Object) -> Object:
        if subresource == "binding":
            return _bind(ctx, new, old)
        if subresource in PUTS:
            out, causes = PUTS[subresource](new, old)
            self._raise(ctx, out, causes)
            return out
        return super().put(ctx, subresource, new, old)

    def view(self, ctx: Context, subresource: str, obj: Object) -> Object:
        return obj if subresource in PUTS else super().view(ctx, subresource, obj)


def _gated(now: float) -> Object:
    return {
        "type": "PodScheduled",
        "status": "False",
        "lastProbeTime": None,
        "lastTransitionTime": format_time(now),
        "reason": "SchedulingGated",
        "message": "Scheduling is blocked due to non-empty scheduling gates",
    }


_CHANGEABLE = frozenset(
    ("activeDeadlineSeconds", "tolerations", "containers", "initContainers", "schedulingGates")
)


def _gates_only_removed(new: Object, old: Object) -> list[Cause]:
    had = {gate["name"] for gate in old.get("schedulingGates") or ()}
    text = "only deletion is allowed, but found new scheduling gate '{}'"
    return [
        forbidden_field("spec.schedulingGates", text.format(gate["name"]))
        for gate in new.get("schedulingGates") or ()
        if gate["name"] not in had
    ]


def _frozen(spec: Object) -> Object:
    """What of a spec may never change."""
    out = {k: v for k, v in spec.items() if k not in _CHANGEABLE}
    for field in ("containers", "initContainers"):
        out[field] = [{**c, "image": ""} for c in spec.get(field) or ()]
    return out


def _only_added(new: Object, old: Object) -> bool:
    have = new.get("tolerations") or []
    return all(t in have for t in old.get("tolerations") or ())


def _bind(ctx: Context, binding: Object, old: Object) -> Object:
    """Models BindingREST.setPodHostAndAnnotations."""
    name = old["metadata"]["name"]
    target = (binding.get("target") or {}).get("name", "")
    if not target:
        cause = errors.required("target.name")
        raise errors.invalid("Binding", "", name, [cause])
    why = ""
    if "deletionTimestamp" in old["metadata"]:
        why = f"pod {name} is being deleted, cannot be assigned to a host"
    elif old["spec"].get("nodeName"):
        why = f'pod {name} is already assigned to node "{old["spec"]["nodeName"]}"'
    elif old["spec"].get("schedulingGates"):
        why = f"pod {name} has non-empty .spec.schedulingGates"
    if why:
        raise errors.conflict("pods", "", name, why)
    wanted = (binding.get("metadata") or {}).get("uid")
    if wanted and wanted != old["metadata"]["uid"]:
        have = old["metadata"]["uid"]
        why = f"Precondition failed: UID in precondition: {wanted}, UID in object meta: {have}"
        raise errors.conflict("pods", "", name, why)
    scheduled = {"type": "PodScheduled", "status": "True", "lastProbeTime": None}
    status = {k: v for k, v in old.get("status", {}).items() if k != "nominatedNodeName"}
    conditions = [c for c in status.get("conditions", ()) if c["type"] != "PodScheduled"]
    return {
        **old,
        "metadata": {**old["metadata"]},
        "spec": {**old["spec"], "nodeName": target},
        "status": {**status, "conditions": set_condition(conditions, scheduled, ctx.now)},
    }
