"""Partitions that stand still."""

from hypothesis import given
from hypothesis import strategies as st

from streams.runtime import stall_detection

looks = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30)


@given(looks)
def test_a_partition_stalls_only_where_it_had_something_to_read_and_did_not_move(seen: list[tuple[int, int]]) -> None:
    """Against the definition, look by look: behind its end, at the same place, for the whole patience."""
    standing: stall_detection.StallState[str] = stall_detection.StallState({})
    for instant, (at, end) in enumerate(seen):
        standing = stall_detection.look(standing, {"p": at}, {"p": end}, instant=float(instant))
        long = instant >= 5 and all(place == at and last > place for place, last in seen[instant - 5 : instant + 1])
        assert (stall_detection.stalled(standing, instant=float(instant), patience=5.0) == ("p",)) == long


def test_an_end_that_is_not_known_is_no_reason() -> None:
    """A partition of which no fetch has come yet is not behind."""
    standing: stall_detection.StallState[str] = stall_detection.look(
        stall_detection.StallState({}), {"p": 0}, {}, instant=0.0
    )
    assert stall_detection.stalled(standing, instant=1e6, patience=1.0) == ()
