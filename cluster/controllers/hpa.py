"""horizontalpodautoscaler: as many pods as the metrics ask for, looked at every 15 seconds.

Models pkg/controller/podautoscaler/horizontal.go.
"""

from __future__ import annotations

from typing import Any, Literal

from cluster.client import Controller, Env, InformerEvent, Resource, kinds
from cluster.controllers import hpabehavior, hpareplicas, podutil
from cluster.controllers.hpabehavior import Bounds, Memory
from cluster.controllers.hpametrics import REASONS, MetricSources, Proposal, Target
from cluster.controllers.hpareplicas import MetricError
from cluster.machinery.clock import format_time
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import (
    Object,
    is_deleting,
    name_of,
    namespace_of,
    set_condition,
)

PERIOD = 15.0  # --horizontal-pod-autoscaler-sync-period
GOT_SCALE = "the HPA controller was able to get the target's current scale"
NO_SCALE = "the HPA controller was unable to get the target's current scale: {}"
ZERO = "scaling is disabled since the replica count of the target is zero"
NO_SELECTOR = "the HPA target's scale is missing a selector"
VALID = "the HPA was able to successfully calculate a replica count from {}"
INVALID = "the HPA was unable to compute the replica count: {}"
UPDATED = "the HPA controller was able to update the target scale to {}"
NOT_UPDATED = "the HPA controller was unable to update the target scale: {}"
Status = dict[str, Any]


class HorizontalPodAutoscalerController(Controller):
    name = "horizontal-pod-autoscaler-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.recorder = env.recorder("horizontal-pod-autoscaler")
        self.autoscalers = env.informers.lister(kinds.HORIZONTAL_POD_AUTOSCALERS)
        self.pods = env.informers.lister(kinds.PODS)
        self.sources = MetricSources(env)
        self._memories: dict[str, Memory] = {}
        env.informers[kinds.HORIZONTAL_POD_AUTOSCALERS].add_handler(self._on_autoscaler)

    def _on_autoscaler(self, event: InformerEvent) -> None:
        if event.new is None:
            self._memories.pop(event.key, None)
        else:  # a look that is already due comes first
            self.queue.add_at(event.key, self.clock.now() + PERIOD)

    def reconcile(self, key: str) -> None:
        found = self.autoscalers.get(key)
        if found is None or is_deleting(found):
            return
        self.queue.add_at(key, self.clock.now() + PERIOD)
        status: Status = dict(found.get("status") or {})
        _Look(self, key, found, status).run()
        if status != found.get("status"):
            self.client.update_status({**found, "status": status}, base=found)

    def memory(self, key: str, current: int) -> Memory:
        found = self._memories.get(key)
        if found is None:
            found = self._memories[key] = Memory([(self.clock.now(), current)])
        return found


