"""Bounds at admission: dates by the day, years by the policy, revisions by event and year, records by their size."""

import asyncio
import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from anonymizer.governance.policy_timeline import PolicyTimeline
from anonymizer.microdata import replacement
from anonymizer.policy import Policy
from schemas import limits
from schemas.errors import ContractError
from streams.broker import topics
from streams.core.counting import admit, deidentify
from streams.runtime.stage import BatchResult, Record
from streams.stages import deidentify as stage
from streams.stages import deidentify_outputs
from tests.support import counted, raw_events

TODAY = dt.date(2026, 1, 1)
AGENCY = "police-jor"


def _stage(policy: Policy | None = None, **changes: object) -> stage.Deidentify:
    private = counted.private(counted.Nothing())
    for name, value in changes.items():
        object.__setattr__(private, name, value)
    return stage.Deidentify(PolicyTimeline.always(policy or raw_events.shipped()), raw_events.deps(), private)


def _run(
    made: stage.Deidentify,
    events: Sequence[Mapping[str, Any]],
    kept: dict[str, bytes],
    first: int = 0,
    partition: int = 0,
) -> BatchResult:
    records = []
    for place, event in enumerate(events, first):
        record = raw_events.record("case", event, place)
        records.append(Record(record.topic, partition, place, record.key, record.value))
    result = asyncio.run(made(records, kept.get))
    kept.update({key: value for key, value in result.writes.items() if value is not None})
    return result


def _codes(result: BatchResult) -> Counter[str]:
    return Counter(
        raw_events.opened("quarantine", output)["code"]
        for output in result.outputs
        if output.topic == topics.quarantine(AGENCY)
    )


def _admit(date: str, today: dt.date = TODAY, **changes: object) -> None:
    event = raw_events.event("indicator", 1, event_date=date, **changes)
    admit.check("indicator", AGENCY, event, raw_events.shipped(), today=today)


@pytest.mark.parametrize("date", ["2026-01-01", "2026-01-02", "2026-01", "2026", "2000", "2000-01-01"])
def test_an_event_of_today_is_admitted_whatever_the_calendar_says(date: str) -> None:
    """T8: it was compared with the calendar's date of the last start. One day more, for clocks and time zones."""
    _admit(date)


@pytest.mark.parametrize(
    ("date", "code"),
    [("2026-01-03", "CON-013"), ("2026-02", "CON-013"), ("2027", "CON-013"), ("1999-12-31", "CON-025"),
     ("1999", "CON-025"), ("1990-06", "CON-025")],
)  # fmt: skip
def test_the_future_and_the_years_before_the_policys_first_are_refused(date: str, code: str) -> None:
    """A typing error of one agency published decades of zeros."""
    with pytest.raises(ContractError, match=code):
        _admit(date)


def test_on_the_last_day_of_a_year_the_next_one_may_begin() -> None:
    """Somewhere it has begun already."""
    _admit("2026", today=dt.date(2025, 12, 31))


@pytest.mark.parametrize(("value", "admitted"), [(1_000_000, True), (1_000_001, False), (2**53 - 1, False)])
def test_a_count_has_a_bound(value: int, admitted: bool) -> None:  # noqa: FBT001 - drawn by name
    """T4: 1,040 counts of 2^53 - 1 left the 64 bits of a cell."""
    if admitted:
        _admit("2024", value=value)
    else:
        with pytest.raises(ContractError, match="CON-014"):
            _admit("2024", value=value)


def test_no_sum_of_counts_that_the_policy_admits_leaves_64_bits() -> None:
    """The largest bound that a policy may name, for every year that a date may have, all in one cell."""
    metadata = type(raw_events.shipped().bounds).model_fields["revisions_per_year"].metadata
    most = max(getattr(bound, "le", 0) for bound in metadata)
    assert most * 300 * 1_000_000 * 3 < 2**63


def test_the_calendar_moves_while_the_stage_runs() -> None:
    """The same event is in time today and late tomorrow, in one process."""
    dates = [None, dt.date(2024, 1, 1), dt.date(2026, 1, 1)]
    made = _stage(as_of=lambda: dates[0])
    outcomes = []
    for place in range(3):
        result = _run(made, [raw_events.event(number=place + 1, event_date="2023-04-17")], {}, place)
        outcomes.append(sorted({output.topic for output in result.outputs} & {"late", "deidentified.case"}))
        del dates[0]
    assert outcomes == [["deidentified.case"], ["deidentified.case"], ["late"]]


