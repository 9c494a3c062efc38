"""The end of a record is the statement of the highest rank, in any order, and each source's last word is heard."""

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from streams.core.counting.outcome_index import OutcomeIndex
from streams.core.counting.outcomes import OUTCOMES, Outcome, Position

PLACE = ("police-jor", "case", 1)
SOURCES = ("raw/police-jor/case/1", "case/0", "case/1", "case/2")
LONGEST = 2**63 - 1

statements = st.builds(
    lambda offset, outcome, source, mark, ordinal: Outcome((*PLACE, offset), outcome, source, mark, ordinal),
    st.integers(0, 3),
    st.sampled_from(OUTCOMES),
    st.sampled_from(SOURCES),
    st.integers(0, 4) | st.just(LONGEST),
    st.integers(0, 2) | st.just(LONGEST),
)
# A stage says one thing at one place of its input, and two stages of one kind never stand at the same.
told = st.lists(statements, max_size=25, unique_by=lambda one: (one.position, one.rank))


@given(said=told, order=st.randoms())
def test_ends_are_those_of_the_plain_rule_in_any_order(said: list[Outcome], order: random.Random) -> None:
    """The plain rule keeps every statement, and takes the highest of all and the highest of each source."""
    again = [*said, *said[::2]]
    order.shuffle(again)
    ends = OutcomeIndex(again)
    highest = {one.position: one.result for one in sorted(said, key=lambda one: one.rank)}
    assert {(*PLACE, n): ends.outcome_of(PLACE, n) for n in range(4)} == {(*PLACE, n): None for n in range(4)} | highest
    assert ends.twice() == _twice(said)
    assert ends.tally().get(PLACE[:2], Counter()) == Counter(highest.values())
    assert set(ends.outside({PLACE: 2})) == {where for where in highest if where[3] >= 2}


def _twice(said: list[Outcome]) -> set[Position]:
    last = {(one.position, one.source): one.result for one in sorted(said, key=lambda one: one.rank)}
    counting = Counter(where for (where, _), outcome in last.items() if outcome == "counted")
    return {where for where, number in counting.items() if number > 1}
