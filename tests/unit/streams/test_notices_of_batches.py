"""Notices of the batches of deidentify: each result, batches that are handled again, and records that are replayed."""

import asyncio
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from anonymizer.governance.policy_timeline import PolicyTimeline
from streams.broker import topics
from streams.core.counting.agency_notices import Notice, NoticeBook, unpack
from streams.runtime.stage import BatchResult, Record
from streams.stages import deidentify as stage
from tests.support import counted, raw_events

AGENCY = "police-jor"
CLOSED = dt.date(2026, 6, 1)
"""A date of the calendar on which 2023 is closed."""


def made(as_of: dt.date | None = None) -> stage.Deidentify:
    private = counted.private(counted.Nothing())
    object.__setattr__(private, "as_of", lambda: as_of)
    return stage.Deidentify(PolicyTimeline.always(raw_events.shipped()), raw_events.deps(), private)


def records(events: Sequence[Mapping[str, Any]]) -> list[Record]:
    """Return raw records of one partition."""
    sent = [raw_events.record("case", event, place) for place, event in enumerate(events)]
    return [Record(record.topic, 0, record.offset, record.key, record.value) for record in sent]


def run(handler: stage.Deidentify, batch: Sequence[Record], state: Mapping[str, bytes | None]) -> BatchResult:
    return asyncio.run(handler(batch, state.get))


def notices(result: BatchResult) -> list[Notice]:
    told = [output for output in result.outputs if output.topic == topics.notices(AGENCY)]
    return [one for output in told for one in unpack(raw_events.opened("notice", output))]


EVENTS = [
    raw_events.event(number=1),
    raw_events.event(number=2, event_date="2031-01-01"),
    raw_events.event(number=1),
    raw_events.event(number=3, revision=2),
    raw_events.event(number=3),
    raw_events.event(number=1, CountryOfExploitation="LBN"),
    raw_events.event(number=4, con_Consent=False),
    raw_events.event(number=3, revision=3, withdrawn=True),
]
EXPECTED = [
    ("accepted", None, None),
    ("refused", "CON-013", "event_date"),
    ("duplicate", None, None),
    ("accepted", None, None),
    ("superseded", None, None),
    ("refused", "CON-020", "revision"),
    ("refused", "CON-023", "con_Consent"),
    ("accepted", None, None),
]


def test_each_record_of_a_batch_has_its_notice() -> None:
    """Accepted, duplicate and superseded by the agency's own revisions; refused with code and field, never a value."""
    told = notices(run(made(), records(EVENTS), {}))
    assert [(notice.result, notice.code, notice.field) for notice in told] == EXPECTED
    assert [notice.offset for notice in told] == list(range(len(EVENTS)))


def test_a_record_of_a_closed_year_is_late() -> None:
    (notice,) = notices(run(made(CLOSED), records(EVENTS[:1]), {}))
    assert notice.result == "late"


@settings(max_examples=25, deadline=None)
@given(
    events=st.lists(st.sampled_from(EVENTS), min_size=1, max_size=8),
    cuts=st.lists(st.tuples(st.integers(1, 4), st.booleans()), min_size=8, max_size=8),
)
def test_batches_that_are_handled_again_change_no_notice(
    events: list[dict[str, Any]], cuts: list[tuple[int, bool]]
) -> None:
    """Batches of any size, each after a crash before or after its state was written: the book is that of one batch."""
    batch, handler = records(events), made()
    straight = NoticeBook(notices(run(handler, batch, {}))).notices()
    state: dict[str, bytes | None] = {}
    book, start = NoticeBook(), 0
    for size, written in cuts:
        part = batch[start : start + size]
        for once in (written, True):
            result = run(handler, part, state)
            for notice in notices(result):
                book.add(notice)
            state |= result.writes if once else {}
        start += size
    assert book.notices() == straight
    assert len(straight) == len(events)


def test_a_record_that_is_replayed_is_accepted_in_its_first_place() -> None:
    """The operator sends what quarantine holds again, after the cause of the refusal was removed."""
    refusing = made()
    object.__setattr__(refusing._private, "today", lambda: dt.date(2020, 1, 1))
    first = run(refusing, records(EVENTS[:1]), {})
    (held,) = [output for output in first.outputs if output.topic == topics.quarantine(AGENCY)]
    again = Record(topics.REPLAY, 0, 70, held.key, raw_events.opened("quarantine", held)["payload"])
    replayed = run(made(), [again], first.writes)
    book = NoticeBook([*notices(replayed), *notices(first)])
    assert book.notices() == [Notice("case", 0, 0, "accepted", replayed=True)]
    told = [output for output in replayed.outputs if output.topic == topics.notices(AGENCY)]
    # The offset in `replay` counts the replays of all agencies.
    assert set(raw_events.opened("notice", told[0])) == {"kind", "partition", "replayed", "runs"}
    assert "70" not in str(raw_events.opened("notice", told[0]))
