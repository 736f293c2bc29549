"""Container runtimes as they show themselves: version strings, ids, the words of their errors."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Runtime:
    """`scheme` and `version` make nodeInfo.containerRuntimeVersion; ids are `scheme://64 hex`."""

    name: str
    scheme: str
    version: str
    not_found: str
    unreachable: str

    @property
    def runtime_version(self) -> str:
        return f"{self.scheme}://{self.version}"

    def image_id(self, repository: str, digest: str) -> str:
        if self.scheme == "docker":
            return f"docker-pullable://{repository}@sha256:{digest}"
        return f"{repository}@sha256:{digest}"


RUNTIMES: dict[str, Runtime] = {
    "docker": Runtime(
        "docker",
        "docker",
        "28.5.2",
        "Error response from daemon: manifest for {image} not found: manifest unknown: "
        "manifest unknown",
        'Error response from daemon: Get "https://{host}/v2/": dial tcp: lookup {host} on '
        "192.168.49.1:53: no such host",
    ),
    "containerd": Runtime(
        "containerd",
        "containerd",
        "2.2.0",
        'rpc error: code = NotFound desc = failed to pull and unpack image "{full}": failed to '
        'resolve reference "{full}": {full}: not found',
        'rpc error: code = Unknown desc = failed to pull and unpack image "{full}": failed to '
        'resolve reference "{full}": failed to do request: Head "https://{host}/v2/": dial tcp: '
        "lookup {host}: no such host",
    ),
    "cri-o": Runtime(
        "cri-o",
        "cri-o",
        "1.35.0",
        "reading manifest {tag} in {repository}: manifest unknown",
        'pinging container registry {host}: Get "https://{host}/v2/": dial tcp: lookup {host}: '
        "no such host",
    ),
}
