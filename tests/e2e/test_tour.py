"""The README's five minutes, with a real kubectl."""

from __future__ import annotations

from tests.e2e.instance import Orrery, eventually

FAULT = """
apiVersion: orrery.sim/v1
kind: Fault
metadata: {name: power-off}
spec: {type: NodePowerOff, target: {kind: Node, names: [minikube-m02]}}
"""


def test_three_nodes_as_minikube_names_them(orrery: Orrery) -> None:
    lines = orrery.kubectl("get", "nodes").splitlines()
    assert [line.split()[:3] for line in lines[1:]] == [
        ["minikube", "Ready", "control-plane"],
        ["minikube-m02", "Ready", "<none>"],
        ["minikube-m03", "Ready", "<none>"],
    ]
    assert orrery.kubectl("config", "current-context").strip() == "minikube"


def test_the_control_plane_is_described_as_pods(orrery: Orrery) -> None:
    """Their startup probes take some seconds, as minikube's do."""

    def words(component: str) -> str:
        pod = f"{component}-minikube"
        return " ".join(orrery.kubectl("describe", "pod", "-n", "kube-system", pod).split())

    for name in ("etcd", "kube-apiserver", "kube-scheduler", "kube-controller-manager"):
        eventually(lambda name=name: " Ready True " in words(name), 40, f"{name} ready")
        assert "Controlled By: Node/minikube" in words(name)


def test_a_deployment_runs_and_a_service_finds_it(orrery: Orrery) -> None:
    orrery.kubectl("create", "deployment", "web", "--image=nginx", "--replicas=6")
    orrery.kubectl("expose", "deployment", "web", "--port=80")
    orrery.kubectl("rollout", "status", "deployment/web", "--timeout=60s")

    def addresses() -> set[str]:
        slices = orrery.get("endpointslices", "-l", "kubernetes.io/service-name=web")["items"]
        return {a for s in slices for e in s["endpoints"] or () for a in e["addresses"]}

    ips = {pod["status"]["podIP"] for pod in orrery.pods("app=web")}
    assert len(ips) == 6
    eventually(lambda: addresses() == ips, what="endpoints")
    orrery.kubectl("delete", "service,deployment", "web")
    eventually(lambda: not orrery.pods("app=web"), what="pods gone")


def test_a_node_dies_and_the_cluster_heals(orrery: Orrery) -> None:
    orrery.kubectl("create", "deployment", "healing", "--image=nginx", "--replicas=6")
    orrery.kubectl("rollout", "status", "deployment/healing", "--timeout=60s")
    assert any(p["spec"]["nodeName"] == "minikube-m02" for p in orrery.pods("app=healing"))
    orrery.kubectl("apply", "-f", "-", stdin=FAULT)
    orrery.kubectl("patch", "clock", "cluster", "--type=merge", "-p", '{"spec":{"speed":200}}')

    def healed() -> bool:
        pods = orrery.pods("app=healing")
        living = [p for p in pods if "deletionTimestamp" not in p["metadata"]]
        return len(living) == 6 and all(
            p["spec"].get("nodeName", "minikube-m02") != "minikube-m02" for p in living
        )

    try:
        eventually(healed, 60, "pods elsewhere")
        assert "NotReady" in orrery.kubectl("get", "node", "minikube-m02")
    finally:
        orrery.kubectl("patch", "clock", "cluster", "--type=merge", "-p", '{"spec":{"speed":1}}')
        orrery.kubectl("delete", "fault", "power-off")
    orrery.kubectl("wait", "--for=condition=Ready", "node/minikube-m02", "--timeout=60s")
    orrery.kubectl("delete", "deployment", "healing")
    eventually(lambda: not orrery.pods("app=healing"), what="pods gone")


def test_a_paused_clock_stands_still_for_everyone(orrery: Orrery) -> None:
    def set_pause(paused: str) -> None:
        patch = '{"spec":{"paused":%s}}' % paused  # noqa: UP031
        orrery.kubectl("patch", "clock", "cluster", "--type=merge", "-p", patch)

    def moment() -> str:
        orrery.kubectl("create", "configmap", "now")
        created = orrery.get("configmap", "now")["metadata"]["creationTimestamp"]
        orrery.kubectl("delete", "configmap", "now")
        return str(created)

    set_pause("true")
    try:
        first = moment()
        eventually(lambda: moment() == first, 3)
        orrery.kubectl("run", "sleeper", "--image=busybox", "--", "sleep", "1")
        assert moment() == first
    finally:
        set_pause("false")
    eventually(lambda: moment() > first, 10)
    orrery.kubectl("delete", "pod", "sleeper", "--now")
