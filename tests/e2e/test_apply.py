"""Server-side apply with the real clients: kubectl and its conflicts, and helm."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import tools
from tests.e2e.instance import Orrery

CHART = Path(__file__).with_name("chart")
MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: applied, labels: {app: applied}}
spec:
  replicas: 1
  selector: {matchLabels: {app: applied}}
  template:
    metadata: {labels: {app: applied}}
    spec: {containers: [{name: main, image: "registry.k8s.io/pause:3.10"}]}
"""


def owners(orrery: Orrery, kind: str, name: str) -> dict[tuple[str, str, str], Any]:
    shown = orrery.kubectl("get", kind, name, "-o", "json", "--show-managed-fields")
    return {
        (e["manager"], e["operation"], e.get("subresource", "")): e["fieldsV1"]
        for e in json.loads(shown)["metadata"]["managedFields"]
    }


@pytest.fixture
def manifest(orrery: Orrery, tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "applied.yaml"
    path.write_text(MANIFEST)
    yield path
    orrery.kubectl("delete", "deployment", "applied", "--ignore-not-found", "--wait=false")


def test_kubectl_scale_conflicts_with_the_next_apply_until_it_is_forced(
    orrery: Orrery, manifest: Path
) -> None:
    apply = ("apply", "--server-side", "-f", str(manifest))
    assert "serverside-applied" in orrery.kubectl(*apply)
    orrery.kubectl("scale", "deployment", "applied", "--replicas=2")
    refused = orrery.run(*apply)
    assert refused.returncode == 1
    assert "Apply failed with 1 conflict: conflict with" in refused.stderr
    assert 'with subresource "scale" using apps/v1: .spec.replicas' in refused.stderr
    orrery.kubectl(*apply, "--force-conflicts")
    assert orrery.get("deployment", "applied")["spec"]["replicas"] == 1


def test_client_side_apply_is_taken_over_and_then_gives_up_what_is_dropped(
    orrery: Orrery, manifest: Path
) -> None:
    orrery.kubectl("apply", "-f", str(manifest))
    orrery.kubectl("apply", "--server-side", "-f", str(manifest))
    found = owners(orrery, "deployment", "applied")
    assert ("kubectl-client-side-apply", "Update", "") not in found
    assert ("kubectl", "Apply", "") in found
    manifest.write_text(
        MANIFEST.replace(", labels: {app: applied}}\nspec:\n  replicas", "}\nspec:\n  replicas")
    )
    orrery.kubectl("apply", "--server-side", "-f", str(manifest))
    assert "labels" not in orrery.get("deployment", "applied")["metadata"]


def test_helm_installs_upgrades_rolls_back_and_uninstalls(orrery: Orrery, tmp_path: Path) -> None:
    homes = {f"HELM_{part}_HOME": str(tmp_path / part) for part in ("CACHE", "CONFIG", "DATA")}
    environment = {**os.environ, **homes, "KUBECONFIG": str(orrery.kubeconfig)}

    def helm(*arguments: str) -> str:
        command = [str(tools.helm()), *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, check=False, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def env() -> list[str]:
        (container,) = orrery.get("deployment", "shop")["spec"]["template"]["spec"]["containers"]
        return [variable["name"] for variable in container["env"]]

    assert "STATUS: deployed" in helm("install", "shop", str(CHART), "--wait")
    assert env() == ["ALWAYS", "EXTRA"]
    assert ("helm", "Apply", "") in owners(orrery, "configmap", "shop")
    helm("upgrade", "shop", str(CHART), "--set", "extra=false", "--set", "replicas=2", "--wait")
    assert env() == ["ALWAYS"]
    assert orrery.get("configmap", "shop")["data"] == {"always": "1"}
    helm("rollback", "shop", "1", "--wait")
    assert env() == ["ALWAYS", "EXTRA"]
    assert orrery.get("deployment", "shop")["spec"]["replicas"] == 1
    helm("uninstall", "shop", "--wait")
    assert orrery.run("get", "service", "shop").returncode == 1
