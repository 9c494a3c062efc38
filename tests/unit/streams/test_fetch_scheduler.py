"""No partition waits for ever: each is read from again within as many turns as there are fetches waiting."""

from hypothesis import given
from hypothesis import strategies as st

from streams.runtime import fetch_scheduler


def test_a_partition_has_one_fetch_in_work_and_one_to_come() -> None:
    one = fetch_scheduler.FetchScheduler[str]()
    one.fetched("a", 9)
    assert one.of("ab") == {"a", "b"}
    one.fetched("a", 19)
    assert one.of("ab") == {"b"}
    one.handled("a", 9)
    assert one.of("ab") == {"a", "b"}


def test_nothing_is_read_while_enough_waits() -> None:
    one = fetch_scheduler.FetchScheduler[int]()
    for partition in range(fetch_scheduler.AT_ONCE):
        one.fetched(partition, 1)
    assert one.of(range(20)) == set()
    one.handled(3, 1)
    assert one.of(range(20)) == set(range(20))


def test_an_owner_of_many_partitions_has_no_more_in_front_of_the_others() -> None:
    """An agency that fills the topics of five kinds at once has as many fetches waiting as one that fills one."""
    one = fetch_scheduler.FetchScheduler[str](owner=lambda partition: partition[0])
    for partition in ("a0", "a1", "a2", "a3"):
        assert partition in one.of([partition])
        one.fetched(partition, 9)
    assert one.of(["a0", "a4", "b0"]) == {"b0"}
    one.handled("a0", 9)
    assert one.of(["a0", "a4", "b0"]) == {"a0", "a4", "b0"}


def test_an_acknowledgement_stands_for_all_before_it_and_may_come_twice() -> None:
    one = fetch_scheduler.FetchScheduler[str]()
    one.fetched("a", 9)
    one.fetched("a", 19)
    one.handled("a", 19)
    one.handled("a", 9)
    one.handled("b", 5)
    assert one.of("ab") == {"a", "b"}


def test_what_was_given_back_counts_no_more() -> None:
    one = fetch_scheduler.FetchScheduler[int]()
    for partition in range(fetch_scheduler.AT_ONCE):
        one.fetched(partition, 1)
    one.clear()
    assert one.of([1]) == {1}


@given(fetched=st.lists(st.tuples(st.integers(0, 79), st.booleans())))
def test_whenever_one_may_be_read_all_may_of_which_nothing_waits(fetched: list[tuple[int, bool]]) -> None:
    """So a partition can wait for the others no longer than until the next fetch of any of them is handled."""
    one, queue = fetch_scheduler.FetchScheduler[int](), list[tuple[int, int]]()
    for offset, (partition, handles) in enumerate(fetched):
        if partition in one.of([partition]):
            one.fetched(partition, offset)
            queue.append((partition, offset))
        if handles and queue:
            one.handled(*queue.pop(0))
        waiting = {partition for partition, _ in queue}
        allowed = one.of(range(80))
        assert not allowed or allowed >= set(range(80)) - waiting
        assert bool(allowed) == (len(queue) < fetch_scheduler.AT_ONCE)
