"""A user who does anything at any time, but always the same for one seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from cluster.client import Options, Resource, kinds
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object, name_of, namespace_of
from cluster.simulation import Simulation

PAUSE = "registry.k8s.io/pause:3.10"
NAMESPACES = ("one", "two")
WORKLOADS: tuple[Resource, ...] = (
    kinds.DEPLOYMENTS, kinds.STATEFUL_SETS, kinds.DAEMON_SETS, kinds.REPLICA_SETS,
    kinds.REPLICATION_CONTROLLERS, kinds.JOBS, kinds.CRON_JOBS, kinds.SERVICES,
    kinds.POD_DISRUPTION_BUDGETS, kinds.PERSISTENT_VOLUME_CLAIMS, kinds.CONFIG_MAPS,
    kinds.HORIZONTAL_POD_AUTOSCALERS,
)  # fmt: skip
PROPAGATIONS = ("Background", "Foreground", "Orphan", "")


class RandomUser:
    def __init__(self, simulation: Simulation, seed: int) -> None:
        self.simulation, self.client = simulation, simulation.client
        self.random = random.Random(seed)
        self.number = 0
        self.refused: list[str] = []
        self.deeds: list[tuple[int, Callable[[], None]]] = [
            (30, self.create), (12, self.scale), (10, self.roll), (14, self.delete),
            (10, self.delete_pod), (8, self.evict), (4, self.fail_node), (4, self.mend),
            (3, self.cordon), (25, self.wait),
        ]  # fmt: skip
        for name in NAMESPACES:
            self.client.do_create(
                {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            )

    def act(self, count: int) -> None:
        weights = [weight for weight, _ in self.deeds]
        for _ in range(count):
            _, deed = self.random.choices(self.deeds, weights)[0]
            try:
                deed()
            except StatusError as error:
                if error.code not in (404, 409, 429):
                    self.refused.append(error.message)

    # ---- deeds

    def create(self) -> None:
        self.number += 1
        make = self.random.choice(
            [self._scaled, self._scaled, self._stateful, self._daemon, self._job, self._cron,
             self._service, self._budget, self._autoscaler, self._claim]
        )  # fmt: skip
        self.client.do_create(make(f"x{self.number}", self.random.choice(NAMESPACES)))

    def scale(self) -> None:
        found = self._any(kinds.DEPLOYMENTS, kinds.STATEFUL_SETS, kinds.REPLICA_SETS, kinds.JOBS)
        field = "parallelism" if found["kind"] == "Job" else "replicas"
        self._spec(found, **{field: self.random.randrange(6)})

    def roll(self) -> None:
        found = self._any(kinds.DEPLOYMENTS, kinds.STATEFUL_SETS, kinds.DAEMON_SETS)
        stamp = {"rolled": str(self.random.randrange(1000))}
        template = found["spec"]["template"]
        meta = {**template["metadata"], "annotations": stamp}
        self._spec(found, template={**template, "metadata": meta})

    def delete(self) -> None:
        found = self._any(*WORKLOADS)
        options = Options(propagation=self.random.choice(PROPAGATIONS))  # type: ignore[arg-type]
        resource = kinds.BY_KIND[found["apiVersion"], found["kind"]]
        self.client.do_delete(resource, namespace_of(found), name_of(found), options)

    def delete_pod(self) -> None:
        found = self._any(kinds.PODS)
        grace = self.random.choice([None, 0, 1])
        self.client.do_delete(kinds.PODS, namespace_of(found), name_of(found), Options(grace=grace))

    def evict(self) -> None:
        self.client.evict(self._any(kinds.PODS), on_error=lambda _: None)
        self.client.flush()

    def fail_node(self) -> None:
        nodes = [name_of(n) for n in self.client.list(kinds.NODES)][1:]
        self.client.do_create(
            {
                "apiVersion": "orrery.sim/v1",
                "kind": "Fault",
                "metadata": {"name": "power-off"},
                "spec": {
                    "type": "NodePowerOff",
                    "target": {"kind": "Node", "names": [self.random.choice(nodes)]},
                },
            }
        )

    def mend(self) -> None:
        self.client.do_delete(kinds.FAULTS, "", "power-off")

    def cordon(self) -> None:
        found = self.random.choice(self.client.list(kinds.NODES))
        self._spec(found, unschedulable=not found["spec"].get("unschedulable"))

    def wait(self) -> None:
        self.simulation.advance(self.random.choice([0, 0.01, 1, 5, 30, 120]))

    # ---- things

    def _any(self, *resources: Resource) -> Object:
        found = [
            o
            for r in resources
            for n in NAMESPACES
            for o in self.client.list(r, n)
            if name_of(o).startswith("x")
        ]
        if not found:
            raise StatusError(404, "NotFound", "nothing there", {})
        return self.random.choice(found)

    def _spec(self, found: Object, **changes: Any) -> None:
        resource = kinds.BY_KIND[found["apiVersion"], found["kind"]]
        self.client.do_patch(
            resource, namespace_of(found), name_of(found),
            lambda o: {**o, "spec": {**o["spec"], **changes}},
        )  # fmt: skip

    def _labels(self) -> dict[str, str]:
        return {"app": self.random.choice("abcd")}

    def _template(self, labels: dict[str, str], **spec: Any) -> Object:
        resources = {"requests": {"cpu": "10m"}}
        container = {"name": "main", "image": PAUSE, "resources": resources}
        return {"metadata": {"labels": labels}, "spec": {"containers": [container], **spec}}

    def _workload(self, api: str, kind: str, name: str, namespace: str, **spec: Any) -> Object:
        meta = {"name": name, "namespace": namespace}
        return {"apiVersion": api, "kind": kind, "metadata": meta, "spec": spec}

    def _selected(self, name: str) -> Object:
        labels = {**self._labels(), "own": name}
        return {"selector": {"matchLabels": {"own": name}}, "template": self._template(labels)}

    def _scaled(self, name: str, namespace: str) -> Object:
        kind = self.random.choice(["Deployment", "Deployment", "ReplicaSet"])
        replicas = self.random.randrange(6)
        spec = self._selected(name)
        return self._workload("apps/v1", kind, name, namespace, replicas=replicas, **spec)

    def _stateful(self, name: str, namespace: str) -> Object:
        spec: Object = {**self._selected(name), "replicas": self.random.randrange(4)}
        spec["podManagementPolicy"] = self.random.choice(["OrderedReady", "Parallel"])
        if self.random.random() < 0.5:
            storage = {"requests": {"storage": "1Mi"}}
            claim = {"accessModes": ["ReadWriteOnce"], "resources": storage}
            claim["storageClassName"] = "standard"  # type: ignore[assignment]
            spec["volumeClaimTemplates"] = [{"metadata": {"name": "data"}, "spec": claim}]
            policy = {f: self.random.choice(["Retain", "Delete"])
                      for f in ("whenDeleted", "whenScaled")}  # fmt: skip
            spec["persistentVolumeClaimRetentionPolicy"] = policy
        return self._workload("apps/v1", "StatefulSet", name, namespace, serviceName="", **spec)

    def _daemon(self, name: str, namespace: str) -> Object:
        spec = self._selected(name)
        if self.random.random() < 0.5:
            rolling = {"maxSurge": 1, "maxUnavailable": 0}
            spec["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": rolling}
        return self._workload("apps/v1", "DaemonSet", name, namespace, **spec)

    def _job_spec(self) -> Object:
        size = self.random.randrange(1, 4)
        indexed = self.random.random() < 0.5
        out: Object = {
            "completions": size,
            "parallelism": self.random.randrange(1, 4),
            "completionMode": "Indexed" if indexed else "NonIndexed",
            "template": self._template(self._labels(), restartPolicy="Never"),
            "activeDeadlineSeconds": self.random.choice([30, 300, 1200]),
            "podReplacementPolicy": self.random.choice(["Failed", "TerminatingOrFailed"]),
        }
        if indexed and self.random.random() < 0.5:
            out["backoffLimitPerIndex"] = 1
        if self.random.random() < 0.5:
            out["ttlSecondsAfterFinished"] = 60
        return out

    def _job(self, name: str, namespace: str) -> Object:
        return self._workload("batch/v1", "Job", name, namespace, **self._job_spec())

    def _cron(self, name: str, namespace: str) -> Object:
        policy = self.random.choice(["Allow", "Forbid", "Replace"])
        job = {"spec": {**self._job_spec(), "activeDeadlineSeconds": 90}}
        return self._workload(
            "batch/v1", "CronJob", name, namespace,
            schedule="* * * * *", concurrencyPolicy=policy, jobTemplate=job,
        )  # fmt: skip

    def _service(self, name: str, namespace: str) -> Object:
        kind = self.random.choice(["ClusterIP", "NodePort", "LoadBalancer"])
        ports = [{"port": 80}]
        return self._workload(
            "v1", "Service", name, namespace, type=kind, selector=self._labels(), ports=ports
        )

    def _budget(self, name: str, namespace: str) -> Object:
        field = self.random.choice(["minAvailable", "maxUnavailable"])
        amount = {field: self.random.choice([0, 1, 2, "50%"])}
        selector = {"matchLabels": self._labels()}
        return self._workload(
            "policy/v1", "PodDisruptionBudget", name, namespace, selector=selector, **amount
        )

    def _autoscaler(self, name: str, namespace: str) -> Object:
        target = self._any(kinds.DEPLOYMENTS)
        reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name_of(target)}
        return self._workload(
            "autoscaling/v2", "HorizontalPodAutoscaler", name, namespace_of(target),
            scaleTargetRef=reference, maxReplicas=5,
        )  # fmt: skip

    def _claim(self, name: str, namespace: str) -> Object:
        storage = {"requests": {"storage": self.random.choice(["1Mi", "5Mi"])}}
        return self._workload(
            "v1", "PersistentVolumeClaim", name, namespace,
            accessModes=["ReadWriteOnce"], resources=storage, storageClassName="standard",
        )  # fmt: skip