class _Look:
    """One look at one autoscaler; `status` is changed in place."""

    def __init__(
        self, controller: HorizontalPodAutoscalerController, key: str, found: Object, status: Status
    ) -> None:
        self.controller, self.key, self.found, self.status = controller, key, found, status
        self.now = controller.clock.now()
        self.rules: Object = found["spec"].get("behavior") or {}

    def run(self) -> None:
        try:
            resource, target = self._target()
        except StatusError as error:
            self._event("Warning", "FailedGetScale", error.message)
            self._put("AbleToScale", "False", "FailedGetScale", NO_SCALE.format(error.message))
            return
        self._put("AbleToScale", "True", "SucceededGetScale", GOT_SCALE)
        current = int(target["spec"].get("replicas", 0))
        memory = self.controller.memory(self.key, current)
        wanted, reason = self._wanted(target, current, memory)
        if wanted is None:
            self.status["currentReplicas"] = current
            return
        rescaled = wanted != current and self._rescale(resource, target, current, wanted, reason)
        if rescaled:
            memory.scaled(self.now, current, wanted)
            hpabehavior.forget(self.rules, memory, self.now)
            self.status["lastScaleTime"] = format_time(self.now)
        self.status["currentReplicas"] = current
        self.status["desiredReplicas"] = wanted

    def _target(self) -> tuple[Resource, Object]:
        """What is scaled. Raises StatusError."""
        reference, namespace = self.found["spec"]["scaleTargetRef"], namespace_of(self.found)
        where = (reference.get("apiVersion") or "v1", reference["kind"])
        resource = kinds.BY_KIND.get(where)
        if resource is None or "scale" not in resource.subresources:
            group = where[0].rpartition("/")[0]
            text = f'no matches for kind "{reference["kind"]}" in group "{group}"'
            raise StatusError(404, "NotFound", text, {})
        return resource, self.controller.client.get(resource, namespace, reference["name"])

    # ---- how many

    def _wanted(self, target: Object, current: int, memory: Memory) -> tuple[int | None, str]:
        """(replicas, why); None when that cannot be known."""
        spec = self.found["spec"]
        least, most = spec.get("minReplicas", 1), spec["maxReplicas"]
        if current == 0 and least != 0:
            self._put("ScalingActive", "False", "ScalingDisabled", ZERO)
            return 0, ""
        if current > most:
            return most, "Current number of replicas above Spec.MaxReplicas"
        if current < least:
            return least, "Current number of replicas below Spec.MinReplicas"
        best = self._by_metrics(target, current)
        if best is None:
            return None, ""
        wanted = self._normalized(best.replicas, Bounds(least, most, current), memory)
        up = best.replicas > current
        return wanted, f"{best.metric} above target" if up else "All metrics below target"

    def _by_metrics(self, target: Object, current: int) -> Proposal | None:
        """The largest proposal. Models computeReplicasForMetrics."""
        if not target["spec"].get("selector"):
            self._event("Warning", "SelectorRequired", "selector is required")
            self._put("ScalingActive", "False", "InvalidSelector", NO_SELECTOR)
            return None
        namespace, specs = namespace_of(self.found), self.found["spec"]["metrics"]
        pods = self.controller.pods.select(namespace, podutil.selector_of(target))
        tolerance = hpareplicas.tolerance_of(self.rules)
        around = Target(namespace, current, pods, tolerance, self.now)
        found: list[Proposal] = []
        failures: list[tuple[str, MetricError]] = []
        for spec in specs:
            try:
                found.append(self.controller.sources.propose(spec, around))
            except MetricError as error:
                self._event("Warning", REASONS[spec["type"]], str(error))
                failures.append((REASONS[spec["type"]], error))
        self.status["currentMetrics"] = [p.status for p in found] or [{"type": ""}]
        best = max(found, key=lambda p: p.replicas, default=None)
        if best is None or (failures and best.replicas < current):
            self._failed(failures, len(specs))
            return None
        self._put("ScalingActive", "True", "ValidMetricFound", VALID.format(best.metric))
        return best

    def _failed(self, failures: list[tuple[str, MetricError]], count: int) -> None:
        reason, error = failures[0]
        self._put("ScalingActive", "False", reason, INVALID.format(error))
        text = f"invalid metrics ({len(failures)} invalid out of {count}), first error is: {error}"
        self._event("Warning", "FailedComputeMetricsReplicas", text)

    def _normalized(self, wanted: int, bounds: Bounds, memory: Memory) -> int:
        current = bounds.current
        stable = hpabehavior.stabilize(self.rules, memory, current, wanted, self.now)
        why = hpabehavior.why_stabilized(current, wanted, stable)
        self._put("AbleToScale", "True", *why)
        limited, why = hpabehavior.limit(self.rules, memory, bounds, stable, self.now)
        self._put("ScalingLimited", "False" if limited == stable else "True", *why)
        return limited

    def _rescale(
        self, resource: Resource, target: Object, current: int, wanted: int, reason: str
    ) -> bool:
        client, namespace = self.controller.client, namespace_of(target)

        def resize(scale: Object) -> Object:
            return {**scale, "spec": {"replicas": wanted}}

        try:
            client.do_patch(resource, namespace, name_of(target), resize, subresource="scale")
        except StatusError as error:
            text = f"New size: {wanted}; reason: {reason}; error: {error.message}"
            self._event("Warning", "FailedRescale", text)
            text = NOT_UPDATED.format(error.message)
            self._put("AbleToScale", "False", "FailedUpdateScale", text)
            return False
        self._put("AbleToScale", "True", "SucceededRescale", UPDATED.format(wanted))
        self._event("Normal", "SuccessfulRescale", f"New size: {wanted}; reason: {reason}")
        return True

    # ---- what is said

    def _put(self, kind: str, value: str, reason: str, text: str) -> None:
        new = {"type": kind, "status": value, "reason": reason, "message": text}
        self.status["conditions"] = set_condition(self.status.get("conditions"), new, self.now)

    def _event(self, kind: Literal["Normal", "Warning"], reason: str, text: str) -> None:
        self.controller.recorder.event(self.found, kind, reason, text)
