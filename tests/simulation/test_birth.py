"""A new cluster is the tutorial's minikube."""

from __future__ import annotations

import base64

import pytest
import yaml

from cluster.client import Options, kinds
from cluster.machinery.meta import Object, is_true, name_of
from cluster.simulation import Shape, Simulation, bootstrap, resize
from cluster.simulation.roles import ensure_roles
from cluster.simulation.trust import ensure_trust
from tests.simulation.builders import is_ready, pods


@pytest.fixture(scope="module")
def born() -> Simulation:
    simulation = Simulation(Shape(nodes=3))
    simulation.advance(120)
    return simulation


def test_three_nodes_are_ready_and_the_first_is_the_untainted_control_plane(
    born: Simulation,
) -> None:
    nodes = {name_of(n): n for n in born.client.list(kinds.NODES)}
    assert list(nodes) == ["minikube", "minikube-m02", "minikube-m03"]
    assert all(is_true(n["status"]["conditions"], "Ready") for n in nodes.values())
    control = nodes["minikube"]
    assert "node-role.kubernetes.io/control-plane" in control["metadata"]["labels"]
    assert not control["spec"].get("taints")
    cidrs = {n["spec"]["podCIDR"] for n in nodes.values()}
    assert len(cidrs) == 3
    assert all(c.endswith("/24") for c in cidrs)


def test_the_system_namespaces_exist(born: Simulation) -> None:
    names = {name_of(n) for n in born.client.list(kinds.NAMESPACES)}
    assert names == {"default", "kube-node-lease", "kube-public", "kube-system"}


def test_the_control_plane_runs_as_static_pods_and_addons(born: Simulation) -> None:
    system = pods(born, namespace="kube-system")
    names = {name_of(p) for p in system}
    assert {
        "etcd-minikube",
        "kube-apiserver-minikube",
        "kube-controller-manager-minikube",
        "kube-scheduler-minikube",
    } <= names
    assert sum(n.startswith("kube-proxy-") for n in names) == 3
    assert sum(n.startswith("coredns-") for n in names) == 1
    assert [name_of(p) for p in system if not is_ready(p)] == []


def test_static_pods_are_mirrors_owned_by_their_node(born: Simulation) -> None:
    etcd = born.client.get(kinds.PODS, "kube-system", "etcd-minikube")
    assert etcd["metadata"]["annotations"]["kubernetes.io/config.source"] == "file"
    assert etcd["metadata"]["ownerReferences"][0]["kind"] == "Node"
    command = etcd["spec"]["containers"][0]["command"]
    assert command[0] == "etcd"
    assert "--data-dir=/var/lib/minikube/etcd" in command


def test_the_api_service_and_cluster_dns_have_their_addresses(born: Simulation) -> None:
    api = born.client.get(kinds.SERVICES, "default", "kubernetes")
    dns = born.client.get(kinds.SERVICES, "kube-system", "kube-dns")
    assert api["spec"]["clusterIP"] == "10.96.0.1"
    assert dns["spec"]["clusterIP"] == "10.96.0.10"
    slices = born.client.list(kinds.ENDPOINT_SLICES, "kube-system")
    addresses = [a for s in slices for e in s["endpoints"] for a in e["addresses"]]
    assert len(addresses) == 1


def test_bootstrapping_again_changes_nothing(born: Simulation) -> None:
    before = born.store.revision()
    assert not bootstrap(born.client, Shape(nodes=3))
    assert born.store.revision() == before


def test_a_settled_cluster_writes_nothing(born: Simulation) -> None:
    born.advance(600)
    before = born.store.revision()
    born.advance(1800)
    writes = [e for e in born.store.events(before) if e.value is not None]
    assert writes == []


def test_resizing_adds_and_removes_machines() -> None:
    simulation = Simulation(Shape(nodes=2))
    simulation.advance(60)
    assert resize(simulation.client, Shape(nodes=4)) == (["minikube-m03", "minikube-m04"], [])
    simulation.advance(60)
    assert len(simulation.client.list(kinds.NODES)) == 4
    assert resize(simulation.client, Shape(nodes=2)) == ([], ["minikube-m03", "minikube-m04"])
    simulation.advance(120)
    names = [name_of(n) for n in simulation.client.list(kinds.NODES)]
    assert names == ["minikube", "minikube-m02"]
    on = {p["spec"]["nodeName"] for p in pods(simulation, namespace="kube-system")}
    assert on == {"minikube", "minikube-m02"}


def test_default_roles_that_were_lost_come_back_at_the_next_start() -> None:
    cluster = Simulation(Shape(nodes=1))
    client = cluster.client
    cluster.settle()
    edit = client.get(kinds.CLUSTER_ROLES, "", "edit")
    assert any("deployments" in r["resources"] for r in edit["rules"]), "aggregated"
    client.do_delete(kinds.CLUSTER_ROLES, "", "system:basic-user", Options())
    added = {"verbs": ["get"], "nonResourceURLs": ["/mine"]}

    def change(role: Object) -> Object:
        return {**role, "rules": [*role["rules"][1:], added]}

    client.do_patch(kinds.CLUSTER_ROLES, "", "system:public-info-viewer", change)
    ensure_roles(client)
    assert client.get(kinds.CLUSTER_ROLES, "", "system:basic-user")["rules"]
    rules = client.get(kinds.CLUSTER_ROLES, "", "system:public-info-viewer")["rules"]
    assert [r["nonResourceURLs"][0] for r in rules] == ["/mine", "/healthz"]


def test_the_cluster_tells_whom_it_trusts_and_corrects_it_at_the_next_start() -> None:
    client = Simulation(Shape(nodes=1)).client
    ensure_trust(client, "OLD", "https://127.0.0.1:6443")
    ensure_trust(client, "PEM", "https://127.0.0.1:6443")
    name = "extension-apiserver-authentication"
    told = client.get(kinds.CONFIG_MAPS, "kube-system", name)
    assert told["data"] == {"client-ca-file": "PEM"}
    info = client.get(kinds.CONFIG_MAPS, "kube-public", "cluster-info")["data"]["kubeconfig"]
    cluster = yaml.safe_load(info)["clusters"][0]["cluster"]
    assert cluster["server"] == "https://127.0.0.1:6443"
    assert base64.b64decode(cluster["certificate-authority-data"]) == b"PEM"
