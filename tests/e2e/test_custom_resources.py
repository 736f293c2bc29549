"""Definitions, objects and operators, with kubectl, kopf and kr8s."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kr8s
import pytest
import yaml

from tests.e2e.instance import Orrery, eventually

OPERATOR = Path(__file__).with_name("operators") / "websites.py"
CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: websites.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: websites, kind: WebSite, shortNames: [ws], categories: [all]}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        description: A site of the web.
        properties:
          spec:
            type: object
            required: [image]
            x-kubernetes-validations:
            - {rule: "self.replicas < 5 || self.image != 'tiny'", message: tiny sites stay small}
            properties:
              image: {type: string, description: What runs.}
              replicas: {type: integer, minimum: 0, default: 1}
          status:
            type: object
            x-kubernetes-preserve-unknown-fields: true
            properties: {replicas: {type: integer}, phase: {type: string}}
    subresources:
      status: {}
      scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}
    additionalPrinterColumns:
    - {name: Image, type: string, jsonPath: .spec.image}
    - {name: Phase, type: string, jsonPath: .status.phase}
    - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
"""


def _site(name: str, **spec: Any) -> str:
    body = {
        "apiVersion": "example.com/v1", "kind": "WebSite", "metadata": {"name": name},
        "spec": {"image": "nginx", **spec},
    }  # fmt: skip
    return str(yaml.safe_dump(body))


@pytest.fixture
def defined(orrery: Orrery) -> Iterator[Orrery]:
    orrery.kubectl("apply", "-f", "-", stdin=CRD)
    orrery.kubectl("wait", "--for=condition=Established", "crd/websites.example.com")
    yield orrery
    orrery.kubectl("delete", "crd", "websites.example.com")


def test_kubectl_knows_the_kind_at_once(defined: Orrery) -> None:
    assert "created" in defined.kubectl("apply", "-f", "-", stdin=_site("one"))
    assert "unchanged" in defined.kubectl("apply", "-f", "-", stdin=_site("one"))
    lines = defined.kubectl("get", "ws").splitlines()
    assert lines[0].split() == ["NAME", "IMAGE", "PHASE", "AGE"]
    assert lines[1].split()[:2] == ["one", "nginx"]
    assert "scaled" in defined.kubectl("scale", "ws/one", "--replicas=3")
    assert defined.get("ws", "one")["spec"]["replicas"] == 3
    assert "website.example.com/one" in defined.kubectl("get", "all")
    shown = defined.kubectl("explain", "websites.spec.image")
    assert "What runs." in shown
    assert "websites" in defined.kubectl("api-resources", "--api-group=example.com")
    assert "Image:" in defined.kubectl("describe", "ws", "one")


def test_what_kubectl_is_told_is_wrong(defined: Orrery) -> None:
    typo = defined.run("create", "-f", "-", stdin=_site("two", replica=3))
    assert 'strict decoding error: unknown field "spec.replica"' in typo.stderr
    wrong = defined.run("create", "-f", "-", stdin=_site("two", replicas="many"))
    assert 'spec.replicas: Invalid value: "string"' in wrong.stderr
    rule = defined.run("create", "-f", "-", stdin=_site("two", replicas=9, image="tiny"))
    assert "tiny sites stay small" in rule.stderr
    nobody = defined.run("apply", "-f", "-", stdin=_site("x").replace("WebSite", "Nobody"))
    assert 'no matches for kind "Nobody" in version "example.com/v1"' in nobody.stderr
    assert "ensure CRDs are installed first" in nobody.stderr


def test_server_side_apply_and_diff(defined: Orrery) -> None:
    apply = ("apply", "--server-side", "-f", "-")
    assert "serverside-applied" in defined.kubectl(*apply, stdin=_site("three", replicas=2))
    conflict = defined.run(*apply, "--field-manager=other", stdin=_site("three", replicas=4))
    assert "conflict with" in conflict.stderr
    different = defined.run("diff", "-f", "-", stdin=_site("three", replicas=7))
    assert (different.returncode, "+  replicas: 7" in different.stdout) == (1, True)


def test_an_operator_of_kopf_works(defined: Orrery) -> None:
    env = {**os.environ, "KUBECONFIG": str(defined.kubeconfig)}
    command = [sys.executable, "-m", "kopf", "run", str(OPERATOR), "-n", "default", "--quiet"]
    operator = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
    try:
        defined.kubectl("apply", "-f", "-", stdin=_site("shop", replicas=2))
        ready = "--for=jsonpath={.status.phase}=Deployed"
        defined.kubectl("wait", ready, "ws/shop", "--timeout=30s")
        eventually(lambda: defined.ready("app=shop") == 2, what="pods of the site")
        defined.kubectl("scale", "ws/shop", "--replicas=3")
        eventually(lambda: defined.ready("app=shop") == 3, what="the third pod")
        defined.kubectl("delete", "ws", "shop", "--timeout=30s")
        defined.kubectl("delete", "configmap", "shop-was-here")
        eventually(lambda: not defined.pods("app=shop"), what="pods are collected")
    finally:
        operator.terminate()
        operator.wait(20)


def test_kr8s_works_with_a_class_of_its_own(defined: Orrery) -> None:
    api = kr8s.api(kubeconfig=str(defined.kubeconfig))
    website = kr8s.objects.new_class(
        kind="WebSite", version="example.com/v1", namespaced=True, scalable=True
    )
    site = website(yaml.safe_load(_site("blog")), api=api)
    site.create()
    site.scale(2)
    assert site.spec.replicas == 2
    assert [s.name for s in kr8s.get("websites", api=api)] == ["blog"]
    site.label({"team": "a"})
    found = kr8s.get("websites.example.com", label_selector="team=a", api=api)
    assert [s.name for s in found] == ["blog"]
    site.delete()
    eventually(lambda: not site.exists(), what="the site is gone")
