"""Admission, and what becomes of revisions, without broker or detector."""

import datetime as dt
import re
from typing import Any

import pytest

from anonymizer.microdata import field_mapping, receipt
from anonymizer.microdata.redaction import Finding
from anonymizer.policy import Replacing
from schemas import catalogue
from schemas.errors import ContractError
from schemas.identifiers import PersonToken
from streams.core.counting import admit, deidentify
from streams.core.counting.deidentify import EventHistory
from tests.support import raw_events

POLICY = raw_events.shipped()
PLAN = field_mapping.plan(catalogue.load("raw.case"), catalogue.load("deidentified.case"))
RULES = deidentify.Rules(PLAN, POLICY, raw_events.DEDUPE)


def _case(**changes: object) -> dict[str, Any]:
    nothing = {field.name: None for field in catalogue.load("raw.case").fields if field.nullable}
    return nothing | raw_events.event("case", 1, **changes)


def _record(**changes: object) -> dict[str, Any]:
    return deidentify.record_of(_case(**changes), [], RULES)[0]


def _check(**changes: object) -> None:
    admit.check("case", "police-jor", _case(**changes), raw_events.shipped(), today=dt.date(2024, 1, 1))


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"agency": "shelter-lbn"}, "CON-024"), ({"con_Consent": False}, "CON-023"),
     ({"event_date": "2024-02"}, "CON-013"),
     ({"event_date": "1989-12-31"}, "CON-025"), ({"prs_Gender": "Woman"}, "CON-011"),
     ({"event_date": "17.4.23"}, "CON-012"),
     ({"vic_AgeWhenTrafficked": -1}, "CON-014"), ({"revision": 0}, "CON-014")],
)  # fmt: skip
def test_what_breaks_the_contract_is_not_admitted(changes: dict[str, object], code: str) -> None:
    with pytest.raises(ContractError, match=code):
        _check(**changes)


def test_negative_measures_are_not_admitted() -> None:
    record = raw_events.event("indicator", 1, value=-1)
    with pytest.raises(ContractError, match="CON-014"):
        admit.check("indicator", "police-jor", record, raw_events.shipped(), today=raw_events.today())


def test_a_withdrawal_needs_no_consent() -> None:
    _check(con_Consent=False, consent_basis="None", withdrawn=True)


def test_an_opened_birth_date_must_be_a_date() -> None:
    with pytest.raises(ContractError, match="CON-012") as caught:
        admit.check(
            "case", "police-jor", _case(prs_Birthdate="sometime 1990"), raw_events.shipped(), today=raw_events.today()
        )
    assert "1990" not in str(caught.value)


def test_an_event_is_late_after_the_last_revision_of_its_year_and_never_in_a_backfill() -> None:
    event = _case(event_date="2020-05")
    assert admit.lateness(event, POLICY, None) is None
    assert admit.lateness(event, POLICY, dt.date(2022, 1, 15)) is None
    late = admit.lateness(event, POLICY, dt.date(2022, 1, 16))
    assert late == admit.Lateness("2020", dt.date(2022, 1, 15))


def test_a_new_event_passes_with_its_place() -> None:
    step = deidentify.step(None, _record(), partition=1, offset=5)
    assert step is not None
    assert [(r["state"], r["source_partition"], r["source_offset"]) for r in step.records] == [("reported", 1, 5)]


def test_a_replay_says_nothing_and_a_repetition_is_a_duplicate() -> None:
    first = deidentify.step(None, _record(), partition=1, offset=5)
    assert first is not None
    assert deidentify.step(first.history, _record(), partition=1, offset=5) is None
    again = deidentify.step(first.history, _record(), partition=1, offset=6)
    assert again is not None
    assert (again.records, again.outcome, again.history.through) == ((), "duplicate", 6)


def test_an_equal_revision_with_other_content_is_a_conflict() -> None:
    first = deidentify.step(None, _record(), partition=0, offset=0)
    assert first is not None
    other = deidentify.step(first.history, _record(prs_Gender="Masculine"), partition=0, offset=1)
    assert other is not None
    assert (other.records, other.outcome, other.code) == ((), "quarantined", "CON-020")
    assert (other.history.digest, other.history.revision) == (first.history.digest, 1)


def test_a_lower_revision_is_superseded() -> None:
    seen = EventHistory(3, PersonToken("t"), "d", "2023", 7)
    step = deidentify.step(seen, _record(revision=2), partition=0, offset=8)
    assert step is not None
    assert (step.outcome, step.history.revision) == ("superseded", 3)


@pytest.mark.parametrize("changes", [{"person": "9" * 32}, {"event_date": "2022-12-31"}])
def test_a_correction_of_person_or_year_leaves_the_old_token_first(changes: dict[str, object]) -> None:
    first = deidentify.step(None, _record(), partition=0, offset=0)
    assert first is not None
    step = deidentify.step(first.history, _record(revision=2, **changes), partition=0, offset=1)
    assert step is not None
    (left, came) = step.records
    assert (left["state"], left["token"], left["revision"]) == ("moved", first.history.token, 2)
    assert (came["state"], came["revision"]) == ("reported", 2)
    assert came["token"] != first.history.token
    assert (left["period"], left["gender"], left["citizenship"], left["means"]) == ("2023", "unknown", "unknown", [])
    assert step.history.token == came["token"]


