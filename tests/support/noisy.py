"""Populations under differential privacy for tests: rules, cells with first quarters, and a sampler that remembers."""

from collections.abc import Mapping
from fractions import Fraction

from anonymizer import policy as policies
from anonymizer.noise.sampler import Counts
from anonymizer.policy import Cube, Policy
from anonymizer.privacy_rules import Privacy
from tests.support.disclosure import AGES, QUARTERS, Person, small_policy

__all__ = ["NOISE", "Recorded", "cells_of", "noisy_policy"]

NOISE = Privacy.model_validate(
    {
        "epsilon": 1.0, "delta": 1e-6, "relation": "person-year", "populations": {"cases": 1.0}, "shares": [0.75, 0.25],
        "late": 0.01, "codes": {"means": 2}, "uncertain": 0.5, "first_year": 2024,
    }
)  # fmt: skip
"""Everything for one population, so that what is spent is what is granted."""

_DIMENSIONS = ("phenomenon", "status", "country", "period", "first_quarter", "gender", "age", "exploitation")


def noisy_policy(regions: Mapping[str, tuple[str, ...]], tables: list[tuple[str, str, tuple[str, ...]]]) -> Policy:
    """Return a policy with these tables (geography, period, dimensions) of cases alone, released with noise."""
    rules = small_policy(regions, tables)
    (population, *_) = rules.populations
    cubes = (
        Cube(name="profile", dimensions=_DIMENSIONS),
        Cube(name="means", dimensions=("phenomenon", "status", "country", "year", "means")),
    )
    dp = population.model_copy(update={"mode": "dp", "cubes": cubes})
    own = tuple(t.model_copy(update={"cube": "means"}) if "means" in t.dimensions else t for t in rules.tables)
    changed = rules.model_copy(update={"populations": (dp,), "tables": own, "dp": NOISE})
    return policies.Policy.model_validate(changed.model_dump(by_alias=True))


def cells_of(
    people: Mapping[Person, int], year: int, means: Mapping[Person, str] | None = None
) -> dict[str, dict[str, int]]:
    """Return exact cells for these people, whose first quarter is that of their month."""
    cells: dict[str, dict[str, int]] = {}
    for person, count in people.items():
        first = f"{year}-{person.quarter}" if person.quarter != "none" else str(year)
        place = f"TIP|confirmed|{person.country}"
        profile = f"{year}{QUARTERS[person.quarter]}|{first}|{person.gender}|{AGES[person.majority]}|ForcedLabour"
        told = (means or {}).get(person, "unknown")
        for key in (f"cases|profile|{place}|{profile}", f"cases|means|{place}|{year}|{told}"):
            agencies = cells.setdefault(key, {"agency-0": 0})
            agencies["agency-0"] += count
    return {key: agencies for key, agencies in cells.items() if agencies["agency-0"]}


class Recorded:
    """Adds nothing and remembers what it was given."""

    version = "recorded"

    def __init__(self) -> None:
        self.given: list[tuple[Counts, Fraction]] = []

    def __call__(self, exact: Counts, variance: Fraction) -> Counts:
        self.given.append((exact.copy(), variance))
        return exact.copy()
