"""What the policy of a year must declare before an aggregate is admitted: a named crisis, an authority's stage."""

from collections.abc import Mapping
from typing import Any

import pytest

from anonymizer.authorities import Authority
from anonymizer.governance.policy_timeline import PolicyTimeline
from anonymizer.policy import Policy, load
from anonymizer.tabular.facts import facts_of
from connectors.adapters.policy_store import shipped_policy
from streams.broker import topics
from streams.core.counting import cube
from tests.support import counted, raw_events

SHIPPED = load(shipped_policy())
POLICE, INSPECTORS = "police-jor", "labour-inspectorate-tur"


def result_of(kind: str, event: Mapping[str, Any], policies: PolicyTimeline | None = None) -> tuple[str, str] | None:
    """Return code and field with which an event goes to quarantine, None if it is de-identified."""
    outputs = counted.handled(counted.stage(policies), raw_events.record(kind, event), {}).outputs
    for one in outputs:
        if one.topic == topics.quarantine(event["agency"]):
            entry = raw_events.opened("quarantine", one)
            return entry["code"], entry["field"]
    assert topics.deidentified(kind) in {one.topic for one in outputs}
    return None


def stage_of(agency: str, country: str, stage: str, phenomenon: str = "TIP", **more: object) -> dict[str, Any]:
    place = {"CountryOfExploitation": country, "stage": stage, "phenomenon": phenomenon}
    return raw_events.event("justice", 1, agency=agency, **place, **more)


def owned_by(agency: str) -> Policy:
    """Return the shipped policy with one owner of arrests in Jordan."""
    return SHIPPED.model_copy(
        update={"authorities": (Authority(agency=agency, country="JOR", stages=("Arrested",)),), "digest": "b" * 64}
    )


@pytest.mark.parametrize("crisis", ["SYR-2011", None])
def test_a_declared_crisis_or_none_is_admitted(crisis: str | None) -> None:
    assert result_of("indicator", raw_events.event("indicator", 1, crisis=crisis)) is None


@pytest.mark.parametrize("crisis", ["YEM-2014", "Other"])
def test_a_crisis_that_the_policy_does_not_declare_is_refused(crisis: str) -> None:
    """A code of the list is not enough: the officers decide which crises are told apart."""
    assert result_of("indicator", raw_events.event("indicator", 1, crisis=crisis)) == ("CON-026", "crisis")


def test_an_own_stage_is_admitted() -> None:
    assert result_of("justice", stage_of(POLICE, "JOR", "Arrested")) is None
    assert result_of("justice", stage_of(INSPECTORS, "TUR", "Prosecuted")) is None


@pytest.mark.parametrize(
    ("agency", "country", "stage", "phenomenon"),
    [
        (POLICE, "LBN", "Arrested", "TIP"), (INSPECTORS, "TUR", "Convicted", "TIP"),
        (INSPECTORS, "TUR", "Prosecuted", "SOM"), ("shelter-lbn", "LBN", "Convicted", "TIP"),
        ("hotline-egy", "EGY", "Arrested", "TIP"),
    ],
)  # fmt: skip
def test_a_stage_of_another_authority_or_of_nobody_is_refused(
    agency: str, country: str, stage: str, phenomenon: str
) -> None:
    """Another country, another stage, the other phenomenon, an agency that is no authority, a country without one."""
    assert result_of("justice", stage_of(agency, country, stage, phenomenon)) == ("CON-027", "stage")


def test_what_was_admitted_can_be_withdrawn_after_its_declaration_ended() -> None:
    """Otherwise a count would stay for ever that its own agency knows to be wrong."""
    policies = PolicyTimeline.always(owned_by(INSPECTORS))
    assert result_of("justice", stage_of(POLICE, "JOR", "Arrested"), policies) == ("CON-027", "stage")
    assert result_of("justice", stage_of(POLICE, "JOR", "Arrested", withdrawn=True, revision=2), policies) is None
    gone = raw_events.event("indicator", 1, crisis="YEM-2014", withdrawn=True, revision=2)
    assert result_of("indicator", gone) is None


def test_the_policy_of_the_events_year_decides() -> None:
    """A new owner from 2025 on changes nothing for what is reported about 2024."""
    policies = PolicyTimeline.of_entries([(0, SHIPPED), (2025, owned_by(INSPECTORS))])
    before, after = ({"event_date": date} for date in ("2024-05-01", "2025-05-01"))
    assert result_of("justice", stage_of(POLICE, "JOR", "Arrested", **before), policies) is None
    assert result_of("justice", stage_of(INSPECTORS, "JOR", "Arrested", **before), policies) == ("CON-027", "stage")
    assert result_of("justice", stage_of(INSPECTORS, "JOR", "Arrested", **after), policies) is None
    assert result_of("justice", stage_of(POLICE, "JOR", "Arrested", **after), policies) == ("CON-027", "stage")


def test_a_stage_that_two_agencies_reported_is_released_as_its_owner_reported_it() -> None:
    """Both may lie in the cells, from before a change of owner: they are not added."""
    record = {
        "phenomenon": "TIP", "stage": "Arrested", "country": "JOR", "period": "2024-03", "value": 1,
        "exploitation": ["ForcedLabour"], "sex": "M", "nationality": "own",
    }  # fmt: skip
    ((key, _),) = cube.cells_of(record, "justice", SHIPPED)
    (justice,) = (one for one in SHIPPED.populations if one.kind == "justice")
    both = {str(key): {POLICE: 20, INSPECTORS: 300}}
    (released,) = (fact for cubes in facts_of(both, justice, SHIPPED).values() for fact in cubes["stage"])
    assert dict(released.agencies) == {POLICE: 20}
    assert facts_of({str(key): {INSPECTORS: 300}}, justice, SHIPPED) == {}
