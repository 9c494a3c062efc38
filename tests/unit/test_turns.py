"""No partition waits for ever: each is read from again within as many turns as there are fetches waiting."""

from hypothesis import given
from hypothesis import strategies as st

from streams.core import turns


def test_a_partition_has_one_fetch_in_work_and_one_to_come() -> None:
    one = turns.Turns[str]()
    one.fetched("a", 9)
    assert one.of("ab") == {"a", "b"}
    one.fetched("a", 19)
    assert one.of("ab") == {"b"}
    one.handled("a", 9)
    assert one.of("ab") == {"a", "b"}


def test_nothing_is_read_while_enough_waits() -> None:
    one = turns.Turns[int]()
    for partition in range(turns.AT_ONCE):
        one.fetched(partition, 1)
    assert one.of(range(20)) == set()
    one.handled(3, 1)
    assert one.of(range(20)) == set(range(20))


def test_an_acknowledgement_stands_for_all_before_it_and_may_come_twice() -> None:
    one = turns.Turns[str]()
    one.fetched("a", 9)
    one.fetched("a", 19)
    one.handled("a", 19)
    one.handled("a", 9)
    one.handled("b", 5)
    assert one.of("ab") == {"a", "b"}


def test_what_was_given_back_counts_no_more() -> None:
    one = turns.Turns[int]()
    for partition in range(turns.AT_ONCE):
        one.fetched(partition, 1)
    one.clear()
    assert one.of([1]) == {1}


@given(partitions=st.integers(1, 80), order=st.randoms(use_true_random=False))
def test_where_every_partition_always_has_more_each_has_its_turn(partitions: int, order: st.DataObject) -> None:
    """Fetches are handled first in, first out; between two of one partition there is a bounded number of others."""
    one, queue, offset = turns.Turns[int](), list[tuple[int, int]](), 0
    last = dict.fromkeys(range(partitions), 0)
    for step in range(20 * partitions):
        if allowed := sorted(one.of(range(partitions))):
            order.shuffle(allowed)  # type: ignore[attr-defined]
            for partition in allowed[: order.randint(1, len(allowed))]:  # type: ignore[attr-defined]
                offset += 1
                one.fetched(partition, offset)
                queue.append((partition, offset))
        partition, at = queue.pop(0)
        one.handled(partition, at)
        last[partition] = step
    assert len(queue) < turns.AT_ONCE + partitions
