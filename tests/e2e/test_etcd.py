"""The tutorial's etcd session with the real etcdctl, against a living cluster."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.e2e.instance import Orrery, eventually
from tests.etcd.grpc.conftest import needed


def etcdctl(orrery: Orrery, *arguments: str, tls: bool = True) -> subprocess.CompletedProcess[str]:
    pki = orrery.data / "pki" / "etcd"
    own = [f"--cert={pki / 'healthcheck-client.crt'}", f"--key={pki / 'healthcheck-client.key'}"]
    command = [
        needed("etcdctl", "etcd-client"),
        f"--endpoints=https://127.0.0.1:{orrery.env['ORRERY_ETCD_PORT']}",
        f"--cacert={pki / 'ca.crt'}", "--command-timeout=10s", "--dial-timeout=2s",
        *(own if tls else []), *arguments,
    ]  # fmt: skip
    env = {**os.environ, "ETCDCTL_API": "3"}
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)


def test_the_clusters_objects_are_there_and_a_write_reaches_the_apis_watchers(
    orrery: Orrery,
) -> None:
    eventually(lambda: etcdctl(orrery, "endpoint", "health").returncode == 0, what="etcd")
    keys = etcdctl(orrery, "get", "/", "--prefix", "--keys-only").stdout.split()
    assert "/registry/minions/minikube-m02" in keys
    body = (
        '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"past-admission",'
        '"namespace":"default","uid":"5b0e6c1e-0000-4000-8000-000000000001",'
        '"creationTimestamp":"2026-01-01T00:00:00Z"},"data":{"a":"b"}}'
    )
    watch = subprocess.Popen(
        orrery.command("get", "configmap", "-w", "-o", "name"), env=orrery.kubectl_env(),
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert watch.stdout is not None
    assert watch.stdout.readline().strip() == "configmap/kube-root-ca.crt"
    assert etcdctl(orrery, "put", "/registry/configmaps/default/past-admission", body).stdout
    assert watch.stdout.readline().strip() == "configmap/past-admission"
    watch.terminate()
    watch.wait(5)
    watch.stdout.close()
    orrery.kubectl("delete", "configmap", "past-admission")


def test_a_failed_handshake_is_in_the_pods_log(orrery: Orrery) -> None:
    failed = etcdctl(orrery, "--command-timeout=2s", "get", "/", tls=False)
    assert failed.returncode == 1
    assert "context deadline exceeded" in failed.stderr
    log = orrery.kubectl("logs", "etcd-minikube", "-n", "kube-system")
    assert '"msg":"rejected connection"' in log
    assert "tls: client didn't provide a certificate" in log


def test_a_snapshot_brings_the_whole_cluster_back(orrery: Orrery, tmp_path: Path) -> None:
    orrery.kubectl("create", "deployment", "kept", "--image=nginx", "--replicas=2")
    eventually(lambda: orrery.ready("app=kept") == 2, what="pods")
    saved = etcdctl(orrery, "snapshot", "save", str(tmp_path / "s"))
    assert saved.returncode == 0, saved.stderr
    orrery.kubectl("delete", "deployment", "kept")
    orrery.kubectl("create", "configmap", "later")
    watch = subprocess.Popen(
        orrery.command("get", "configmap", "-w"), env=orrery.kubectl_env(),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert watch.stdout is not None
    watch.stdout.readline()
    orrery.manage("etcd", "snapshot", "restore", str(tmp_path / "s"))
    said, _ = watch.communicate(timeout=20)  # it ends by itself
    assert "Expired" in said
    assert orrery.run("get", "configmap", "later").returncode == 1
    orrery.kubectl("scale", "deployment", "kept", "--replicas=3")
    eventually(lambda: orrery.ready("app=kept") == 3, what="pods of the restored deployment")
    orrery.kubectl("delete", "deployment", "kept")
