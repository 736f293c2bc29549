"""Namespaces: what every one of them has, and how one of them goes."""

from __future__ import annotations

from cluster.client import kinds
from cluster.machinery.meta import with_metadata
from tests.controllers.harness import Harness, pod, simple


def started(*more: str) -> Harness:
    cluster = Harness("namespace-controller", *more)
    cluster.add(simple("Namespace", "team"))
    cluster.add(simple("ServiceAccount", "default", namespace="team"))
    return cluster


def test_a_namespace_goes_when_all_in_it_is_gone() -> None:
    cluster = started()
    cluster.add(simple("ConfigMap", "settings", namespace="team"))
    cluster.add(simple("Secret", "key", namespace="team"), pod("web", "team"))
    cluster.delete(kinds.NAMESPACES, "team")
    assert not cluster.exists(kinds.NAMESPACES, "team")
    assert not cluster.exists(kinds.SECRETS, "key", "team")


def test_pods_go_first_and_the_rest_waits_for_them() -> None:
    cluster = started()
    cluster.add(simple("ConfigMap", "settings", namespace="team"))
    cluster.add(pod("web", "team").on("n1"))
    cluster.delete(kinds.NAMESPACES, "team")
    assert cluster.exists(kinds.CONFIG_MAPS, "settings", "team")
    namespace = cluster.get(kinds.NAMESPACES, "team")
    assert namespace["status"]["phase"] == "Terminating"
    told = {c["type"]: (c["status"], c["message"]) for c in namespace["status"]["conditions"]}
    assert told["NamespaceContentRemaining"] == (
        "True",
        "Some resources are remaining: pods. has 1 resource instances",
    )
    assert told["NamespaceDeletionDiscoveryFailure"][0] == "False"
    cluster.delete(kinds.PODS, "web", "team", grace=0)
    assert not cluster.exists(kinds.NAMESPACES, "team")


def test_finalizers_that_hold_it_are_named() -> None:
    cluster = started()
    held = simple("ConfigMap", "held", namespace="team", finalizers=["example.com/hold"])
    cluster.add(held)
    cluster.delete(kinds.NAMESPACES, "team")
    conditions = cluster.get(kinds.NAMESPACES, "team")["status"]["conditions"]
    (found,) = [c for c in conditions if c["type"] == "NamespaceFinalizersRemaining"]
    assert (found["status"], found["reason"]) == ("True", "SomeFinalizersRemain")
    assert found["message"] == (
        "Some content in the namespace has finalizers remaining: "
        "example.com/hold in 1 resource instances"
    )
    cluster.user.do_patch(
        kinds.CONFIG_MAPS, "team", "held", lambda o: with_metadata(o, finalizers=None)
    )
    cluster.settle()
    assert not cluster.exists(kinds.NAMESPACES, "team")


def test_a_restarted_controller_goes_on_emptying_it() -> None:
    cluster = started()
    cluster.add(simple("ConfigMap", "settings", namespace="team"))
    cluster.user.do_delete(kinds.NAMESPACES, "", "team")
    cluster.restart()
    assert not cluster.exists(kinds.NAMESPACES, "team")


def test_every_namespace_has_a_default_account_and_gets_it_back() -> None:
    cluster = Harness("serviceaccount-controller")
    cluster.add(simple("Namespace", "team"))
    assert cluster.exists(kinds.SERVICE_ACCOUNTS, "default", "team")
    cluster.delete(kinds.SERVICE_ACCOUNTS, "default", "team")
    assert cluster.exists(kinds.SERVICE_ACCOUNTS, "default", "team")


def test_every_namespace_has_the_root_certificate_and_it_is_put_right() -> None:
    cluster = Harness("root-ca-certificate-publisher-controller", root_ca="PEM")
    found = cluster.get(kinds.CONFIG_MAPS, "kube-root-ca.crt")
    assert found["data"] == {"ca.crt": "PEM"}
    cluster.change(kinds.CONFIG_MAPS, "kube-root-ca.crt", lambda o: {**o, "data": {}})
    assert cluster.get(kinds.CONFIG_MAPS, "kube-root-ca.crt")["data"] == {"ca.crt": "PEM"}
