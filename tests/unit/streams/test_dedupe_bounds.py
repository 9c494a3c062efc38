"""Bounds of a person-year: how many events it takes, of whom, and how large its state may become."""

import zlib
from dataclasses import replace

from anonymizer.measures import MEASURE_FIELDS
from anonymizer.microdata import generalise
from schemas.catalogue import KINDS
from schemas.codelists import labels
from schemas.identifiers import AgencyId, CubeKey, EventId
from schemas.values import LARGEST_COUNT
from streams.core.counting import cube, dedupe
from streams.core.counting.dedupe import DedupeStep, DeidentifiedEvent, PersonYear
from streams.core.counting.representative import CellReader
from streams.runtime import outbox
from tests.support import raw_events

CUBES = CellReader({})
LONGEST_AGENCY = "a" * 31
SEALED = 64
"""Bytes that sealing and the state table add, and more."""


def event(number: int, agency: str = "police", **changes: object) -> DeidentifiedEvent:
    """Make the first revision of an event."""
    made = DeidentifiedEvent(
        EventId(f"{number:032x}"), AgencyId(agency), "case", 1, "reported", f"{number:032x}", "2024-03",
        (0, number), ((CubeKey("c"), 1),),
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type] # a test's own choice of fields


def fed(person: PersonYear, *events: DeidentifiedEvent) -> tuple[PersonYear, DedupeStep]:
    """Apply events in turn; return the state and the last step."""
    step = None
    for one in events:
        step = dedupe.apply(person, one, "case/0", person.through + 1, CUBES)
        assert step is not None
        person = step.person
    assert step is not None
    return person, step


def test_an_agency_has_so_many_events_of_one_person_and_no_more() -> None:
    """A placeholder for a name makes thousands of rows one person: the state stays small, the rest is refused."""
    person, _ = fed(PersonYear(), *(event(n) for n in range(dedupe.MOST_OF_AGENCY)))
    person, step = fed(person, event(999))
    assert step.refused == dedupe.TOO_MANY
    assert [outcome.result for outcome in step.outcomes] == ["quarantined"]
    assert len(person.events) == dedupe.MOST_OF_AGENCY
    # Refused once more when it is corrected; a correction and a withdrawal of one that is in are taken.
    assert fed(person, event(999, revision=2))[1].refused == dedupe.TOO_MANY
    assert fed(person, event(3, revision=2))[1].refused is None
    assert fed(person, event(3, revision=2, state="withdrawn", cells=None))[1].refused is None


def test_no_agency_takes_the_room_of_another() -> None:
    """However full a person-year is, an agency that has none yet has its reserved events there."""
    person = PersonYear()
    for n in range(10_000):
        person, _ = fed(person, event(n, f"flood-{n % 20}"))
    assert len(person.events) < dedupe.MOST_EVENTS
    for n in range(dedupe.RESERVED):
        person, step = fed(person, event(20_000 + n, "late-comer"))
        assert step.refused is None
    assert fed(person, event(30_000, "late-comer"))[1].refused == dedupe.TOO_MANY


def test_an_agency_cannot_revise_anothers_event() -> None:
    """Two agencies with one event id have two events."""
    person, step = fed(PersonYear(), event(1), event(1, "shelter", revision=9, state="withdrawn", cells=None))
    assert len(person.events) == 2
    assert not step.deltas


def test_cells_and_amounts_are_bounded() -> None:
    """Of an older version's record, too: the topics of de-identified events are kept for years."""
    many = tuple((CubeKey(f"{n:0100}"), 1) for n in range(20))
    assert fed(PersonYear(), event(1, cells=many))[1].refused == dedupe.TOO_LARGE
    large = ((CubeKey("c"), LARGEST_COUNT + 1),)
    person, step = fed(PersonYear(), event(1, cells=large))
    assert step.refused == dedupe.TOO_LARGE
    assert not step.deltas
    assert person == PersonYear(0)


def test_the_largest_event_of_the_shipped_policy_fits() -> None:
    """Every code of every list at once."""
    policy = raw_events.shipped()
    longest = {
        name: max(labels(name), key=len)
        for name in (
            "vic_TraffickingStatusDecisionMakingOrg", "indicator", "service", "activity_type", "audience", "crisis",
            "crisis_phase", "emergency", "population_group", "uptake", "stage",
        )
    }  # fmt: skip
    record = {
        "phenomenon": "TIP", "status": "confirmed", "country": "unknown", "period": "2024-03", "gender": "unknown",
        "age": max(generalise.AGE_BANDS, key=len), "citizenship": "multiple",
        "exploitation": list(labels("vic_TypeOfExploitation")), "means": list(labels("vic_MethodsOfControl")),
        "decided_by": longest["vic_TraffickingStatusDecisionMakingOrg"], "services": list(labels("service")),
        **longest,
        "referred_from": max(labels("org_Type"), key=len), "referred_to": max(labels("org_Type"), key=len),
        "sex": "unknown", "majority": "unknown", "nationality": "unknown", "topics": list(labels("topic")),
        **dict.fromkeys(MEASURE_FIELDS, LARGEST_COUNT),
        # together no more than one count: the contract
        **dict.fromkeys(("participants_female", "participants_male", "participants_unknown"), LARGEST_COUNT // 3),
    }  # fmt: skip
    for kind in KINDS:
        cells = cube.cells_of(record, kind, policy)
        assert fed(PersonYear(), event(1, cells=cells))[1].refused is None, kind


def test_the_largest_state_fits_in_a_request() -> None:
    """A person-year with every event it may have, each with the longest fields and cells: the proof of the bounds."""
    frame = len('["",1000000],')
    key = "c" * (dedupe.LARGEST_CELLS // 2 - frame)
    cells = ((CubeKey(f"x{key[1:]}"), LARGEST_COUNT), (CubeKey(key), LARGEST_COUNT))
    events = {}
    for n in range(dedupe.MOST_EVENTS):
        one = event(n, f"{LONGEST_AGENCY[:28]}{n % 100:03}", cells=cells, revision=2**31 - 1, raw=(1, 2**63 - 1))
        assert fed(PersonYear(), one)[1].refused is None
        events[one.key] = one
    lead = next(iter(events.values()))
    counted = dedupe.CountedRecord(lead.agency, lead.key, cells[::-1], ("country", "phenomenon", "status"))
    value = dedupe.dump(PersonYear(1, events, counted))
    text = value if value.startswith(b"[") else zlib.decompress(value)
    print(f"\nlargest state: {len(text)} bytes, {len(value)} on the wire")
    assert len(text) < dedupe.LARGEST_STATE
    assert len(text) * 1.001 + SEALED < outbox.BATCH_BYTES


def test_a_long_state_is_compressed_and_comes_back() -> None:
    """An agency that fills a person-year does not make the changelog many times as long as what it sends."""
    person, _ = fed(PersonYear(), *(event(n) for n in range(dedupe.MOST_OF_AGENCY)))
    value = dedupe.dump(person)
    assert len(value) < 64 * dedupe.MOST_OF_AGENCY
    assert dedupe.load(person.through, "case", value) == person
