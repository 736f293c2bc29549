"""Strategic merge: keys, directives and the order of lists. Facts of upstream's own tests."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.apiserver.patch import strategic_merge
from cluster.machinery.errors import StatusError


def pod(*containers: str, **more: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": c} for c in containers], **more}}


def patched(old: dict[str, Any], patch: dict[str, Any]) -> Any:
    return strategic_merge("", "v1", "Pod", old, patch)["spec"]


def names(found: list[dict[str, Any]]) -> list[str]:
    return [entry["name"] for entry in found]


@pytest.mark.parametrize(
    ("live", "patch", "order", "result"),
    [
        ("abc", "ca", None, "bca"),
        ("abc", "cab", None, "cab"),
        ("abc", "", "cba", "cba"),
        ("ac", "ab", "ab", "abc"),
        ("c", "ab", "ab", "abc"),
        ("adc", "b", "abc", "abdc"),
        ("abc", "d", "dab", "dabc"),
    ],
)
def test_lists_keep_the_order_of_the_directive_then_of_the_patch_then_their_own(
    live: str, patch: str, order: str | None, result: str
) -> None:
    change: dict[str, Any] = {}
    if patch:
        change["containers"] = [{"name": c} for c in patch]
    if order is not None:
        change["$setElementOrder/containers"] = [{"name": c} for c in order]
    assert "".join(names(patched(pod(*live), {"spec": change})["containers"])) == result


def test_items_merge_and_go_by_their_key() -> None:
    old = pod("a", "b")
    old["spec"]["containers"][0]["env"] = [{"name": "X", "value": "1"}, {"name": "Y"}]
    change = {
        "containers": [
            {"name": "a", "env": [{"name": "X", "$patch": "delete"}, {"name": "Z"}]},
            {"name": "b", "$patch": "delete"},
        ]
    }
    (left,) = patched(old, {"spec": change})["containers"]
    assert left == {"name": "a", "env": [{"name": "Z"}, {"name": "Y"}]}, "what is new comes first"


def test_a_list_and_a_map_may_be_replaced_whole() -> None:
    change: Any = {"containers": [{"name": "c"}, {"$patch": "replace"}]}
    assert names(patched(pod("a", "b"), {"spec": change})["containers"]) == ["c"]
    old = pod("a", nodeSelector={"x": "1"})
    change = {"nodeSelector": {"y": "2", "$patch": "replace"}}
    assert patched(old, {"spec": change})["nodeSelector"] == {"y": "2"}


def test_retained_keys_are_all_that_stays() -> None:
    old = pod("a", volumes=[{"name": "v", "emptyDir": {}}])
    change = {"volumes": [{"$retainKeys": ["name", "hostPath"], "name": "v", "hostPath": {}}]}
    assert patched(old, {"spec": change})["volumes"] == [{"name": "v", "hostPath": {}}]


def test_values_go_from_lists_of_scalars_and_are_not_put_into_absent_ones() -> None:
    def merged(old: dict[str, Any], patch: dict[str, Any]) -> Any:
        return strategic_merge("", "v1", "Pod", {"metadata": old}, {"metadata": patch})["metadata"]

    gone = {"$deleteFromPrimitiveList/finalizers": ["b"]}
    assert merged({"finalizers": ["a", "b", "c"]}, gone) == {"finalizers": ["a", "c"]}
    assert merged({}, gone) == {}
    assert merged({"finalizers": ["a"]}, {"finalizers": ["b", "a"]}) == {"finalizers": ["b", "a"]}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"containers": [{"name": "a", "$patch": "merge"}]}, "merging lists cannot yet be"),
        ({"containers": [{"name": "a", "$patch": "x"}]}, "unknown patch type x"),
        ({"containers": [{"image": "a"}]}, "does not contain declared merge key: name"),
        (
            {"containers": [{"name": "b"}], "$setElementOrder/containers": [{"name": "a"}]},
            "The order in patch list:",
        ),
        ({"$setElementOrder/containers": {}}, "invalid patch format of setElementOrder list"),
    ],
)
def test_what_makes_no_sense_is_refused(change: dict[str, Any], why: str) -> None:
    with pytest.raises(StatusError, match=why):
        patched(pod("a"), {"spec": change})
