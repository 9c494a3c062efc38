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
    record = {"phenomenon": "SOM", "country": "JOR", "period": "2024", "indicator": "debt", "value": 17}
    assert cube.cells_of(record, "indicator", POLICY) == (("indicators|indicator|SOM|JOR|2024|debt", 17),)


def test_a_cell_key_can_be_taken_apart() -> None:
    key, _ = cube.cells_of(CASE, "case", POLICY)[2]
    assert cube.dimensions_of(key, PolicyTimeline.always(POLICY)) == (
        "cases",
        "origin",
        {"phenomenon": "TIP", "status": "confirmed", "country": "LBN", "year": "2024", "citizenship": "ETH"},
    )
    with pytest.raises(KeyError):
        cube.dimensions_of("cases|origin|TIP", PolicyTimeline.always(POLICY))
