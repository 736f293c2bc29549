"""Autoscalers: scaling curves, behaviour, metrics that cannot be had."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.client import kinds
from cluster.machinery.clock import format_time
from cluster.machinery.meta import Object, name_of
from tests.controllers.harness import Harness, deployment, service

ABOVE = "cpu resource utilization (percentage of request) above target"


def autoscaler(most: int = 10, metrics: list[Object] | None = None, **spec: Any) -> Object:
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "scaleTargetRef": reference,
            "maxReplicas": most,
            "metrics": metrics or [cpu(50)],
            **spec,
        },
    }


def cpu(percent: int) -> Object:
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


class Load:
    """A Deployment behind a Service, whose pods request 200m, and its autoscaler."""

    def __init__(self, replicas: int = 1, request: str | None = "200m", **spec: Any) -> None:
        self.cluster = Harness(
            "deployment-controller", "replicaset-controller", "horizontal-pod-autoscaler-controller"
        )
        body = deployment("web", replicas)
        if request is not None:
            container = body["spec"]["template"]["spec"]["containers"][0]
            container["resources"] = {"requests": {"cpu": request}}
        self.cluster.add(service("web"), body)
        self.run()
        self.cluster.advance(400)  # the pods have started up long ago
        self.cluster.add(autoscaler(**spec))

    def run(self) -> None:
        """The kubelets start what is pending, and say since when it runs."""
        self.cluster.run_pods()
        for pod in self.cluster.living():
            if not pod["status"].get("startTime"):
                stamp = format_time(self.cluster.now)
                running = [{"name": "main", "state": {"running": {"startedAt": stamp}}}]
                self.cluster.set_status(pod, startTime=stamp, containerStatuses=running)
        self.cluster.settle()

    def put(self, cores: str) -> None:
        annotations = {"orrery.sim/load-cpu": cores}
        self.cluster.change(
            kinds.SERVICES,
            "web",
            lambda o: {**o, "metadata": {**o["metadata"], "annotations": annotations}},
        )

    def fix(self, amount: str) -> None:
        """Every pod uses exactly this much."""
        for pod in self.cluster.living():
            annotations = {"orrery.sim/cpu": amount}
            meta = {**pod["metadata"], "annotations": annotations}
            self.cluster.user.do_update({**pod, "metadata": meta})
        self.cluster.settle()

    def pass_time(self, seconds: float) -> list[int]:
        """The number of replicas after each 15 seconds."""
        out = []
        for _ in range(int(seconds / 15)):
            self.cluster.advance(15)
            self.run()
            self.cluster.finish_deletions()
            out.append(self.replicas)
        return out

    @property
    def replicas(self) -> int:
        found: int = self.cluster.get(kinds.DEPLOYMENTS, "web")["spec"]["replicas"]
        return found

    @property
    def status(self) -> Object:
        found: Object = self.cluster.get(kinds.HORIZONTAL_POD_AUTOSCALERS, "web")["status"]
        return found

    @property
    def conditions(self) -> dict[str, tuple[str, str]]:
        return self.cluster.conditions(kinds.HORIZONTAL_POD_AUTOSCALERS, "web")


def test_load_makes_it_grow_until_each_pod_has_half_of_what_it_requests() -> None:
    load = Load()
    load.put("700m")
    curve = load.pass_time(180)
    assert curve[0] == 4  # four times at most, or twice as many
    assert 7 <= curve[-1] <= 10
    assert f"SuccessfulRescale: New size: 4; reason: {ABOVE}" in load.cluster.events()
    assert load.conditions["ScalingActive"] == ("True", "ValidMetricFound")


def test_without_load_it_shrinks_after_five_minutes() -> None:
    load = Load(4)
    load.fix("100m")
    load.pass_time(60)
    load.fix("10m")
    assert set(load.pass_time(285)) == {4}
    assert load.conditions["AbleToScale"] == ("True", "ScaleDownStabilized")
    assert load.pass_time(60)[-1] == 1
    text = "SuccessfulRescale: New size: 1; reason: All metrics below target"
    assert text in load.cluster.events()


def test_a_tenth_more_or_less_is_tolerated() -> None:
    load = Load(2)
    load.fix("109m")
    assert set(load.pass_time(60)) == {2}
    load.fix("112m")
    assert load.pass_time(30)[-1] == 3


def test_the_first_look_is_after_fifteen_seconds() -> None:
    load = Load(1)
    load.fix("200m")
    load.cluster.advance(14.9)
    assert load.replicas == 1
    load.cluster.advance(0.1)
    assert load.replicas == 2
    assert load.status["lastScaleTime"] == format_time(load.cluster.now)
    (metric,) = load.status["currentMetrics"]
    assert metric["resource"] == {
        "name": "cpu", "current": {"averageUtilization": 100, "averageValue": "200m"},
    }  # fmt: skip


def test_it_keeps_between_its_bounds() -> None:
    load = Load(1, most=3)
    load.fix("2")
    assert load.pass_time(60)[-1] == 3
    assert load.conditions["ScalingLimited"] == ("True", "TooManyReplicas")
    load.cluster.set_spec(kinds.DEPLOYMENTS, "web", replicas=5)
    assert load.pass_time(15) == [3]
    text = "New size: 3; reason: Current number of replicas above Spec.MaxReplicas"
    assert f"SuccessfulRescale: {text}" in load.cluster.events()


def test_at_zero_it_is_switched_off() -> None:
    load = Load(1)
    load.cluster.set_spec(kinds.DEPLOYMENTS, "web", replicas=0)
    assert load.pass_time(30)[-1] == 0
    assert load.conditions["ScalingActive"] == ("False", "ScalingDisabled")


@pytest.mark.parametrize(
    ("policies", "curve"),
    [
        ([{"type": "Pods", "value": 1, "periodSeconds": 30}], [2, 2, 3, 3, 4, 4]),
        ([{"type": "Percent", "value": 100, "periodSeconds": 15}], [2, 4, 8, 10, 10, 10]),
        ([], [5, 10, 10, 10, 10, 10]),
    ],
)
def test_policies_bound_its_pace(policies: list[Object], curve: list[int]) -> None:
    behavior: Object = {"scaleUp": {"policies": policies} if policies else {}}
    load = Load(1, behavior=behavior)
    seen = []
    for _ in range(6):
        load.fix("2")
        seen += load.pass_time(15)
    assert seen == curve


def test_scaling_down_may_be_disabled_or_slow() -> None:
    load = Load(4, behavior={"scaleDown": {"selectPolicy": "Disabled"}})
    load.fix("1m")
    assert load.pass_time(600)[-1] == 4
    policies = [{"type": "Pods", "value": 1, "periodSeconds": 60}]
    rules = {"scaleDown": {"policies": policies, "stabilizationWindowSeconds": 0}}
    load.cluster.set_spec(kinds.HORIZONTAL_POD_AUTOSCALERS, "web", behavior=rules)
    assert load.pass_time(120) == [3, 3, 3, 3, 2, 2, 2, 2]
    assert load.conditions["ScalingLimited"] == ("True", "ScaleDownLimit")


def test_a_target_that_is_not_there() -> None:
    cluster = Harness("horizontal-pod-autoscaler-controller")
    cluster.add(autoscaler())
    cluster.advance(15)
    conditions = cluster.conditions(kinds.HORIZONTAL_POD_AUTOSCALERS, "web")
    assert conditions == {"AbleToScale": ("False", "FailedGetScale")}
    assert cluster.events("FailedGetScale")[0] == (
        'FailedGetScale: deployments.apps "web" not found'
    )


def test_pods_without_a_request_cannot_be_measured_in_percent() -> None:
    load = Load(1, request=None)
    load.pass_time(15)
    name = name_of(load.cluster.living()[0])
    text = f"failed to get cpu utilization: missing request for cpu in container main of Pod {name}"
    assert load.cluster.events("FailedGetResourceMetric")[0] == f"FailedGetResourceMetric: {text}"
    assert load.conditions["ScalingActive"] == ("False", "FailedGetResourceMetric")
    first = f"invalid metrics (1 invalid out of 1), first error is: {text}"
    assert load.cluster.events("FailedComputeMetricsReplicas") == [
        f"FailedComputeMetricsReplicas: {first}"
    ]


def test_custom_metrics_come_from_annotations_or_not_at_all() -> None:
    pods = {
        "type": "Pods",
        "pods": {
            "metric": {"name": "queue"},
            "target": {"type": "AverageValue", "averageValue": "10"},
        },
    }
    load = Load(1, metrics=[pods, cpu(50)])
    load.fix("100m")
    load.pass_time(15)
    assert load.conditions["ScalingActive"] == ("True", "ValidMetricFound")
    assert "no custom metrics API" in load.cluster.events("FailedGetPodsMetric")[0]
    (only,) = load.cluster.living()
    annotations = {"metrics.orrery.sim/queue": "30", "orrery.sim/cpu": "100m"}
    load.cluster.user.do_update(
        {**only, "metadata": {**only["metadata"], "annotations": annotations}}
    )
    load.cluster.settle()
    assert load.pass_time(15) == [3]
    text = "SuccessfulRescale: New size: 3; reason: pods metric queue above target"
    assert text in load.cluster.events()


def test_a_number_of_another_object() -> None:
    reference = {"apiVersion": "v1", "kind": "Service", "name": "web"}
    source = {
        "type": "Object",
        "object": {
            "metric": {"name": "requests"},
            "describedObject": reference,
            "target": {"type": "Value", "value": "100"},
        },
    }
    load = Load(2, metrics=[source])
    annotations = {"metrics.orrery.sim/requests": "150"}
    load.cluster.change(
        kinds.SERVICES, "web",
        lambda o: {**o, "metadata": {**o["metadata"], "annotations": annotations}},
    )  # fmt: skip
    assert load.pass_time(15) == [3]
