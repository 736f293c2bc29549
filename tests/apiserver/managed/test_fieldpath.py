"""Sets of fields and their JSON form."""

from __future__ import annotations

import orjson
import pytest

from cluster.apiserver.managed.fieldpath import FieldSet, key, path_text, value
from tests.apiserver.managed.lab import paths

FIELDS = {
    "f:metadata": {"f:labels": {".": {}, "f:app": {}}},
    "f:spec": {
        "f:containers": {
            'k:{"name":"a"}': {".": {}, "f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {}}}
        },
        "f:finalizers": {'v:"x"': {}, "v:1": {}, "v:true": {}, "i:0": {}},
    },
}


def test_json_comes_back_as_it_was() -> None:
    assert FieldSet.from_fields(FIELDS).to_fields() == FIELDS


def test_keys_are_the_same_however_they_are_spelt() -> None:
    spelt = FieldSet.from_fields({'k:{ "protocol":"TCP", "port":80.0 }': {}})
    assert spelt == paths(({"port": 80, "protocol": "TCP"},))


def test_elements_of_kinds_to_come_are_dropped_and_nonsense_is_an_error() -> None:
    assert FieldSet.from_fields({"z:future": {}, "f:a": {}}) == paths(("a",))
    for nonsense in ({"a": {}}, {"f:a": 1}, [], {"k:[]": {}}, {"k:{": {}}, {"i:x": {}}):
        with pytest.raises(ValueError):
            FieldSet.from_fields(nonsense)


def test_markup_is_escaped_as_go_does() -> None:
    assert value("<a&b>") == 'v:"\\u003ca\\u0026b\\u003e"'
    assert FieldSet.from_fields({'v:"<"': {}}) == paths((["<"],))


def test_paths_print_as_conflicts_show_them() -> None:
    path = ("f:spec", key({"b": 1, "a": "x"}), value("y"), value(True), "i:3")
    assert path_text(path) == '.spec[a="x",b=1][="y"][=true][3]'


def test_a_parent_and_its_child_are_members_of_their_own() -> None:
    both, parent, child = paths(("a",), ("a", "b")), paths(("a",)), paths(("a", "b"))
    assert both.difference(child) == parent
    assert both.difference(parent) == child
    assert both.without(parent) == paths()
    assert child.without(parent) == paths()
    assert both.intersection(child) == child
    assert parent.union(child) == both


def test_members_come_in_upstream_s_order() -> None:
    found = FieldSet.from_fields({'v:"b"': {}, "f:z": {}, 'k:{"n":"a"}': {}, "f:a": {}, "v:2": {}})
    assert [path_text(p) for p in found] == [".a", ".z", '[n="a"]', "[=2]", '[="b"]']
    assert orjson.dumps(found.to_fields()).startswith(b'{"f:a"')
