"""One running instance for all tests that leave it as they found it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.instance import Orrery, eventually, is_ready

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def orrery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orrery]:
    """Three nodes, all Ready."""
    made = Orrery(tmp_path_factory.mktemp("orrery") / "data")
    made.start()
    try:
        eventually(lambda: sum(map(is_ready, made.get("nodes")["items"])) == 3, what="nodes")
        yield made
    finally:
        made.stop()


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[[str], Orrery]]:
    """Instances of a test's own, by name; whatever it leaves running is ended."""
    made: list[Orrery] = []

    def factory(name: str = "data") -> Orrery:
        made.append(Orrery(tmp_path / name))
        return made[-1]

    yield factory
    for each in made:
        if each.process is not None and each.process.poll() is None:
            each.stop()
