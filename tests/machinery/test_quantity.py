import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.machinery import quantity


@pytest.mark.parametrize(
    ("text", "milli"),
    [("100m", 100), ("1", 1000), ("1.5", 1500), ("0.1m", 1), ("2k", 2_000_000), (2, 2000)],
)
def test_milli_rounds_up(text: str, milli: int) -> None:
    assert quantity.milli(text) == milli


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("64Mi", 67108864),
        ("1e3", 1000),
        ("1500m", 2),
        ("1G", 10**9),
        ("-1Ki", -1024),
        (".5Gi", 2**29),
    ],
)
def test_value_rounds_up(text: str, value: int) -> None:
    assert quantity.value(text) == value


@pytest.mark.parametrize("text", ["", "a", "1 Mi", "1mi", "--1", "1e", "1.2.3", "Mi"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    assert not quantity.is_valid(text)
    with pytest.raises(ValueError, match="quantities must match"):
        quantity.parse(text)


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("1000m", "1"), ("1024Mi", "1Gi"), ("0.5", "500m"), ("1500Mi", "1500Mi"), ("0", "0"),
        ("1000", "1k"), ("100k", "100k"), ("1.5Gi", "1536Mi"), ("0.1m", "100u"),
    ],
)  # fmt: skip
def test_quantities_are_stored_in_their_canonical_form(text: str, stored: str) -> None:
    assert quantity.canonical(text) == stored


@given(st.integers(0, 10**15))
def test_formats_read_back_to_the_same_amount(amount: int) -> None:
    assert quantity.value(quantity.format_binary(amount)) == amount
    assert quantity.value(quantity.format_decimal(amount)) == amount
    assert quantity.milli(quantity.format_milli(amount)) == amount
