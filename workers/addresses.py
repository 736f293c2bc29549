"""Where things are: URLs and the administrator's kubeconfig."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import yaml
from django.conf import settings

NAME = "minikube"


def api_url() -> str:
    return f"https://127.0.0.1:{settings.API_PORT}"


def kubeconfig(server: str, pki: Path) -> str:
    """Self-contained: the certificates travel inside."""

    def data(name: str) -> str:
        return base64.b64encode((pki / name).read_bytes()).decode()

    cluster = {"certificate-authority-data": data("ca.crt"), "server": server}
    user = {"client-certificate-data": data("admin.crt"), "client-key-data": data("admin.key")}
    context = {"cluster": NAME, "namespace": "default", "user": NAME}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": NAME, "cluster": cluster}],
        "contexts": [{"name": NAME, "context": context}],
        "current-context": NAME,
        "preferences": {},
        "users": [{"name": NAME, "user": user}],
    }
    return yaml.safe_dump(config, sort_keys=False)


def write_kubeconfig(path: Path) -> None:
    """Whole or not at all, for the owner's eyes."""
    content = kubeconfig(api_url(), settings.DATA_DIR / "pki")
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(content)
    scratch.replace(path)
