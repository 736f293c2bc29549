"""disruption: how many pods of a budget may go just now. Models pkg/controller/disruption.

    expected (how many there should be) - desired (how many must be healthy) -> disruptionsAllowed

The eviction subresource takes from disruptionsAllowed and notes the pod in disruptedPods; here the
note is dropped when the pod goes, or two minutes later if it did not.
"""

from __future__ import annotations

from typing import Any

from cluster.client import Controller, Env, InformerEvent, kinds
from cluster.controllers import podutil
from cluster.controllers.expectedpods import ExpectedPods, UnknownScaleError
from cluster.controllers.rollout import resolve
from cluster.machinery.clock import parse_time
from cluster.machinery.meta import (
    Object,
    is_deleting,
    is_true,
    labels_of,
    name_of,
    namespace_of,
    set_condition,
)
from cluster.machinery.selectors import Selector, from_label_selector

DELETION_TIMEOUT = 120.0  # an evicted pod that is not being deleted by then counts again
STALE_AFTER = 120.0  # a pod said to be disrupted that still runs is not
STALE = "stale:"
UNMANAGED = (
    "Pods selected by this PodDisruptionBudget (selector: {}) were found to be unmanaged. As a "
    "result, the status of the PDB cannot be calculated correctly, which may result in undefined "
    'behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an '
    "integer value."
)
Selectors = dict[str, dict[str, Selector]]  # by namespace, by key
Status = dict[str, Any]


