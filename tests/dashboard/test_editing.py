"""An edit writes what the person changed, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.client import kinds
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import deep_copy
from dashboard.editing import difference, merged, save
from tests.dashboard.toy import Toy, thing

LEAVES = st.one_of(st.booleans(), st.integers(-2, 2), st.text("ab", max_size=2))
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text("xyz"), inner)),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text("abc", max_size=2), VALUES, max_size=4)


@given(OBJECTS, OBJECTS)
def test_the_difference_leads_from_one_to_the_other(before: Any, after: Any) -> None:
    found = merged(before, difference(before, after))
    assert found == after
    assert not difference(found, after)


@given(OBJECTS)
def test_there_is_no_difference_to_itself(obj: Any) -> None:
    assert difference(obj, deep_copy(obj)) == {}


def test_what_others_wrote_meanwhile_stays(toy: Toy) -> None:
    given_to_me = toy.put(thing("v1", "ConfigMap", "one", "default") | {"data": {"a": "1"}})
    now = {**given_to_me, "data": {"a": "1", "b": "theirs"}}
    toy.admin.do_update(now)
    mine = {**given_to_me, "data": {"a": "mine"}}
    save(toy.admin, kinds.CONFIG_MAPS, given_to_me, mine)
    found = toy.admin.get(kinds.CONFIG_MAPS, "default", "one")
    assert found["data"] == {"a": "mine", "b": "theirs"}


def test_who_changes_the_version_insists_on_it(toy: Toy) -> None:
    made = toy.put(thing("v1", "ConfigMap", "one", "default"))
    mine = {**made, "metadata": {**made["metadata"], "resourceVersion": "1"}, "data": {"a": "1"}}
    with pytest.raises(StatusError) as caught:
        save(toy.admin, kinds.CONFIG_MAPS, made, mine)
    assert caught.value.reason == "Conflict"
