"""Appliers and updaters of one object: who owns what, what goes, what conflicts.

The cases are facts of structured-merge-diff's own tests, in a schema of ours.
"""

from __future__ import annotations

from typing import Any

import pytest

from cluster.apiserver.managed.typed import MisfitError, validate
from cluster.apiserver.managed.types import Compiler
from cluster.apiserver.managed.updater import ConflictsError
from tests.apiserver.managed.lab import SCHEMA, TYPE, Lab, OneKind


def items(*names: str, **values: int) -> dict[str, Any]:
    return {"list": [{"name": n, **({"value": values[n]} if n in values else {})} for n in names]}


def conflicts(lab: Lab, name: str, config: Any) -> set[tuple[str, str]]:
    from cluster.apiserver.managed.fieldpath import path_text

    with pytest.raises(ConflictsError) as caught:
        lab.apply(name, config)
    return {(c.manager.name, path_text(c.path)) for c in caught.value.conflicts}


class TestLeaves:
    def test_the_same_value_is_owned_by_both(self) -> None:
        lab = Lab()
        lab.apply("a", {"numeric": 1, "string": "s"})
        lab.apply("b", {"numeric": 1})
        assert lab.owned("a") == {".numeric", ".string"}
        assert lab.owned("b") == {".numeric"}

    def test_an_update_takes_what_it_changes(self) -> None:
        lab = Lab()
        lab.apply("a", {"numeric": 1, "string": "s"})
        lab.update("c", {"numeric": 2, "string": "s", "bool": True})
        assert lab.owned("a") == {".string"}
        assert lab.owned("c") == {".numeric", ".bool"}

    def test_an_update_that_removes_leaves_nobody_owning(self) -> None:
        lab = Lab()
        lab.apply("a", {"numeric": 1, "string": "s"})
        lab.update("c", {"string": "s"})
        assert lab.owned("a") == {".string"}
        assert lab.owned("c") == set()
        assert len(lab.managers) == 1

    def test_what_an_update_changed_conflicts_and_force_takes_it_back(self) -> None:
        lab = Lab()
        lab.apply("a", {"numeric": 1})
        lab.update("c", {"numeric": 2})
        assert conflicts(lab, "a", {"numeric": 3}) == {("c", ".numeric")}
        lab.apply("a", {"numeric": 2})
        assert lab.owned("c") == {".numeric"}
        lab.apply("a", {"numeric": 3}, force=True)
        assert lab.owned("c") == set()

    def test_what_only_an_update_owns_stays_when_an_applier_drops_it(self) -> None:
        lab = Lab()
        lab.apply("a", {"numeric": 1, "string": "s"})
        lab.update("c", {"numeric": 1, "string": "t"})
        lab.apply("a", {"numeric": 1})
        assert lab.live == {"numeric": 1, "string": "t"}


class TestSets:
    def test_applied_items_keep_their_order_between_those_of_others(self) -> None:
        lab = Lab()
        lab.apply("a", {"set": ["a", "c"]})
        lab.update("c", {"set": ["a", "b", "c", "d"]})
        lab.apply("a", {"set": ["a", "aprime", "c", "cprime"]})
        assert lab.live["set"] == ["a", "b", "aprime", "c", "d", "cprime"]
        assert lab.owned("c") == {'.set[="b"]', '.set[="d"]'}

    def test_the_applier_s_order_wins_for_what_both_have(self) -> None:
        lab = Lab()
        lab.apply("a", {"set": ["a", "b", "c", "d"]})
        lab.apply("a", {"set": ["d", "a", "c", "b"]})
        assert lab.live["set"] == ["d", "a", "c", "b"]

    def test_dropped_items_go(self) -> None:
        lab = Lab()
        lab.apply("a", {"set": ["a", "b", "c"]})
        lab.apply("a", {"set": ["b"]})
        assert lab.live == {"set": ["b"]}

    def test_twice_the_same_is_refused_when_applied_and_survives_otherwise(self) -> None:
        lab = Lab()
        with pytest.raises(MisfitError, match=r'set: duplicate entries for key \[="a"\]'):
            lab.apply("a", {"set": ["a", "a"]})
        lab.update("c", {"set": ["a", "a", "b"]})
        lab.apply("a", {"set": ["c"]})
        assert lab.live["set"] == ["a", "a", "b", "c"]


