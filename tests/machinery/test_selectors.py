import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.machinery import selectors


@pytest.mark.parametrize(
    ("text", "labels", "expected"),
    [
        ("", {}, True),
        ("app=web", {"app": "web"}, True),
        ("app==web", {"app": "db"}, False),
        ("app!=web", {}, True),
        ("app", {"app": ""}, True),
        ("!app", {"app": "x"}, False),
        ("app in (a,b),tier notin (x)", {"app": "b"}, True),
        ("app in (a, b)", {"app": "c"}, False),
        ("a/b.c=1", {"a/b.c": "1"}, True),
        ("n>3", {"n": "4"}, True),
        ("n<3", {"n": "x"}, False),
        ("app=", {"app": ""}, True),
    ],
)
def test_label_selectors_match(text: str, labels: dict[str, str], expected: bool) -> None:
    assert selectors.parse(text).matches(labels) is expected


@pytest.mark.parametrize("text", ["a b", "a=b=c", "a in b", "=x", "a in (b", "-x=1", "a,,b", "a="])
def test_nonsense_is_refused_or_means_the_empty_value(text: str) -> None:
    if text == "a=":
        assert selectors.parse(text).matches({"a": ""})
        return
    with pytest.raises(ValueError):
        selectors.parse(text)


def test_label_selector_objects() -> None:
    selector = selectors.from_label_selector(
        {
            "matchLabels": {"app": "web"},
            "matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["db"]}],
        }
    )
    assert selector.matches({"app": "web"})
    assert not selector.matches({"app": "web", "tier": "db"})
    assert not selectors.from_label_selector(None).matches({})
    assert selectors.from_label_selector({}).matches({})
    assert not selectors.from_map({}).matches({"a": "b"})


def test_field_selectors_unescape_values() -> None:
    terms = selectors.parse_fields(r"metadata.name=a\,b,status.phase!=Running")
    assert [(t.path, t.value, t.equal) for t in terms] == [
        ("metadata.name", "a,b", True),
        ("status.phase", "Running", False),
    ]


@given(st.text(max_size=40))
def test_parsing_never_fails_otherwise_than_by_value_error(text: str) -> None:
    try:
        selectors.parse(text)
        selectors.parse_fields(text)
    except ValueError:
        pass


LABEL = st.from_regex(r"[a-z]([a-z0-9]{0,5}[a-z0-9])?", fullmatch=True)


@given(st.dictionaries(LABEL, LABEL, max_size=4), st.dictionaries(LABEL, LABEL, max_size=4))
def test_equality_selectors_mean_containment(want: dict[str, str], have: dict[str, str]) -> None:
    text = ",".join(f"{k}={v}" for k, v in want.items())
    assert selectors.parse(text).matches(have) is (want.items() <= have.items())
