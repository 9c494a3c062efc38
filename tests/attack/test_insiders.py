"""Every agency is an attacker: it knows its own persons, invents some, and reports a name to see whether a count moves.

What is attacked are the bytes of the feed alone. The attacker shares no code with protection and attacks
(`tests.support.insiders`).
"""

import datetime as dt
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymizer.solvers.ortools_engine import ENGINES
from anonymizer.suppression_rules import Suppression
from anonymizer.tabular import policy_tables, primary, protection_audit, publication_decision
from anonymizer.tabular.joint_system import JointSystem
from schemas.errors import DisclosureError
from schemas.trend import TrendRow
from streams.core.releasing import pre_release_attack
from streams.core.releasing.release_decision import EarlierRelease, Publish
from tests.support.disclosure import Person, small_policy
from tests.support.insiders import Insider, Outcomes, Reports, agencies_of, drawn, grown, read, released, told

REGIONS = {"levant": ("IRQ", "LBN"), "pave": ("EGY", "IRQ")}
RULES = small_policy(REGIONS, [("country", "quarter", ()), ("region", "year", ("gender", "majority"))])
PEOPLE = [
    Person("IRQ", "F", "adult", "Q1"),
    Person("IRQ", "M", "minor", "Q2"),
    Person("IRQ", "F", "minor", "Q3"),
    Person("LBN", "F", "adult", "Q1"),
    Person("LBN", "M", "adult", "Q2"),
    Person("LBN", "F", "adult", "Q4"),
    Person("EGY", "F", "minor", "Q1"),
    Person("EGY", "M", "adult", "none"),
    Person("EGY", "F", "adult", "Q3"),
    Person("LBN", "F", "unknown", "Q3"),
]
AGENCIES = ("agency-a", "agency-b", "agency-c")
FIRST, REVISION = dt.date(2024, 2, 1), dt.date(2025, 6, 1)
TICKS = (dt.date(2023, 4, 15), dt.date(2023, 7, 15), dt.date(2023, 10, 15), dt.date(2024, 1, 15))
GUESSED = Person("LBN", "F", "adult", "Q1")


def bounded(rows: Sequence[TrendRow], reports: Reports, *agencies: str) -> int:
    """Return how many sums the agencies bound within 1 to k-1 others, with all that they know together."""
    return Insider(rows, RULES, reports, agencies).bounded(rows)


def attacked(planned: Outcomes, new: EarlierRelease, history: Sequence[EarlierRelease]) -> list[Publish]:
    """Attack as the release process does, before anything leaves."""
    checked = pre_release_attack.attack_release((planned, new.cells), history, RULES, ENGINES, map)
    return [decision for decision in checked if isinstance(decision, Publish)]


@pytest.mark.parametrize("seed", range(3))
def test_no_agency_bounds_the_others_by_taking_its_own_persons_away(seed: int) -> None:
    """Passive: cells, elementary cells, and the differences of cells, in whatever one agency cannot have reported."""
    reports = drawn(seed, PEOPLE, AGENCIES)
    rows = read(released(reports, RULES, FIRST)[0])
    assert any(row.value for row in rows)
    assert {name: bounded(rows, reports, name) for name in agencies_of(reports)} == dict.fromkeys(AGENCIES, 0)


def test_an_agency_takes_away_whom_another_one_reported_too() -> None:
    """Of fifty persons 45 are its own, 20 of them in events of another agency that lead: five are left."""
    reports = {Person("LBN", quarter="Q1"): {"agency-a": 25, "agency-a+agency-b": 20, "agency-b": 5}}
    reports[Person("EGY", quarter="Q2")] = {"agency-b": 40, "agency-c": 30}
    rows = read(released(reports, RULES, FIRST)[0])
    assert 50 not in {row.value for row in rows}
    assert 70 in {row.value for row in rows}
    assert bounded(rows, reports, "agency-a") == 0


def test_an_agency_that_pads_suppressed_quarters_learns_nothing() -> None:
    """The others had 7, 2 and 5 persons; nine invented ones made the quarters 16, 11 and 14."""
    others = {Person("LBN", quarter=quarter): {"agency-b": n} for quarter, n in (("Q1", 7), ("Q2", 2), ("Q3", 5))}
    reports: Reports = {
        **others,
        Person("LBN", quarter="Q4"): {"agency-b": 40, "agency-c": 30},
        Person("EGY", quarter="Q1"): {"agency-b": 30, "agency-c": 25},
    }
    for who in others:
        reports = grown(reports, who, "agency-a", 9)
    rows = read(released(reports, RULES, FIRST)[0])
    padded = {"2023-Q1", "2023-Q2", "2023-Q3"}
    assert {row.value for row in rows if row.dimensions.get("country") == "LBN" and row.period in padded} == {None}
    assert any(row.value for row in rows)
    assert bounded(rows, reports, "agency-a") == 0


