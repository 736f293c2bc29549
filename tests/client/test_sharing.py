"""Equal parts of siblings become one object; unequal ones stay what they are."""

from __future__ import annotations

import copy

from cluster.client.sharing import FAMILIES, Sharing


def pod(name: str, owner: str, image: str = "nginx") -> dict:
    return {
        "metadata": {
            "name": name,
            "labels": {"app": "web"},
            "ownerReferences": [{"uid": owner, "controller": True}],
        },
        "spec": {"containers": [{"name": "web", "image": image}], "nodeName": name},
        "status": {"phase": "Running"},
    }


def test_siblings_share_equal_parts_and_keep_their_own() -> None:
    sharing, first, second = Sharing(), pod("a", "rs"), pod("b", "rs")
    before = copy.deepcopy(second)
    sharing.adopt(first)
    sharing.adopt(second)
    assert second == before
    assert second["spec"]["containers"] is first["spec"]["containers"]
    assert second["metadata"]["labels"] is first["metadata"]["labels"]
    assert second["spec"] is not first["spec"]


def test_unequal_parts_share_what_is_equal_in_them() -> None:
    sharing, first, second = Sharing(), pod("a", "rs"), pod("b", "rs")
    for each, ip in ((first, "10.0.0.1"), (second, "10.0.0.2")):
        each["status"] = {"conditions": [{"type": "Ready", "at": {"x": 1}, "ip": ip}]}
    before = copy.deepcopy(second)
    sharing.adopt(first)
    sharing.adopt(second)
    assert second == before
    mine, other = (p["status"]["conditions"][0] for p in (second, first))
    assert mine is not other
    assert mine["at"] is other["at"]


def test_other_images_and_other_owners_are_left_alone() -> None:
    sharing, first = Sharing(), pod("a", "rs")
    sharing.adopt(first)
    for other in (pod("b", "rs", "httpd"), pod("c", "another")):
        before = copy.deepcopy(other)
        sharing.adopt(other)
        assert other == before
        assert other["spec"]["containers"] is not first["spec"]["containers"]


def test_only_so_many_families_are_remembered() -> None:
    sharing, first = Sharing(), pod("a", "first")
    sharing.adopt(first)
    for index in range(FAMILIES):
        sharing.adopt(pod("x", f"owner-{index}"))
    late = pod("b", "first")
    sharing.adopt(late)
    assert late["spec"]["containers"] is not first["spec"]["containers"]
