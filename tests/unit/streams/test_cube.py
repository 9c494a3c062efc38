"""Cell keys of the shipped policy."""

from importlib import resources
from typing import Any

import pytest

from anonymizer import policy as policies
from anonymizer.governance.policy_timeline import PolicyTimeline
from streams.core.counting import cube

POLICY = policies.load(resources.files("anonymizer").joinpath("policies", "default.toml").read_text(encoding="utf-8"))
CASE: dict[str, Any] = {
    "phenomenon": "TIP",
    "status": "confirmed",
    "country": "LBN",
    "period": "2024-03",
    "gender": "F",
    "age": "18--20",
    "exploitation": ["sexual-exploitation", "forced-labour"],
    "citizenship": "ETH",
    "means": [],
    "decided_by": "police",
}


def test_a_case_has_one_cell_in_every_cube() -> None:
    """Several values at once are joined in code order; none is a category of its own; a year is cut from the period."""
    assert cube.cells_of(CASE, "case", POLICY) == (
        ("cases|profile|TIP|confirmed|LBN|2024-03|F|18--20|forced-labour+sexual-exploitation", 1),
        ("cases|quarters|TIP|confirmed|LBN|2024-03|2024-Q1", 1),
        ("cases|origin|TIP|confirmed|LBN|2024|ETH", 1),
        ("cases|means|TIP|confirmed|LBN|2024|unknown", 1),
        ("cases|identification|TIP|confirmed|LBN|2024|police", 1),
    )


def test_who_is_not_a_victim_has_no_cells() -> None:
    assert cube.cells_of({**CASE, "status": "not-a-victim"}, "case", POLICY) == ()


def test_an_indicator_counts_the_agencys_own_number() -> None:
    """Of whom, and in which crisis: what the agency left empty is unknown."""
    record = {
        "phenomenon": "SOM", "country": "JOR", "period": "2024", "indicator": "Begging", "value": 17,
        "population_group": "Refugees", "sex": "F", "majority": "unknown", "crisis": "SYR-2011",
    }  # fmt: skip
    assert cube.cells_of(record, "indicator", POLICY) == (
        ("indicators|community|SOM|Begging|JOR|2024|Refugees|F|unknown", 17),
        ("indicators|crisis|SOM|Begging|JOR|2024|SYR-2011|unknown|unknown", 17),
    )


def test_an_activity_counts_participants_items_and_partners_apart() -> None:
    """Three measures in three populations; participants of all sexes are one cell where the sex is not asked."""
    record = {
        "country": "LBN", "period": "2024-03", "activity_type": "AwarenessSession", "audience": "Migrants",
        "topics": ["Rights", "Smuggling"], "participants_female": 12, "participants_male": 4, "participants_unknown": 0,
        "items_dignity_kits": 30, "items_leaflets": 200, "partner_organisations": 2,
    }  # fmt: skip
    assert dict(cube.cells_of(record, "activity", POLICY)) == {
        "activities|participants|LBN|2024-03|AwarenessSession|F": 12,
        "activities|participants|LBN|2024-03|AwarenessSession|M": 4,
        "activities|audience|LBN|2024-03|Migrants": 16,
        "activities|topics|LBN|2024-03|Rights+Smuggling": 16,
        "items|items|LBN|2024-03|DignityKit": 30,
        "items|items|LBN|2024-03|Leaflet": 200,
        "partners|partners|LBN|2024-03|Migrants": 2,
    }


def test_a_stage_of_proceedings_has_one_cell() -> None:
    record = {
        "phenomenon": "TIP", "stage": "Convicted", "country": "JOR", "period": "2024-03", "value": 9,
        "exploitation": ["ForcedLabour"], "sex": "M", "nationality": "own",
    }  # fmt: skip
    key = "justice|stage|TIP|Convicted|JOR|2024-03|ForcedLabour|M|own"
    assert cube.cells_of(record, "justice", POLICY) == ((key, 9),)


def test_a_cell_key_can_be_taken_apart() -> None:
    key, _ = cube.cells_of(CASE, "case", POLICY)[2]
    assert cube.dimensions_of(key, PolicyTimeline.always(POLICY)) == (
        "cases",
        "origin",
        {"phenomenon": "TIP", "status": "confirmed", "country": "LBN", "year": "2024", "citizenship": "ETH"},
    )
    with pytest.raises(KeyError):
        cube.dimensions_of("cases|origin|TIP", PolicyTimeline.always(POLICY))
