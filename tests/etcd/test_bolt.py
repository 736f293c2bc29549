"""bbolt files: what is written is read back, and damage is found."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cluster.etcd import bolt

PAIRS = st.dictionaries(
    st.binary(min_size=1, max_size=40), st.one_of(st.binary(max_size=50), st.just(b"x" * 9000))
)
BUCKETS = st.dictionaries(st.binary(min_size=1, max_size=12), PAIRS, min_size=1, max_size=4)


def write(path: Path, buckets: dict[bytes, dict[bytes, bytes]]) -> int:
    with path.open("w+b") as file:
        return bolt.write(file, [(n, sorted(p.items())) for n, p in sorted(buckets.items())])


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(BUCKETS)
def test_what_was_written_is_read(tmp_path: Path, buckets: dict[bytes, dict[bytes, bytes]]) -> None:
    path = tmp_path / "db"
    assert write(path, buckets) == path.stat().st_size
    with bolt.Reader(path) as database:
        assert {name: dict(pairs) for name, pairs in database.buckets()} == buckets
        assert database.size == path.stat().st_size


def test_a_tree_of_several_levels_keeps_its_order(tmp_path: Path) -> None:
    many = {b"%08d" % n: b"v" * (n % 700) for n in range(40_000)}
    write(tmp_path / "db", {b"key": many})
    with bolt.Reader(tmp_path / "db") as database:
        assert list(database.bucket(b"key")) == list(many.items())


def test_keys_out_of_order_are_refused(tmp_path: Path) -> None:
    with (tmp_path / "db").open("w+b") as file, pytest.raises(bolt.BoltError):
        bolt.write(file, [(b"key", [(b"b", b""), (b"a", b"")])])


@pytest.mark.parametrize("content", [b"", b"x" * 100, b"\x00" * 20_000])
def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "db").write_bytes(content)
    with pytest.raises(bolt.BoltError):
        bolt.Reader(tmp_path / "db")


def test_a_database_cut_short_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "db"
    write(path, {b"key": {b"%04d" % n: b"v" * 100 for n in range(1000)}})
    path.write_bytes(path.read_bytes()[: 8 * bolt.PAGE])
    with pytest.raises(bolt.BoltError), bolt.Reader(path) as database:
        list(database.bucket(b"key"))