class DisruptionController(Controller):
    name = "disruption-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.recorder = env.recorder("controllermanager")
        self.budgets = env.informers.lister(kinds.POD_DISRUPTION_BUDGETS)
        self.pods = env.informers.lister(kinds.PODS)
        self.expected = ExpectedPods(env)
        self._selectors: Selectors = {}
        env.informers[kinds.POD_DISRUPTION_BUDGETS].add_handler(self._on_budget)
        env.informers[kinds.PODS].add_handler(self._on_pod)

    def _on_budget(self, event: InformerEvent) -> None:
        own = self._selectors.setdefault(namespace_of(event.obj), {})
        own.pop(event.key, None)
        if event.new is not None and event.new["spec"].get("selector") is not None:
            own[event.key] = from_label_selector(event.new["spec"]["selector"])
        if not own:
            del self._selectors[namespace_of(event.obj)]
        self.enqueue(event.key, event.revision)

    def _on_pod(self, event: InformerEvent) -> None:
        """Namespaces without budgets, nearly all, cost one look into a dict."""
        new = event.new
        if new is not None and event.old is not None and _is_doubtful(new):
            self.enqueue(STALE + event.key, event.revision)
        own = self._selectors.get(event.obj["metadata"]["namespace"])
        if not own or not _matters(event.old, new):
            return
        for key, selector in own.items():
            if selector.matches(labels_of(event.obj)):
                self.enqueue(key, event.revision)

    def reconcile(self, key: str) -> None:
        if key.startswith(STALE):
            self._reconcile_stale(key)
            return
        budget = self.budgets.get(key)
        if budget is None or is_deleting(budget):
            return
        selector = self._selectors.get(namespace_of(budget), {}).get(key)
        pods = self.pods.select(namespace_of(budget), selector) if selector is not None else []
        if not pods:
            self.recorder.event(budget, "Normal", "NoPods", "No matching pods found")
        try:
            expected, desired = self._wanted(budget, pods)
        except UnknownScaleError as error:
            text = f"Failed to calculate the number of expected pods: {error}"
            self.recorder.event(budget, "Warning", "CalculateExpectedPodCountFailed", text)
            self._fail_safe(budget, str(error))
            return
        self._report(key, budget, pods, expected, desired)

    def _wanted(self, budget: Object, pods: list[Object]) -> tuple[int, int]:
        """(expected, desired healthy). Models getExpectedPodCount."""
        spec = budget["spec"]
        least, most = spec.get("minAvailable"), spec.get("maxUnavailable")
        if most is None and (least is None or isinstance(least, int)):
            return len(pods), least or 0
        expected, unmanaged = self.expected.count(pods)
        if unmanaged:
            text = UNMANAGED.format(spec.get("selector"))
            self.recorder.event(budget, "Warning", "UnmanagedPods", text)
        if most is not None:
            return expected, max(0, expected - resolve(most, expected, up=True))
        return expected, resolve(least or 0, expected, up=True)

    def _report(
        self, key: str, budget: Object, pods: list[Object], expected: int, desired: int
    ) -> None:
        disrupted = self._disrupted(key, budget, pods)
        healthy = sum(
            podutil.is_ready(p) and not is_deleting(p) and name_of(p) not in disrupted for p in pods
        )
        status: Status = {
            "conditions": (budget.get("status") or {}).get("conditions"),
            "currentHealthy": healthy,
            "desiredHealthy": desired,
            "disruptionsAllowed": max(0, healthy - desired) if expected > 0 else 0,
            "expectedPods": expected,
            "observedGeneration": budget["metadata"].get("generation", 1),
        }
        if disrupted:
            status["disruptedPods"] = disrupted
        status["conditions"] = self._allowed(budget, status)
        if status != budget.get("status"):
            self.client.update_status({**budget, "status": status}, base=budget)

    def _disrupted(self, key: str, budget: Object, pods: list[Object]) -> dict[str, str]:
        """Evicted pods whose deletion has not been seen yet. Models buildDisruptedPodMap."""
        noted = (budget.get("status") or {}).get("disruptedPods") or {}
        now, out = self.clock.now(), {}
        for pod in pods if noted else ():
            since = noted.get(name_of(pod))
            if since is None or is_deleting(pod):
                continue
            due = parse_time(since) + DELETION_TIMEOUT
            if due <= now:
                text = (
                    f"Pod was expected by PDB {namespace_of(budget)}/{name_of(budget)} to be "
                    "deleted but it wasn't"
                )
                self.recorder.event(pod, "Warning", "NotDeleted", text)
                continue
            out[name_of(pod)] = since
            self.queue.add_at(key, due)
        return out

    def _allowed(self, budget: Object, status: Status) -> list[Object]:
        enough = status["disruptionsAllowed"] > 0
        return self._condition(budget, enough, "SufficientPods" if enough else "InsufficientPods")

    def _condition(self, budget: Object, enough: bool, reason: str, text: str = "") -> list[Object]:
        new = {
            "type": "DisruptionAllowed",
            "status": "True" if enough else "False",
            "observedGeneration": budget["metadata"].get("generation", 1),
            "reason": reason,
            "message": text,
        }
        conditions = (budget.get("status") or {}).get("conditions")
        return set_condition(conditions, new, self.clock.now())

    def _fail_safe(self, budget: Object, text: str) -> None:
        """What cannot be counted allows nothing."""
        conditions = self._condition(budget, False, "SyncFailed", text)
        zero = dict.fromkeys(("currentHealthy", "desiredHealthy", "expectedPods"), 0)
        status = {
            **zero,
            **(budget.get("status") or {}),
            "disruptionsAllowed": 0,
            "observedGeneration": budget["metadata"].get("generation", 1),
            "conditions": conditions,
        }
        if status != budget.get("status"):
            self.client.update_status({**budget, "status": status}, base=budget)

    # ---- pods that were said to go, but stayed

    def _reconcile_stale(self, key: str) -> None:
        """Models syncStalePodDisruption."""
        pod = self.pods.get(key.removeprefix(STALE))
        if pod is None or not _is_doubtful(pod):
            return
        conditions = pod["status"]["conditions"]
        since = next(
            c.get("lastTransitionTime") for c in conditions if c["type"] == "DisruptionTarget"
        )
        due = parse_time(since) + STALE_AFTER
        if self.clock.now() < due:
            self.queue.add_at(key, due)
            return
        new = {"type": "DisruptionTarget", "status": "False", "reason": "", "message": ""}
        changed = set_condition(conditions, new, self.clock.now())
        stripped = [{k: v for k, v in c.items() if v != ""} for c in changed]
        status = {**pod["status"], "conditions": stripped}
        self.client.update_status({**pod, "status": status}, base=pod)


def _matters(old: Object | None, new: Object | None) -> bool:
    if old is None or new is None:
        return True
    return (
        podutil.is_ready(old) != podutil.is_ready(new)
        or is_deleting(old) != is_deleting(new)
        or labels_of(old) != labels_of(new)
        or old["metadata"].get("ownerReferences") != new["metadata"].get("ownerReferences")
    )


def _is_doubtful(pod: Object) -> bool:
    """Said to be disrupted, but neither going nor over."""
    conditions = pod.get("status", {}).get("conditions")
    return (
        is_true(conditions, "DisruptionTarget")
        and "deletionTimestamp" not in pod["metadata"]
        and not podutil.is_finished(pod)
    )
