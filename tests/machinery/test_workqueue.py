from cluster.machinery.workqueue import WorkQueue


def test_a_key_added_twice_is_worked_on_once_and_keeps_its_first_cause() -> None:
    queue = WorkQueue()
    queue.add("a", 5)
    queue.add("b", 6)
    queue.add("a", 7)
    assert queue.drain(0) == [("a", 5), ("b", 6)]
    assert queue.drain(0) == []


def test_a_timer_makes_its_key_dirty_when_due_and_the_earlier_one_wins() -> None:
    queue = WorkQueue()
    queue.add_at("a", 10)
    queue.add_at("a", 5)
    queue.add_at("a", 20)
    assert queue.next_deadline() == 5
    assert queue.drain(4.9) == []
    assert queue.drain(5) == [("a", 0)]
    assert queue.next_deadline() is None


def test_back_off_doubles_until_forgotten() -> None:
    queue = WorkQueue(base_delay=1, max_delay=6)
    moments = []
    for _ in range(4):
        moments.append(queue.retry("a", 100))
        queue.drain(200)
    assert moments == [101, 102, 104, 106]
    queue.forget("a")
    assert queue.retry("a", 100) == 101


def test_keys_added_while_draining_wait_for_the_next_round() -> None:
    queue = WorkQueue()
    queue.add("a")
    for key, _ in queue.drain(0):
        queue.add(key)
    assert len(queue) == 1
