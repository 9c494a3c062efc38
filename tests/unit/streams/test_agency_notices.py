"""Notices to an agency: packed without loss, ranked without regard to repetitions, balanced to the record."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from streams.core.counting.agency_notices import MOST_RUNS, RESULTS, Notice, NoticeBook, own_books, pack, unpack

CODES = st.sampled_from([("CON-013", "event_date"), ("CON-031", None), ("CON-040", "narrative")])
SAID = st.one_of(
    st.sampled_from([result for result in RESULTS if result != "refused"]).map(lambda result: (result, None, None)),
    CODES.map(lambda why: ("refused", *why)),
)
"""Result, code and field of one notice."""


def batch(
    said: Sequence[tuple[str, str | None, str | None]], first: int = 0, *, replayed: bool = False
) -> list[Notice]:
    return [Notice("case", 1, first + at, *what, replayed) for at, what in enumerate(said)]


@given(said=st.lists(SAID, max_size=60), gaps=st.sets(st.integers(0, 59)))
def test_what_is_packed_is_unpacked(said: list[tuple[str, str | None, str | None]], gaps: set[int]) -> None:
    """Any results, with gaps where a record had its notice before."""
    notices = [notice for notice in batch(said, replayed=5 in gaps) if notice.offset not in gaps]
    assert [one for record in pack(notices) for one in unpack(record)] == notices


def test_equal_results_are_one_run_and_a_message_has_a_bound() -> None:
    (record,) = pack(batch([("accepted", None, None)] * 10_000))
    assert [(run["first"], run["count"]) for run in record["runs"]] == [(0, 10_000)]
    alternating = [("accepted", None, None), ("duplicate", None, None)] * MOST_RUNS
    assert [len(record["runs"]) for record in pack(batch(alternating))] == [MOST_RUNS, MOST_RUNS]


@given(said=st.lists(SAID, min_size=1, max_size=6), data=st.data())
def test_repetitions_and_late_writers_change_no_notice_for_the_worse(
    said: list[tuple[str, str | None, str | None]], data: st.DataObject
) -> None:
    """Notices of one record, each repeated in any order: the result is the best one, an accepted one above all."""
    notices = [Notice("case", 0, 7, *what, replayed=bool(n)) for n, what in enumerate(said)]
    book = NoticeBook(data.draw(st.permutations(notices + notices)))
    (held,) = book.notices()
    assert held.result == max((notice.result for notice in notices), key=RESULTS.index)
    assert held.replayed == any(notice.replayed for notice in notices if notice.result == held.result)


@given(
    said=st.lists(st.none() | SAID, max_size=40),
    more=st.integers(0, 5),
    held=st.sets(st.integers(0, 39)),
)
def test_every_published_record_is_in_one_column_of_the_books(
    said: list[tuple[str, str | None, str | None] | None], more: int, held: set[int]
) -> None:
    """Told, missing or not read yet: a record without a notice is missing once a later one of its partition has one."""
    notices = [Notice("case", 0, at, *what) for at, what in enumerate(said) if what is not None]
    last = max((notice.offset for notice in notices), default=-1)
    ends = {("case", 0): len(said) + more, ("case", 1): 2, ("referral", 0): 0}
    books = own_books(ends, NoticeBook(notices), {("case", 0, at) for at in held})
    case, referral = books.lines
    assert case.published == sum(case.results.values()) + case.unread + case.missing == len(said) + more + 2
    assert referral.published == referral.unread == 0
    lost = [("case", 0, at) for at, what in enumerate(said) if what is None and at < last]
    assert list(books.missing) == lost
    refused = [notice for notice in notices if notice.result == "refused"]
    assert case.refused == Counter(notice.code for notice in refused)
    assert case.in_quarantine == sum(notice.offset in held for notice in refused)


def test_what_was_published_after_the_look_is_no_part_of_the_books() -> None:
    book = NoticeBook(batch([("accepted", None, None)] * 5))
    assert own_books({("case", 1): 3}, book, ()).lines[0].results["accepted"] == 3


def test_a_replayed_record_that_is_refused_again_has_the_later_code() -> None:
    first = Notice("case", 0, 3, "refused", "CON-041", "narrative")
    again = replace(first, code="CON-040", replayed=True)
    book = NoticeBook([first, again, first])
    assert book.notice_of("case", 0, 3) == again
