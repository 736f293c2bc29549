"""The scoring strategies: worked examples, and one node scored as a column is."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from cluster.scheduler.plugins.strategies import Strategy, strategy

SHAPE = [{"utilization": 0, "score": 0}, {"utilization": 50, "score": 10},
         {"utilization": 100, "score": 3}]  # fmt: skip


def ratio(shape: list[dict[str, int]]) -> dict[str, Any]:
    return {"type": "RequestedToCapacityRatio", "requestedToCapacityRatio": {"shape": shape}}


@pytest.mark.parametrize(
    ("chosen", "used", "have", "score"),
    [
        ({}, 250, 1000, 75),
        ({}, 1001, 1000, 0),
        ({"type": "MostAllocated"}, 250, 1000, 25),
        ({"type": "MostAllocated"}, 1001, 1000, 100),
        (ratio(SHAPE), 25, 100, 50),
        (ratio(SHAPE), 75, 100, 65),
        (ratio(SHAPE), 200, 100, 30),
        (ratio([{"utilization": 20, "score": 5}]), 1, 100, 50),
    ],
)
def test_worked_examples(chosen: dict[str, Any], used: int, have: int, score: int) -> None:
    assert strategy(chosen).of(used, have) == score


AMOUNT = st.integers(0, 2**50)


@given(
    st.sampled_from([{}, {"type": "MostAllocated"}, ratio(SHAPE)]),
    st.lists(st.tuples(AMOUNT, AMOUNT, st.integers(1, 100)), min_size=1, max_size=3),
)
def test_a_column_is_scored_as_its_nodes_are(
    chosen: dict[str, Any], parts: list[tuple[int, int, int]]
) -> None:
    chosen_one: Strategy = strategy(chosen)
    columns = [(np.array([u, u]), np.array([h, h]), w) for u, h, w in parts]
    assert chosen_one.columns(columns).tolist() == [chosen_one.single(parts)] * 2


@pytest.mark.parametrize(
    "shape",
    [[], [{"utilization": 101, "score": 1}], [{"utilization": 1, "score": 11}], SHAPE[::-1]],
)
def test_a_broken_shape_is_refused(shape: list[dict[str, int]]) -> None:
    with pytest.raises(ValueError, match="must be"):
        strategy(ratio(shape))
