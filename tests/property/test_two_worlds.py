"""An agency cannot tell whether others reported the same persons: what it can read is the same in both worlds."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.record_seal import AGENCY, EVIDENCE
from streams.broker import topics
from streams.core.counting.agency_notices import Notice
from streams.core.counting.dedupe import MOST_OF_AGENCY, MOST_SHARED, RESERVED
from streams.runtime.stage import BatchResult, Output, Record
from streams.stages import dedupe
from streams.stages.record_encoder import RecordEncoder
from tests.support import raw_events
from tests.support.two_worlds import Sent, World, view

ME, OTHERS = "police-jor", ("shelter-lbn", "hotline-egy")
FLOODERS = ("shelter-lbn", "hotline-egy", "un-mission-irq", "interior-ministry-lbn")


def report(agency: str, number: int, person: int = 0, **changes: object) -> Sent:
    return "case", raw_events.event("case", number, agency=agency, person=f"{person:032x}", **changes)


def reports(agencies: Sequence[str], numbers: range) -> st.SearchStrategy[Sent]:
    """Reports, corrections, withdrawals, conflicts and refused events about two persons."""
    return st.builds(
        report,
        st.sampled_from(agencies),
        st.integers(numbers.start, numbers.stop - 1),
        st.integers(0, 1),
        revision=st.integers(1, 3),
        withdrawn=st.booleans(),
        event_date=st.sampled_from(["2023-04-17", "2023", "2022-12-31", "1990-01-01", "2031-01-01"]),
        con_Consent=st.sampled_from([True, True, True, False]),
        CountryOfExploitation=st.sampled_from(["JOR", "LBN"]),
        vic_TraffickingStatus=st.sampled_from(["ActualVictimOfTrafficking", "PossibleVictimOfTrafficking"]),
    )


@settings(max_examples=40, deadline=None)
@given(
    mine=st.lists(reports([ME], range(1, 4)), min_size=1, max_size=6),
    theirs=st.lists(st.tuples(st.integers(0, 6), reports(OTHERS, range(1, 5))), min_size=1, max_size=8),
)
def test_other_agencies_events_change_nothing_that_an_agency_reads(
    mine: list[Sent], theirs: list[tuple[int, Sent]]
) -> None:
    """Others report before, between and after, correct, withdraw and contradict; even under the same event ids."""
    together = [(at, 1, event) for at, event in enumerate(mine)] + [(at, 0, event) for at, event in theirs]
    alone, beside = World(), World()
    alone.publish(mine)
    beside.publish([event for *_, event in sorted(together, key=lambda one: one[:2])])
    assert view(alone, ME) == view(beside, ME)


@functools.cache
def flooded(*, with_others: bool, planted: bool = False) -> World:
    """Many events of one agency about one person, whose year others have filled before, or not; made once each."""
    del planted  # a world with a fault in it is another one
    world = World()
    if with_others:
        world.publish([report(one, n) for one in FLOODERS for n in range(1, MOST_OF_AGENCY + 1)])
        assert len(FLOODERS) * MOST_OF_AGENCY >= MOST_SHARED
    world.publish([report(ME, n) for n in range(1, RESERVED + 4)])
    return world


def refused_later(world: World) -> list[Output]:
    return [output for output in world.outputs if output.topic == topics.REFUSALS]


def test_an_agency_does_not_learn_that_others_filled_a_person_year() -> None:
    """The events beyond the bound are refused where operator and officer see it; their agency reads the same."""
    alone, beside = flooded(with_others=False), flooded(with_others=True)
    assert not refused_later(alone)
    entries = [raw_events.opened("quarantine", output) for output in refused_later(beside)]
    assert {(entry["agency"], entry["code"], entry["stage"]) for entry in entries} == {(ME, "CON-050", "dedupe")}
    assert view(alone, ME) == view(beside, ME)


def tell_refusals_of_dedupe(self: RecordEncoder, key: bytes, record: Mapping[str, Any]) -> Output:
    """Write a refusal of dedupe into the agency's quarantine, as it was before."""
    return self.refusal(record["agency"], key, record)


def test_a_refusal_of_dedupe_in_quarantine_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted fault."""
    monkeypatch.setattr(RecordEncoder, "later_refusal", tell_refusals_of_dedupe)
    assert view(flooded(with_others=False), ME) != view(flooded(with_others=True, planted=True), ME)


def test_a_notice_with_an_outcome_of_dedupe_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted fault: dedupe gives notice of each record that it takes for a duplicate."""
    handle = dedupe.Dedupe.__call__

    async def telling(
        self: dedupe.Dedupe, batch: Sequence[Record], value_of: Callable[[str], bytes | None]
    ) -> BatchResult:
        result = await handle(self, batch, value_of)
        notices: list[Output] = []
        for output in result.outputs:
            told: dict[str, Any] = raw_events.opened("outcome", output) if output.topic == "outcomes" else {}
            if told.get("outcome") == "duplicate":
                notice = Notice(told["kind"], told["partition"], told["offset"], "duplicate")
                notices += self._encoder.notices(told["agency"], [notice])
        return BatchResult([*result.outputs, *notices], result.writes)

    monkeypatch.setattr(dedupe.Dedupe, "__call__", telling)
    first, second = World(), World()
    first.publish([report(ME, 1)])
    second.publish([report(OTHERS[0], 1), report(OTHERS[1], 1), report(ME, 1)])
    assert view(first, ME) != view(second, ME)


def test_the_hub_gives_the_counting_stages_no_key_of_an_agency() -> None:
    """What dedupe writes is sealed under keys that no agency has."""
    world = flooded(with_others=True)
    (entry, *_) = refused_later(world)
    assert raw_events.SEAL.read("quarantine", entry.value or b"", entry.topic, entry.key.decode())["agency"] == ME
    assert (entry.value or b"")[:8] == raw_events.SEAL.seal(EVIDENCE, b"", "x")[:8]
    assert (entry.value or b"")[:8] != raw_events.SEAL.seal(AGENCY + ME, b"", "x")[:8]
