"""The deletion of segments, told by the sizes of a replica: never before it has happened, whatever is appended."""

from hypothesis import given
from hypothesis import strategies as st

from connectors.operations.segment_deletion import Deletions

STEPS = st.lists(
    st.tuples(st.lists(st.integers(1, 50), max_size=3), st.integers(0, 4)), min_size=1, max_size=12
)  # sizes of segments that are appended before a look, and the number of oldest ones that are deleted before it


ONE = (1, "deltas", 0)


@given(held=st.lists(st.integers(1, 50), max_size=5), steps=STEPS)
def test_nothing_is_told_deleted_that_is_there(*, held: list[int], steps: list[tuple[list[int], int]]) -> None:
    deletions, old, new = Deletions({ONE: sum(held)}), list(held), list[int]()
    for appended, deleted in steps:
        new += appended
        for _ in range(deleted):
            if old or new:
                (old or new).pop(0)
        if deletions.are_done({ONE: sum(old) + sum(new)}):
            assert old == []


@given(held=st.lists(st.integers(1, 50), min_size=1, max_size=5))
def test_a_quiet_partition_is_done_with_its_last_old_segment(held: list[int]) -> None:
    deletions, turn = Deletions({ONE: sum(held)}), 70
    answers = [deletions.are_done({ONE: sum(held[number:]) + turn}) for number in range(len(held) + 1)]
    assert answers == [False] * len(held) + [True]


def test_a_replica_that_does_not_answer_has_deleted_nothing() -> None:
    other = (2, "deltas", 0)
    deletions = Deletions({ONE: 10, other: 10})
    assert [deletions.are_done(one) for one in ({ONE: 0, other: 10}, None, {ONE: 0, other: 0})] == [False, False, True]