def test_a_year_takes_so_many_revisions_and_withdrawals_beyond() -> None:
    """Memory of every stage grows with what is accepted: the bound is the policy's, by agency, kind and year."""
    shipped = raw_events.shipped()
    bounds = shipped.bounds.model_copy(update={"revisions_per_year": 10})
    made, kept = _stage(shipped.model_copy(update={"bounds": bounds})), dict[str, bytes]()
    first = _run(made, [raw_events.event(number=n) for n in range(1, 9)], kept)
    assert _codes(first) == {deidentify.MANY_IN_YEAR: 3}
    # In the next batch as well; another year has its own room, and consent can be withdrawn at any time.
    later = [
        raw_events.event(number=20), raw_events.event(number=21, event_date="2022-04-17"),
        raw_events.event(number=1, revision=2), raw_events.event(number=2, revision=2, withdrawn=True),
    ]  # fmt: skip
    second = _run(made, later, kept, 8)
    assert _codes(second) == {deidentify.MANY_IN_YEAR: 2}
    assert Counter(output.topic for output in second.outputs)["deidentified.case"] == 2
    # What the state includes already counts nothing again.
    assert _codes(_run(made, later, kept, 8)) == {deidentify.MANY_IN_YEAR: 2}


def test_each_raw_partition_has_its_own_count() -> None:
    """One process has the state of both, and each numbers its records from 0."""
    made, kept = _stage(), dict[str, bytes]()
    for partition in range(topics.RAW_PARTITIONS):
        events = [raw_events.event(number=10 * partition + n) for n in range(1, 9)]
        assert _codes(_run(made, events, kept, partition=partition)) == {}


def test_an_event_has_so_many_revisions_and_one_withdrawal_more() -> None:
    """An event that is corrected without an end would fill cells and logs alone."""
    made, kept = _stage(), dict[str, bytes]()
    most = deidentify.MOST_REVISIONS
    events = [raw_events.event(revision=n + 1, vic_AgeWhenTrafficked=n % 80) for n in range(most + 5)]
    assert _codes(_run(made, events, kept)) == {deidentify.MANY_REVISIONS: 5}
    back = [raw_events.event(revision=most + n, withdrawn=True) for n in (10, 11)]
    result = _run(made, back, kept, 1_000)
    assert _codes(result) == {deidentify.MANY_REVISIONS: 1}
    assert sum(output.topic == "deidentified.case" for output in result.outputs) == 1


def test_quarantine_holds_no_more_of_a_record_than_could_be_admitted() -> None:
    """It kept 512 KiB; a longer record is cut, with the digest of the rest, and stays refused when it is replayed."""
    long = Record(topics.raw(AGENCY, "case"), 0, 0, b"key", bytes(700_000))
    result = asyncio.run(_stage()([long], lambda _key: None))
    (entry,) = (output for output in result.outputs if output.topic == topics.quarantine(AGENCY))
    assert len(entry.value or b"") < limits.ENVELOPE.total + 1_000
    assert limits.ENVELOPE.total == deidentify_outputs.LONGEST_HELD


def test_a_rule_that_fails_refuses_its_event_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of a pure rule would come again at every start, and stop the agencies that wait behind it."""

    def fails(*_: object) -> str:
        raise IndexError

    monkeypatch.setattr("anonymizer.microdata.pseudonym.content_digest", fails)
    assert _codes(_run(_stage(), [raw_events.event()], {})) == {deidentify_outputs.FAILED: 1}


def test_a_fault_of_the_stage_itself_still_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """No disk, no memory, no keys of one's own: going on would be wrong."""

    def fails(*_: object) -> str:
        raise MemoryError

    monkeypatch.setattr("anonymizer.microdata.pseudonym.content_digest", fails)
    with pytest.raises(MemoryError):
        _run(_stage(), [raw_events.event()], {})


def test_masked_texts_that_do_not_fit_in_a_request_refuse_their_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """Placeholders lengthen a text: whatever comes of it, the stage goes on."""
    monkeypatch.setattr(replacement, "replaced_together", lambda *_: ("x" * 900_000,))
    event = raw_events.event(language="en", hte_Description="a text")
    assert _codes(_run(_stage(raw_events.shipped("mask")), [event], {})) == {deidentify_outputs.TOO_LONG: 1}


def test_an_event_of_a_year_without_keys_is_refused() -> None:
    """As on the first day of a year that nobody has made keys for: the event waits in quarantine, the stage goes on."""
    made = _stage(today=lambda: dt.date(2099, 1, 1))
    assert _codes(_run(made, [raw_events.event(event_date="2098-01-01")], {})) == {deidentify_outputs.NO_KEYS: 1}
