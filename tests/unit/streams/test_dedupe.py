"""Outcomes and deltas of single events."""

from dataclasses import replace

from schemas.identifiers import AgencyId, CubeKey, EventId
from streams.core.counting import dedupe
from streams.core.counting.dedupe import DedupeStep, DeidentifiedEvent, PersonYear
from streams.core.counting.representative import CellReader

CUBES = CellReader({})
FIRST = DeidentifiedEvent(
    EventId("e1"), AgencyId("police"), "case", 1, "reported", "d1", "2024-03", (0, 10), ((CubeKey("c1"), 1),)
)
SECOND = replace(
    FIRST,
    event_id=EventId("e2"),
    agency=AgencyId("shelter"),
    period="2024-02",
    raw=(1, 5),
    cells=((CubeKey("c2"), 1),),
)


def run(*events: DeidentifiedEvent) -> list[DedupeStep]:
    """Apply events in turn, at offsets from 0 on."""
    person, steps = PersonYear(), []
    for offset, event in enumerate(events):
        step = dedupe.apply(person, event, "case/0", offset, CUBES)
        assert step is not None
        person = step.person
        steps.append(step)
    return steps


def outcomes(step: DedupeStep) -> dict[int, str]:
    return {outcome.position[3]: outcome.result for outcome in step.outcomes}


def changes(step: DedupeStep) -> list[tuple[str, str, int]]:
    return [(delta.cell, delta.agency, delta.amount) for delta in step.deltas]


def test_the_first_event_of_a_person_year_counts() -> None:
    (step,) = run(FIRST)
    assert outcomes(step) == {10: "counted"}
    assert changes(step) == [("c1", "police", 1)]


def test_another_agency_takes_the_lead_and_the_old_leading_event_becomes_a_duplicate() -> None:
    step = run(FIRST, SECOND)[1]
    assert outcomes(step) == {10: "duplicate", 5: "counted"}
    assert changes(step) == [("c1", "police", -1), ("c2", "police+shelter", 1)]


def test_a_withdrawn_representative_hands_over_to_the_next_event() -> None:
    step = run(FIRST, SECOND, replace(SECOND, revision=2, state="withdrawn", raw=(1, 6), cells=None))[2]
    assert outcomes(step) == {5: "superseded", 6: "withdrawn", 10: "counted"}
    assert changes(step) == [("c1", "police", 1), ("c2", "police+shelter", -1)]


def test_whoever_reported_a_counted_person_is_said_to_know_it() -> None:
    """Also where the count stays, and whichever event leads: an agency takes all that it reported away from a cell."""
    again = replace(SECOND, cells=FIRST.cells)
    first, second, third = run(FIRST, again, replace(again, event_id=EventId("e3"), raw=(1, 7)))
    assert changes(first) == [("c1", "police", 1)]
    assert changes(second) == [("c1", "police", -1), ("c1", "police+shelter", 1)]
    assert changes(third) == []


def test_a_correction_supersedes_and_moves_the_count() -> None:
    step = run(FIRST, replace(FIRST, revision=2, digest="d2", raw=(0, 11), cells=((CubeKey("c3"), 1),)))[1]
    assert outcomes(step) == {10: "superseded", 11: "counted"}
    assert changes(step) == [("c1", "police", -1), ("c3", "police", 1)]


def test_an_older_revision_is_superseded_on_arrival() -> None:
    step = run(replace(FIRST, revision=2, raw=(0, 11)), FIRST)[1]
    assert outcomes(step) == {10: "superseded"}
    assert not step.deltas


def test_the_same_revision_and_content_again_is_a_duplicate() -> None:
    step = run(FIRST, replace(FIRST, raw=(0, 12)))[1]
    assert outcomes(step) == {12: "duplicate"}


def test_the_same_raw_record_again_says_nothing() -> None:
    """The de-identifier sends at least once; a second copy must not change the first one's outcome."""
    step = run(FIRST, FIRST)[1]
    assert not step.outcomes
    assert not step.deltas


def test_an_equal_revision_with_other_content_is_a_conflict() -> None:
    step = run(FIRST, replace(FIRST, digest="other", raw=(0, 12), cells=((CubeKey("c9"), 1),)))[1]
    assert step.refused == dedupe.CONFLICT
    assert outcomes(step) == {12: "quarantined"}
    assert not step.deltas


def test_a_moved_event_leaves_its_token_and_is_told_of_under_the_new_one() -> None:
    step = run(FIRST, replace(FIRST, revision=2, state="moved", raw=(0, 11), cells=None))[1]
    assert outcomes(step) == {10: "superseded"}
    assert changes(step) == [("c1", "police", -1)]


def test_not_a_victim_is_out_of_scope() -> None:
    (step,) = run(replace(FIRST, cells=None))
    assert outcomes(step) == {10: "out_of_scope"}


def test_what_the_state_includes_is_not_done_again() -> None:
    step = run(FIRST)[0]
    assert dedupe.apply(step.person, FIRST, "case/0", 0, CUBES) is None


def test_a_person_comes_back_from_its_state_as_it_was() -> None:
    person = run(FIRST, SECOND, replace(FIRST, event_id=EventId("e3"), cells=None))[2].person
    assert dedupe.load(person.through, "case", dedupe.dump(person)) == person
