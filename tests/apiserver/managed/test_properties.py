"""Laws that hold for any configuration: applying twice, dropping fields, taking turns."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.apiserver.managed.compare import MISSING, compare
from cluster.apiserver.managed.entries import UPDATE, Managed, encode
from cluster.apiserver.managed.fieldpath import EMPTY, FieldSet
from cluster.apiserver.managed.hot import created, updated
from cluster.apiserver.managed.merge import merge
from cluster.apiserver.managed.outline import difference
from cluster.apiserver.managed.shapes import SHAPES
from cluster.apiserver.managed.typed import to_set
from cluster.apiserver.managed.updater import ConflictsError, ManagerId
from cluster.apiserver.managed.writer import Keep, Writer
from tests.apiserver.managed.lab import TYPE, Lab

few = settings(max_examples=40, deadline=None)
names = st.sampled_from("abcd")
numbers = st.integers(0, 3)
tags = st.lists(names, unique=True, min_size=1, max_size=3)
an_item = st.fixed_dictionaries({"name": names}, optional={"value": numbers, "tags": tags})
a_port = st.fixed_dictionaries(
    {"port": numbers}, optional={"protocol": st.sampled_from(["TCP", "UDP"]), "name": names}
)
a_map = st.dictionaries(names, names, min_size=1, max_size=3)
inner = st.recursive(
    st.fixed_dictionaries({"c": numbers}),
    lambda below: st.fixed_dictionaries({"inner": below}, optional={"c": numbers}),
    max_leaves=3,
)
configs = st.fixed_dictionaries(
    {},
    optional={
        "numeric": numbers,
        "string": names,
        "set": tags,
        "list": st.lists(an_item, unique_by=lambda i: i["name"], min_size=1, max_size=3),
        "ports": st.lists(
            a_port, unique_by=lambda p: (p["port"], p.get("protocol", "TCP")), min_size=1,
            max_size=3,
        ),
        "atomicList": st.lists(an_item, min_size=1, max_size=2),
        "atomicMap": a_map,
        "map": a_map,
        "mapOfLists": st.dictionaries(names, tags, min_size=1, max_size=2),
        "struct": st.fixed_dictionaries({"a": numbers}, optional={"b": numbers, "inner": inner}),
    },
)  # fmt: skip


def unordered(found: Any) -> Any:
    """Lists as multisets: merging may keep an older order."""
    if isinstance(found, dict):
        return {k: unordered(v) for k, v in sorted(found.items())}
    if isinstance(found, list):
        return sorted((unordered(v) for v in found), key=repr)
    return found


@few
@given(configs)
def test_a_single_applier_gets_what_it_applied(config: Any) -> None:
    lab = Lab()
    lab.apply("a", config)
    assert (lab.live if lab.live is not MISSING else {}) == config


@few
@given(configs, configs)
def test_applying_twice_changes_nothing(first: Any, second: Any) -> None:
    lab = Lab()
    lab.apply("other", first)
    lab.apply("a", second, force=True)
    live, managers = lab.live, dict(lab.managers)
    lab.apply("a", second)
    assert (lab.live, lab.managers) == (live, managers)


@few
@given(configs, configs)
def test_the_second_configuration_alone_is_left(first: Any, second: Any) -> None:
    lab = Lab()
    lab.apply("a", first)
    lab.apply("a", second)
    live = lab.live if isinstance(lab.live, dict) else {}
    assert unordered(live) == unordered(second)


@few
@given(configs, configs, configs)
def test_what_another_owns_outlives_every_change_of_mind(theirs: Any, one: Any, two: Any) -> None:
    lab = Lab()
    lab.apply("they", theirs)
    for config in (one, two, {}):
        lab.apply("me", config, force=True)
    live = lab.live if isinstance(lab.live, dict) else {}
    kept = FieldSet.of(p for owned in lab.managers.values() for p in owned.fields)
    assert kept.difference(to_set(TYPE, live)) == FieldSet()
    assert all(id_.name == "they" for id_ in lab.managers)


@few
@given(configs, configs)
def test_no_conflict_means_that_nothing_of_others_changed(theirs: Any, mine: Any) -> None:
    lab = Lab()
    lab.apply("they", theirs)
    before, owned = lab.live, {n: o.fields for n, o in lab.managers.items()}
    try:
        lab.apply("me", mine)
    except ConflictsError as error:
        changed = compare(TYPE, before, merge(TYPE, before, mine)).modified
        assert all(conflict.path in changed for conflict in error.conflicts)
        return
    for id_, fields in owned.items():
        assert lab.managers[id_].fields == fields


@few
@given(configs, configs)
def test_differences_are_symmetric_and_complete(old: Any, new: Any) -> None:
    there, back = compare(TYPE, old, new), compare(TYPE, new, old)
    assert there.added == back.removed
    assert there.modified == back.modified
    assert there.same() == (unordered(old) == unordered(new)) or _reordered(old, new)


def _reordered(old: Any, new: Any) -> bool:
    """The default of a key may be written out or not; atomic lists know their order."""
    return bool(old.get("ports") or old.get("atomicList") or new.get("atomicList"))


@settings(max_examples=100, deadline=None)
@given(configs, configs, configs, configs)
def test_equal_outlines_mean_equal_differences(a: Any, b: Any, c: Any, d: Any) -> None:
    """What components' writes are remembered by."""
    one, two = difference(TYPE, a, b, {}), difference(TYPE, c, d, {})
    if one == two and a != b and c != d:
        first, second = compare(TYPE, a, b), compare(TYPE, c, d)
        assert first.added == second.added
        assert first.modified == second.modified
        assert first.removed == second.removed


@few
@given(configs)
def test_a_set_survives_json(config: Any) -> None:
    fields = to_set(TYPE, config)
    assert FieldSet.from_fields(fields.to_fields()) == fields


class Shelf:
    """Keeps sets nowhere but in this process."""

    def __init__(self) -> None:
        self.kept: set[str] = set()

    def field_set(self, digest: str) -> bytes | None:
        return None

    def keep_field_set(self, digest: str, text: bytes) -> None:
        self.kept.add(digest)


# The same ones in every example, so that outcomes are met again.
WRITERS = {name: Writer(ManagerId(name, UPDATE, "v1"), TYPE, EMPTY, {}) for name in "abc"}


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", "c"]), configs, st.sampled_from(list(Keep))),
        min_size=1,
        max_size=5,
    )
)
def test_remembered_outcomes_are_those_of_the_long_way(steps: list[tuple[str, Any, Keep]]) -> None:
    lab, shelf, now = Lab(), Shelf(), "2026-01-01T00:00:00Z"
    entries: list[Any] = []
    live: Any = None
    for name, config, keep in steps:
        writer = WRITERS[name]
        whole = {"metadata": {}, **config}
        if live is None:
            entries = created(whole, writer, now, shelf, None, keep)
        else:
            entries = updated(entries, live, whole, writer, now, shelf, keep)
        live = whole
        lab.update(name, config)
        shown = SHAPES.expanded({"metadata": {"managedFields": entries}})
        expected = encode(Managed(lab.managers, dict.fromkeys(lab.managers, now)))
        assert shown["metadata"]["managedFields"] == expected