class TestAssociativeLists:
    def test_items_of_several_appliers_live_together(self) -> None:
        lab = Lab()
        lab.apply("one", items("a", "b"))
        lab.apply("two", items("c"), version="v2")
        lab.apply("one", items("a"), version="v3")
        assert lab.live == items("a", "c")
        assert lab.owned("one") == {'.list[name="a"]', '.list[name="a"].name'}

    def test_an_item_that_another_applier_names_too_stays(self) -> None:
        lab = Lab()
        lab.apply("one", items("a", "b", b=1))
        lab.apply("two", items("b"))
        lab.apply("one", items("a"))
        assert lab.live == items("a", "b")

    def test_only_the_dropped_field_of_an_item_goes(self) -> None:
        lab = Lab()
        lab.apply("one", items("a", a=1))
        lab.apply("one", items("a"))
        assert lab.live == items("a")

    def test_items_of_updaters_stay_and_their_values_conflict(self) -> None:
        lab = Lab()
        lab.apply("a", items("x", x=1))
        lab.update("c", items("x", "y", x=2, y=3))
        assert conflicts(lab, "a", items("x", x=1)) == {("c", '.list[name="x"].value')}
        lab.apply("a", items("x", x=2))
        assert lab.live == items("x", "y", x=2, y=3)

    def test_an_item_goes_with_what_an_updater_put_into_it(self) -> None:
        """An updater does not own the item that it only changed, so removal is the applier's."""
        lab = Lab()
        lab.apply("a", {"list": [{"name": "x"}, {"name": "y"}]})
        lab.update("c", {"list": [{"name": "x", "tags": ["t"]}, {"name": "y"}]})
        lab.apply("a", items("y"))
        assert lab.live == items("y")
        assert lab.owned("c") == set()

    def test_several_keys_and_a_default_among_them(self) -> None:
        lab = Lab()
        lab.apply("a", {"ports": [{"port": 80}, {"port": 80, "protocol": "UDP"}]})
        assert '.ports[port=80,protocol="TCP"]' in lab.owned("a")
        assert '.ports[port=80,protocol="TCP"].protocol' not in lab.owned("a")
        lab.apply("b", {"ports": [{"port": 80, "protocol": "TCP", "name": "http"}]})
        assert [p.get("name") for p in lab.live["ports"]] == ["http", None]
        with pytest.raises(MisfitError, match="duplicate entries for key"):
            lab.apply("c", {"ports": [{"port": 80}, {"port": 80, "protocol": "TCP"}]})

    def test_an_item_needs_a_key(self) -> None:
        with pytest.raises(MisfitError, match='omits all key fields \\["name"\\]'):
            Lab().apply("a", {"list": [{"value": 1}]})


