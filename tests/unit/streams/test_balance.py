"""The books name what is withheld, what is lost within a sequence, and what is told twice."""

from hypothesis import given
from hypothesis import strategies as st

from streams.core.counting.balance import PublishedPartition, reconcile
from streams.core.counting.outcomes import OUTCOMES, Outcome

AGENCY = "police-jor"


def _said(offset: int, outcome: str = "counted", source: str = "case/0", mark: int = 0) -> Outcome:
    return Outcome((AGENCY, "case", 0, offset), outcome, source, mark, 0)


def _partition(end: int, read: int | None = None, days: tuple[tuple[int, str], ...] = ()) -> PublishedPartition:
    return PublishedPartition(AGENCY, "case", 0, end, end if read is None else read, days)


@given(outcomes=st.lists(st.sampled_from(OUTCOMES), max_size=30), cut=st.integers(0, 30))
def test_records_with_one_end_each_leave_no_difference_on_any_day(outcomes: list[str], cut: int) -> None:
    days = ((0, "2025-01-01"), (cut, "2025-01-02"))
    books = reconcile(
        [_partition(len(outcomes), days=days)], [_said(n, f) for n, f in enumerate(outcomes)], behind=False
    )
    assert books.difference == 0
    assert all(line.difference == 0 for line in books.lines)
    assert sum(line.published for line in books.lines) == len(outcomes)


def test_a_gap_in_a_sequence_is_named() -> None:
    books = reconcile([_partition(4)], [_said(0), _said(1), _said(3)], behind=False)
    assert books.missing == ((AGENCY, "case", 0, 2),)
    assert [line.difference for line in books.lines] == [1]


def test_a_record_withheld_at_the_end_is_named() -> None:
    assert reconcile([_partition(2)], [_said(0)], behind=False).missing == ((AGENCY, "case", 0, 1),)


def test_what_a_stage_has_still_to_read_is_in_flight() -> None:
    unread = reconcile([_partition(3, read=1)], [_said(0)], behind=False)
    passed_on = reconcile([_partition(3)], [_said(0)], behind=True)
    assert (unread.lines[0].in_flight, passed_on.lines[0].in_flight) == (2, 2)
    assert unread.difference == passed_on.difference == 0


def test_a_record_counted_by_two_partitions_is_named() -> None:
    twice = [_said(0), _said(0, source="case/3", mark=7), _said(1)]
    assert reconcile([_partition(2)], twice, behind=False).double == ((AGENCY, "case", 0, 0),)


def test_an_end_of_a_record_that_was_never_published_is_named() -> None:
    assert reconcile([_partition(1)], [_said(0), _said(9)], behind=False).double == ((AGENCY, "case", 0, 9),)


def test_a_person_who_moved_is_not_told_twice() -> None:
    """The old token's partition takes its word back when the event moves."""
    moved = [_said(0), _said(0, "superseded", mark=5), _said(1, source="case/3", mark=2)]
    assert reconcile([_partition(2)], moved, behind=False).difference == 0


def test_the_same_statement_again_changes_nothing() -> None:
    assert reconcile([_partition(1)], [_said(0), _said(0)], behind=False).difference == 0


def test_a_replay_outranks_the_refusal_that_it_mends() -> None:
    refused = Outcome((AGENCY, "case", 0, 0), "quarantined", f"raw/{AGENCY}/case/0", 0, 0)
    late = Outcome((AGENCY, "case", 0, 0), "late", f"raw/{AGENCY}/case/0", 0, 4)
    books = reconcile([_partition(1)], [late, refused], behind=False)
    assert books.lines[0].outcomes["late"] == 1
