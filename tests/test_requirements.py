"""What the code imports is what requirements.txt installs."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
OWN = {"cluster", "dashboard", "workers", "tests"}


def imported(*folders: str) -> set[str]:
    """Top-level names of everything imported from outside."""
    found: set[str] = set()
    for path in (p for f in folders for p in (ROOT / f).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found - OWN - set(sys.stdlib_module_names)


def required(file: str) -> set[str]:
    """Canonical distribution names."""
    out: set[str] = set()
    for line in (ROOT / file).read_text().splitlines():
        if match := re.match(r"-r (\S+)|([A-Za-z0-9_.-]+)", line):
            other, name = match.groups()
            out |= required(other) if other else {re.sub(r"[-_.]+", "-", name).lower()}
    return out


@pytest.mark.parametrize(
    ("folders", "file"),
    [
        (("cluster", "dashboard", "workers"), "requirements.txt"),
        (("tests",), "requirements-dev.txt"),
    ],
)  # fmt: skip
def test_every_import_is_required(folders: tuple[str, ...], file: str) -> None:
    known = packages_distributions()
    missing = {
        name
        for name in imported(*folders)
        if not {re.sub(r"[-_.]+", "-", d).lower() for d in known.get(name, [name])} & required(file)
    }
    assert missing == set()


def test_every_requirement_is_pinned() -> None:
    for file in ("requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / file).read_text().splitlines():
            assert not line or line.startswith(("#", "-r ")) or "==" in line