class TestMapsAndStructs:
    def test_entries_of_a_map_are_owned_apart(self) -> None:
        lab = Lab()
        lab.apply("a", {"map": {"x": "1", "y": "1"}})
        lab.apply("b", {"map": {"y": "1", "z": "1"}})
        lab.apply("a", {"map": {"x": "1"}})
        assert lab.live == {"map": {"x": "1", "y": "1", "z": "1"}}

    def test_a_map_goes_with_its_last_entry(self) -> None:
        lab = Lab()
        lab.apply("a", {"map": {"x": "1"}, "numeric": 1})
        lab.apply("a", {"numeric": 1})
        assert lab.live == {"numeric": 1}

    def test_a_struct_s_fields_go_one_by_one(self) -> None:
        lab = Lab()
        lab.apply("a", {"struct": {"a": 1, "b": 2, "inner": {"c": 1}}})
        lab.apply("b", {"struct": {"inner": {"c": 1}}})
        lab.apply("a", {"struct": {"a": 1}})
        assert lab.live == {"struct": {"a": 1, "inner": {"c": 1}}}

    def test_recursion_in_the_schema_is_followed(self) -> None:
        lab = Lab()
        deep = {"struct": {"inner": {"inner": {"inner": {"c": 1}}}}}
        lab.apply("a", deep)
        lab.apply("a", {"struct": {"a": 1}})
        assert lab.live == {"struct": {"a": 1}}

    def test_what_is_atomic_is_owned_and_replaced_as_a_whole(self) -> None:
        lab = Lab()
        lab.apply("a", {"atomicMap": {"x": "1"}, "atomicList": [{"name": "x"}]})
        assert lab.owned("a") == {".atomicMap", ".atomicList"}
        assert conflicts(lab, "b", {"atomicMap": {"y": "1"}}) == {("a", ".atomicMap")}
        lab.apply("b", {"atomicMap": {"y": "1"}}, force=True)
        assert lab.live["atomicMap"] == {"y": "1"}
        assert lab.owned("a") == {".atomicList"}

    def test_what_no_schema_describes_merges_as_maps_and_replaces_lists(self) -> None:
        lab = Lab()
        lab.apply("a", {"free": {"x": {"p": 1}, "l": [1]}})
        lab.apply("b", {"free": {"x": {"q": 1}}})
        assert lab.live == {"free": {"x": {"p": 1, "q": 1}, "l": [1]}}
        assert conflicts(lab, "b", {"free": {"l": [2]}}) == {("a", ".free.l")}

    def test_empty_is_something_to_own(self) -> None:
        lab = Lab()
        lab.apply("a", {"map": {}, "numeric": 1})
        assert lab.owned("a") == {".map", ".numeric"}
        assert lab.live == {"map": {}, "numeric": 1}


class TestVersions:
    def test_a_manager_of_a_version_that_is_gone_is_forgotten(self) -> None:
        lab = Lab()
        lab.apply("old", {"numeric": 1}, version="v0")
        lab.versions = OneKind(gone=frozenset(("v0",)))
        lab.apply("a", {"numeric": 2})
        assert {id_.name for id_ in lab.managers} == {"a"}

    def test_an_applier_that_moved_on_still_drops_what_it_applied_before(self) -> None:
        lab = Lab()
        lab.apply("a", {"numeric": 1, "string": "s"}, version="v1")
        lab.apply("a", {"numeric": 1}, version="v2")
        assert lab.live == {"numeric": 1}
        assert [owned.api_version for owned in lab.managers.values()] == ["v2"]

    def test_a_map_that_became_atomic_is_owned_by_who_owned_its_parts(self) -> None:
        lab = Lab()
        lab.apply("a", {"struct": {"a": 1}})
        properties = {**SCHEMA["properties"]}
        properties["struct"] = {**properties["struct"], "x-kubernetes-map-type": "atomic"}
        lab.versions = OneKind(
            Compiler(lambda name: {"type": "object"}).compile({**SCHEMA, "properties": properties})
        )
        assert conflicts(lab, "b", {"struct": {"b": 1}}) == {("a", ".struct")}


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"numeric": "1"}, r"^\.numeric: expected numeric \(int or float\), got string$"),
        ({"numeric": True}, r"^\.numeric: expected numeric"),
        ({"string": 1}, r"^\.string: expected string, got "),
        ({"bool": 1}, r"^\.bool: expected boolean, got 1$"),
        ({"list": {}}, r"^\.list: expected list, got "),
        ({"map": []}, r"^\.map: expected map, got "),
        ({"nope": 1}, r"^\.nope: field not declared in schema$"),
        ({"list": [{"name": "a", "x": 1}]}, r'^\.list\[name="a"\]\.x: field not declared'),
        ({"atomicList": [{"x": 1}]}, r"^\.atomicList\[0\]\.x: field not declared"),
        ({"set": [{}]}, "an element that's a map type"),
        ({"set": [[]]}, "not supported: associative list with lists"),
        ({"set": [None]}, "explicit null"),
        ({"list": [None]}, "may not have a null element"),
        ({"list": [1]}, "may not have non-map elements"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_path(config: Any, why: str) -> None:
    with pytest.raises(MisfitError, match=why):
        validate(TYPE, config)
