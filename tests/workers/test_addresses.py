"""Kubeconfig, tokens and sizes: what people and their tools are handed."""

from __future__ import annotations

import base64
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from cluster.machinery import pki
from workers.addresses import kubeconfig
from workers.shape import add_shape_arguments, as_arguments, given_shape
from workers.tokens import ensure_tokens, read_tokens


def test_the_kubeconfig_needs_no_other_file(tmp_path: Path) -> None:
    pki.ensure(tmp_path, datetime(2026, 1, 1, tzinfo=UTC))
    config = yaml.safe_load(kubeconfig("https://127.0.0.1:6443", tmp_path))
    assert config["current-context"] == "minikube"
    assert config["contexts"][0]["name"] == "minikube"
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    assert cluster["server"] == "https://127.0.0.1:6443"
    assert base64.b64decode(cluster["certificate-authority-data"]) == (
        (tmp_path / "ca.crt").read_bytes()
    )
    assert base64.b64decode(user["client-key-data"]) == (tmp_path / "admin.key").read_bytes()


def test_there_is_one_token_from_the_start_and_it_stays(tmp_path: Path) -> None:
    path = tmp_path / "tokens.csv"
    ensure_tokens(path)
    first = read_tokens(path)
    ensure_tokens(path)
    assert read_tokens(path) == first
    (user,) = first.values()
    assert user.groups == ("system:masters",)
    assert path.stat().st_mode & 0o077 == 0


def test_tokens_are_read_as_upstream_writes_them(tmp_path: Path) -> None:
    path = tmp_path / "tokens.csv"
    path.write_text('t1,jane,42,"dev,ops"\nt2,bob,43\nbroken,line\n,nobody,1\n')
    found = read_tokens(path)
    assert list(found) == ["t1", "t2"]
    assert (found["t1"].name, found["t1"].uid) == ("jane", "42")
    assert found["t1"].groups == ("dev", "ops")
    assert found["t2"].groups == ()


def parse(*arguments: str) -> dict[str, object]:
    parser = ArgumentParser(exit_on_error=False)
    add_shape_arguments(parser)
    return vars(parser.parse_args(arguments))


def test_a_new_cluster_has_three_nodes_unless_told_otherwise() -> None:
    assert given_shape(parse()).nodes == 3
    shape = given_shape(parse("--nodes", "100", "--node-cpu", "16", "--node-memory", "64Gi"))
    assert (shape.nodes, shape.cpu, shape.memory, shape.pods) == (100, "16", "64Gi", 110)


def test_options_travel_to_the_child_as_they_came() -> None:
    options = parse("--nodes=5", "--node-pods=200")
    assert parse(*as_arguments(options)) == options


@pytest.mark.parametrize(
    "wrong", [["--nodes", "0"], ["--nodes", "5001"], ["--nodes", "many"], ["--node-cpu", "much"],
              ["--node-memory", "0"], ["--node-pods", "-1"]]
)  # fmt: skip
def test_senseless_sizes_are_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises((SystemExit, Exception), match=r"argument|2"):
        parse(*wrong)