def worlds() -> Iterator[tuple[dict[Person, dict[str, int]], str]]:
    """Yield the reports with the guessed person among those of agency-b, and without; and who reports her then."""
    base = {person: {"agency-b": 20, "agency-c": 16} for person in PEOPLE}
    yield grown(base, GUESSED, "agency-b", 1), "agency-a+agency-b"
    yield base, "agency-a"


@pytest.mark.parametrize("inventions", [0, 11, 30])
def test_a_name_is_not_tested_by_reporting_it_after_the_first_print(inventions: int) -> None:
    """The revision grew by 11 if somebody else had reported her, by 12 if nobody had.

    With no invention at all, a blank told that the count moved, and a value that it did not. So the revision has the
    same blanks in both worlds: nothing that was shown is shown again where others did not move.
    """
    seen = []
    for first, reporters in worlds():
        planned, earlier = released(first, RULES, FIRST)
        later = grown(grown(first, GUESSED, "agency-a", inventions), GUESSED, reporters, 1)
        # Whom agency-b had reported alone is known to both from now on.
        later = grown(later, GUESSED, "agency-b", -1) if "+" in reporters else later
        before, after = told(read(planned)), told(read(released(later, RULES, REVISION, [earlier])[0]))
        assert sum(value is not None for value in before.values()) > 5
        shown = {cell: value for cell, value in after.items() if value is not None}
        assert not [cell for cell in shown if before.get(cell) is not None]
        seen.append(frozenset(shown))
    assert seen[0] == seen[1]


def test_a_change_of_enough_others_is_published() -> None:
    """The rule is no lock: where 15 and 16 persons of two agencies came late, the revision says so."""
    base = {person: {"agency-b": 20, "agency-c": 16} for person in PEOPLE}
    _, earlier = released(base, RULES, FIRST)
    later = {person: {"agency-b": 35, "agency-c": 32} for person in PEOPLE}
    assert any(value for value in told(read(released(later, RULES, REVISION, [earlier])[0])).values())


def test_a_year_is_released_after_its_quarters_and_no_agency_learns_from_both() -> None:
    """A cell that is counted for the first time did not change: it is no reason to withhold the year."""
    reports = {person: {"agency-b": 20, "agency-c": 16} for person in PEOPLE[:8]}
    planned, earlier = released(reports, RULES, TICKS[1])
    later, new = released(reports, RULES, FIRST, [earlier])
    assert {row.status for row in read(later)} <= {"published", "suppressed"}
    assert any(row.value for row in read(later))
    certificates = [release.certificate for release in attacked(later, new, [earlier])]
    assert {c["attack.recovered"] for c in certificates} == {"0"}
    assert all("insider" in c["attack.names"].split(", ") for c in certificates)
    rows = [*read(planned), *read(later)]
    assert [bounded(rows, reports, name) for name in agencies_of(reports)] == [0, 0]


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", range(3))
def test_quarters_year_and_revision_together_bound_nothing_for_any_agency(seed: int) -> None:
    """History and roll-ups: the quarters one at a time, the year, and its revision after late reports."""
    reports = drawn(seed, PEOPLE, AGENCIES)
    history: list[EarlierRelease] = []
    rows: list[TrendRow] = []
    for tick in TICKS:
        planned, new = released(reports, RULES, tick, history)
        history.append(new)
        rows += read(planned)
    assert any(row.value for row in rows)
    assert [bounded(rows, reports, name) for name in agencies_of(reports)] == [0, 0, 0]
    later: Reports = reports
    for person, count in zip(PEOPLE, (2, 0, 14, 30, 1, 0, 5, 11, 0, 3), strict=True):
        later = grown(later, person, "agency-b", count)
    revised, new = released(later, RULES, REVISION, history)
    # The product's own attack takes all prints together, with variables for who came and who left.
    assert {release.certificate["attack.recovered"] for release in attacked(revised, new, history)} == {"0"}
    assert [bounded(read(revised), later, name) for name in agencies_of(later)] == [0, 0, 0]


def test_what_two_agencies_gain_together_is_known() -> None:
    """The rule withstands one agency. Two that collude tell the five of a third one: a stated limit (ADR 0044)."""
    reports = {Person("LBN", quarter="Q1"): {"agency-a": 20, "agency-b": 15, "agency-c": 5}}
    reports[Person("EGY", quarter="Q2")] = {"agency-a": 30, "agency-b": 30, "agency-c": 30}
    rows = read(released(reports, RULES, FIRST)[0])
    assert [bounded(rows, reports, name) for name in AGENCIES] == [0, 0, 0]
    assert bounded(rows, reports, "agency-a", "agency-b") > 0


