"""The catalogue of simulated images, and what a registry answers to a pull."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from cluster.runtime.personalities import Runtime

DEFAULT_SIZE = 48_000_000
DEFAULT_PULL = 1.5
# Names under these words exist in no registry: the documentation's way to spell a typo.
MISSING = ("does-not-exist", "doesnotexist", "nonexistent", "non-existent", "notexist", "missing")


class PullError(Exception):
    """The registry refused, in the runtime's own words."""


@dataclass(frozen=True, slots=True)
class Image:
    """`name` is the reference with its tag. Times are seconds of cluster time."""

    name: str
    repository: str
    size: int
    pull: float
    start: float
    ports: tuple[int, ...]
    exits: tuple[int, float] | None
    ignores_term: bool
    log: tuple[str, ...]
    known: bool = True
    flavour: str = "full"
    files: tuple[tuple[str, str], ...] = ()
    tools: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    processes: tuple[str, ...] = ()
    workdir: str = "/"
    user: int = 0
    argv: tuple[str, ...] = ()
    http: tuple[tuple[int, str], ...] = ()

    @property
    def digest(self) -> str:
        return sha256(self.name.encode()).hexdigest()


@lru_cache(maxsize=1)
def catalogue() -> dict[str, dict[str, Any]]:
    """By repository, without docker.io/library."""
    path = Path(__file__).with_name("data") / "images.yaml"
    found: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text())
    return found


def split(reference: str) -> tuple[str, str]:
    """(repository, tag or digest); no tag means latest."""
    if "@" in reference:
        repository, _, digest = reference.partition("@")
        return repository, digest
    head, slash, tail = reference.rpartition("/")
    name, _, tag = tail.partition(":")
    return f"{head}{slash}{name}", tag or "latest"


def short(repository: str) -> str:
    """`docker.io/library/nginx` and `nginx` are the same."""
    for prefix in ("docker.io/library/", "docker.io/", "index.docker.io/library/", "library/"):
        if repository.startswith(prefix):
            return repository[len(prefix) :]
    return repository


@lru_cache(maxsize=4096)
def image(reference: str) -> Image:
    """What the image is, whether or not a registry would serve it."""
    repository, tag = split(reference)
    facts = catalogue().get(short(repository), {})
    exits = facts.get("exits")
    return Image(
        name=reference if "@" in reference else f"{repository}:{tag}",
        repository=repository,
        size=facts.get("size", DEFAULT_SIZE),
        pull=facts.get("pull", DEFAULT_PULL),
        start=facts.get("start", 0.0),
        ports=tuple(facts.get("ports", ())),
        exits=(exits["code"], exits["after"]) if exits else None,
        ignores_term=facts.get("ignores_term", False),
        log=tuple(facts.get("log", ())),
        known=bool(facts),
        flavour=facts.get("flavour", "full"),
        files=tuple((facts.get("files") or {}).items()),
        tools=tuple(facts.get("tools", ())),
        env=tuple((k, str(v)) for k, v in (facts.get("env") or {}).items()),
        processes=tuple(facts.get("processes", ())),
        workdir=facts.get("workdir", "/"),
        user=facts.get("user", 0),
        argv=tuple(facts.get("argv", ())),
        http=tuple((facts.get("http") or {}).items()),
    )


def pull(reference: str, runtime: Runtime) -> Image:
    """The image a registry serves under the reference. Raises PullError."""
    repository, tag = split(reference)
    host = repository.partition("/")[0] if "." in repository.partition("/")[0] else "docker.io"
    full = repository if host != "docker.io" else f"docker.io/{repository}"
    words = {
        "image": f"{repository}:{tag}",
        "full": f"{full}:{tag}",
        "repository": repository,
        "tag": tag,
        "host": host,
    }
    if host.endswith((".invalid", ".example", ".test")) or host == "example.com":
        raise PullError(runtime.unreachable.format(**words))
    known = catalogue().get(short(repository), {}).get("tags")
    unknown_tag = known is not None and tag not in known
    if unknown_tag or any(word in reference for word in MISSING):
        raise PullError(runtime.not_found.format(**words))
    return image(reference)


def preloaded(role: str) -> list[Image]:
    """What a node of that role has before anything was pulled."""
    from cluster.runtime.versions import TAGS

    found = []
    for repository, facts in catalogue().items():
        where = facts.get("preloaded")
        if where is True or (where and role in where):
            found.append(image(f"{repository}:{TAGS[repository]}"))
    return found