def test_a_withdrawal_is_passed_on_as_such() -> None:
    assert _record(withdrawn=True, revision=2)["state"] == "withdrawn"


def test_the_digest_ignores_frame_and_dropped_fields_alone() -> None:
    digest = _record()["digest"]
    assert _record(revision=4)["digest"] == digest
    assert _record(hte_State="Amman")["digest"] == digest
    assert _record(prs_Citizenship=["LBN"])["digest"] != digest


@pytest.mark.parametrize(("rule", "kept"), [("withhold", None), ("mask", "to [EMAIL_ADDRESS_1] now")])
def test_the_policy_decides_whether_masked_text_is_kept(rule: str, kept: str | None) -> None:
    scanned = [("to a@example.org now", (Finding(3, 16, "EMAIL_ADDRESS", 1.0),))]
    rules = deidentify.Rules(PLAN, raw_events.shipped(rule), raw_events.DEDUPE)
    record, done = deidentify.record_of(_case(), scanned, rules)
    assert record["narrative"] == kept
    assert done.types == {"EMAIL_ADDRESS": 1}
    assert done.rules[f"text.{rule}"] == 1


def _masked(text: str, event_id: str, *spans: tuple[int, int]) -> str:
    """Return the narrative of an event whose dates are shifted; its one known identity is a birth date."""
    loaded = raw_events.shipped("mask", replace=Replacing(date="shift", place="country"))
    found = tuple(Finding(a, b, "DATE_TIME", 1.0) for a, b in spans)
    rules = deidentify.Rules(PLAN, loaded, raw_events.DEDUPE)
    narrative = deidentify.record_of(_case(event_id=event_id), [(text, found)], rules, {"1999-03-02"})[0]["narrative"]
    assert isinstance(narrative, str)
    return narrative


def test_shifted_dates_keep_their_distance_within_a_record_and_differ_between_records() -> None:
    text = "2023-04-01, 2023-04-18"
    shown = [re.findall(r"\d{4}-\d\d-\d\d", _masked(text, f"{n:032x}", (0, 10), (12, 22))) for n in range(50)]
    pairs = [tuple(map(dt.date.fromisoformat, found)) for found in shown]
    assert {later - sooner for sooner, later in pairs} == {dt.timedelta(days=17)}
    assert len({sooner for sooner, _ in pairs}) > 40
    assert dt.date(2023, 4, 1) not in {sooner for sooner, _ in pairs}


def test_a_birth_date_that_the_record_knows_is_not_shifted_but_gone() -> None:
    assert _masked("2 March 1999 or 1999", "1" * 32, (0, 12), (16, 20)) == "[DATE_1] or [DATE_2]"


def test_the_receipt_names_what_decided_and_holds_no_text() -> None:
    rules = deidentify.Rules(PLAN, POLICY, raw_events.DEDUPE, {"en": "a1"}, {"raw.case": "b2"})
    done = deidentify.record_of(_case(), [("Rola", (Finding(0, 4, "PERSON", 1.0),))], rules)[1]
    assert (done.origin.policy, done.types) == (POLICY.digest, {"PERSON": 1})
    details = receipt.bucketed(receipt.merged([done, done]))
    assert details.items() >= {"model.en": "a1", "schema.raw.case": "b2", "type.PERSON": "1-10"}.items()
    assert "Rola" not in str(done)


def test_state_is_read_as_it_was_written() -> None:
    seen = EventHistory(2, PersonToken("t"), "d", "2023", 9)
    assert deidentify.load(9, deidentify.dump(seen)) == seen


def test_what_comes_from_quarantine_is_decided_by_its_revision_and_leaves_through_alone() -> None:
    later = deidentify.step(None, _record(revision=2), partition=0, offset=9)
    assert later is not None
    first = deidentify.step(later.history, _record(), partition=0, offset=4, replayed=True)
    assert first is not None
    assert (first.outcome, first.history) == ("superseded", later.history)
    new = deidentify.step(None, _record(), partition=0, offset=4, replayed=True)
    assert new is not None
    assert (len(new.records), new.history.through) == (1, deidentify.NONE_YET)
    twice = deidentify.step(new.history, _record(), partition=0, offset=4, replayed=True)
    assert twice is not None
    assert (twice.outcome, twice.records) == ("duplicate", ())
    following = deidentify.step(new.history, _record(revision=2), partition=0, offset=0)
    assert following is not None
    assert following.history.through == 0


def test_of_two_values_that_include_the_same_raw_records_the_higher_revision_includes_more() -> None:
    assert deidentify.rank(5, 1) < deidentify.rank(5, 2) < deidentify.rank(6, 1)
    assert deidentify.rank(deidentify.NONE_YET, 2) < deidentify.rank(0, 1)