def test_a_blank_does_not_say_that_somebody_is_there() -> None:
    """Zeros are as blank as counts of 1 to k-1: at least one blank in five is a true zero in every table."""
    reports = drawn(1, PEOPLE, AGENCIES)
    rows = read(released(reports, RULES, FIRST)[0])
    outsider = Insider([], RULES, reports, ())
    for table in {row.table for row in rows}:
        blank = [int(outsider.line(row) @ outsider.others) for row in rows if row.table == table and row.value is None]
        assert 0 not in {row.value for row in rows if row.table == table}
        assert blank.count(0) * 5 >= len(blank) > 0


counts = st.dictionaries(
    st.sampled_from(["agency-a", "agency-b", "agency-c", "agency-a+agency-b", "agency-b+agency-c"]),
    st.sampled_from([1, 2, 9, 10, 11, 12, 40]),
    min_size=1,
    max_size=3,
)


@settings(max_examples=4, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PEOPLE), counts), min_size=3, max_size=8))
def test_whoever_reported_whom_no_agency_bounds_the_others(drawn_reports: list[tuple[Person, dict[str, int]]]) -> None:
    """Law: for any reports, alone or together, at and around k, nobody's own persons bound the rest."""
    reports = dict(drawn_reports)
    rows = read(released(reports, RULES, FIRST)[0])
    assert not [name for name in agencies_of(reports) if bounded(rows, reports, name)]


def passes(_joint: object, targets: primary.Targets, *_: object) -> protection_audit.Audited:
    """Audit nothing."""
    return protection_audit.Audited(99.0, targets.exact < -1e9)


def no_targets(_: object, joint: JointSystem, rules: Suppression) -> primary.Targets:
    """Forget what agencies must not bound."""
    targets = primary.targets_of((), JointSystem(joint.values, joint.balance, joint.slack, [], joint.elements), rules)
    return targets.select(targets.exact < -1e9)


def history_of(*prints: Reports) -> None:
    """Release these reports one after the other, and attack each release as the release process does."""
    history: list[EarlierRelease] = []
    for reports, day in zip(prints, (FIRST, REVISION), strict=False):
        planned, new = released(reports, RULES, day, history)
        attacked(planned, new, history)
        history.append(new)


LEANING: Reports = {
    Person("LBN", quarter="Q1"): {"agency-a": 60, "agency-b": 4},
    Person("LBN", quarter="Q2"): {"agency-a": 30, "agency-b": 20},
    Person("IRQ", quarter="Q2"): {"agency-a": 30, "agency-b": 40},
    Person("EGY", quarter="Q1"): {"agency-b": 40, "agency-c": 30},
}
ONE_BLANK: Reports = {
    Person("LBN", quarter="Q1"): {"agency-a": 60, "agency-b": 4},
    Person("IRQ", quarter="Q1"): {"agency-b": 40, "agency-c": 30},
    Person("EGY", quarter="Q1"): {"agency-b": 40, "agency-c": 30},
}
SHARED: Reports = {
    **LEANING,
    Person("LBN", quarter="Q1"): {"agency-a": 25, "agency-a+agency-b": 20, "agency-b": 5},
}
EVEN: Reports = {person: {"agency-b": 20, "agency-c": 16} for person in PEOPLE}


def test_the_attack_passes_what_is_protected() -> None:
    """Without a planted fault the same reports are released, and revised."""
    history_of(LEANING, grown(LEANING, Person("LBN", quarter="Q2"), "agency-a", 12))
    history_of(ONE_BLANK)
    history_of(SHARED)


def test_a_rule_that_forgets_agencies_is_caught_before_the_release(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted bug: cells of a few others are shown."""
    monkeypatch.setattr(primary, "_by_agency", lambda publication, _: publication.alone & False)
    monkeypatch.setattr(protection_audit, "audit", passes)
    monkeypatch.setattr(publication_decision, "insider_targets_of", no_targets)
    with pytest.raises(DisclosureError, match="an attack tells") as refused:
        history_of(LEANING)
    assert refused.value.code == "DIS-029"


def test_complementary_suppression_against_outsiders_alone_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted bug: the unsafe cell is blank, and the total less the other cells tells an agency what is in it."""
    monkeypatch.setattr(publication_decision, "insider_targets_of", no_targets)
    monkeypatch.setattr(publication_decision, "unchanged_targets_of", lambda *_: None)
    with pytest.raises(DisclosureError, match="an attack tells"):
        history_of(ONE_BLANK)


def test_a_person_that_is_credited_to_one_of_its_agencies_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted bug: of the agencies that reported a person, protection knows one, as it was before."""
    monkeypatch.setattr(policy_tables, "agencies_in", lambda name: {max(name.split("+"))})
    with pytest.raises(DisclosureError, match="an attack tells"):
        history_of(SHARED)


def test_a_revision_that_tells_what_did_not_change_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted bug: no memory of what did not change; the guess and eleven inventions would then be counted."""
    monkeypatch.setattr(publication_decision, "unchanged_targets_of", lambda *_: None)
    with pytest.raises(DisclosureError, match="an attack tells"):
        history_of(EVEN, grown(EVEN, GUESSED, "agency-a", 12))
