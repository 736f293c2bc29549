"""Which events are written: repeats, similar ones, floods."""

from __future__ import annotations

from cluster.client.correlator import BURST, COMBINED, Correlator

POD = ("kubelet", "n1", "Pod", "d", "web")
SORT = (*POD, "Warning", "BackOff")
SET = ("rs", "ReplicaSet", "d", "web")
CREATED = (*SET, "Normal", "SuccessfulCreate")


def test_the_same_event_again_raises_the_first_ones_count() -> None:
    correlator = Correlator()
    first = correlator.observe(POD, SORT, "Back-off", 0)
    second = correlator.observe(POD, SORT, "Back-off", 10)
    assert first is not None and second is not None
    assert first[0] is second[0]
    assert second[0].count == 2


def test_from_the_tenth_message_on_similar_events_share_one() -> None:
    correlator = Correlator()
    seen = [correlator.observe(SET, CREATED, f"Created pod: web-{i}", 0) for i in range(12)]
    texts = [verdict[1] for verdict in seen if verdict is not None]
    assert texts[8] == "Created pod: web-8"
    assert texts[9] == f"{COMBINED}Created pod: web-9"
    assert seen[9] is not None and seen[11] is not None
    assert seen[9][0] is seen[11][0]
    assert seen[11][0].count == 3


def test_similar_events_are_told_apart_again_after_ten_quiet_minutes() -> None:
    correlator = Correlator()
    for i in range(12):
        correlator.observe(SET, CREATED, f"Created pod: web-{i}", 0)
    late = correlator.observe(SET, CREATED, "Created pod: web-x", 601)
    assert late is not None and late[1] == "Created pod: web-x"


def test_after_25_events_about_one_object_one_more_is_written_every_five_minutes() -> None:
    correlator = Correlator()
    seen = [correlator.observe(POD, SORT, "Back-off", 0) for _ in range(BURST + 1)]
    assert None not in seen[:BURST]
    assert seen[BURST] is None
    assert correlator.observe(POD, SORT, "Back-off", 299) is None
    late = correlator.observe(POD, SORT, "Back-off", 301)
    assert late is not None and late[0].count == BURST + 3


def test_another_objects_events_are_not_held_back() -> None:
    correlator = Correlator()
    for _ in range(BURST + 1):
        correlator.observe(POD, SORT, "Back-off", 0)
    other = ("kubelet", "n1", "Pod", "d", "db")
    assert correlator.observe(other, (*other, "Warning", "BackOff"), "Back-off", 0) is not None
