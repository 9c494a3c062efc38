"""How useful noisy tables are: CTDC's 48,773 persons of 2020, by year of registration, three two-way tables a year."""

import csv
import gzip
from collections import Counter
from collections.abc import Mapping
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from anonymizer.budget.accounting import granted
from anonymizer.mechanisms.discrete_gaussian import OpenDP
from anonymizer.noise import noisy_table
from schemas.trend import TOTAL
from tests.support.noise import Silent

DIMS = ("gender", "age", "form")
MARGINS = (("gender", "age"), ("gender", "form"), ("age", "form"))
REPLAYS = 10

Counts = Mapping[tuple[str, ...], int]


def _by_year(path: Path) -> list[Counts]:
    """Return exact counts on the full universe of codes, zeros included, one mapping per year."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        persons = [
            (r["yearOfRegistration"], (r["gender"], r["ageBroad"], f"{r['isForcedLabour']}|{r['isSexualExploit']}"))
            for r in csv.DictReader(lines)
        ]
    universe = list(
        product(*(sorted({codes_of_person[d] for _, codes_of_person in persons}) for d in range(len(DIMS))))
    )
    found: Counter[tuple[str, tuple[str, ...]]] = Counter(persons)
    return [
        {codes_of_person: found[year, codes_of_person] for codes_of_person in universe}
        for year in sorted({year for year, _ in persons})
    ]


@pytest.mark.shared
@pytest.mark.parametrize(("m", "bar"), [(1, 9.0), (2, 13.0)])
def test_counts_of_31_to_100_are_off_by_less_than_a_tenth_or_so(shared_dir: Path, m: int, bar: float) -> None:
    """Epsilon 1 and delta 1e-6 for a person-year; the median over all two-way cells and ten replays."""
    engine, rho = OpenDP(), granted(1.0, 1e-6)
    off: dict[str, list[float]] = {"11-30": [], "31-100": [], "101+": []}
    for counts in _by_year(shared_dir / "data" / "ctdc" / "GlobalDataset_14Apr2020_derived_15col.csv.gz"):
        exact = noisy_table.release(counts, DIMS, MARGINS, rho, m, Silent())
        for _ in range(REPLAYS):
            noisy = noisy_table.release(counts, DIMS, MARGINS, rho, m, engine)
            for truth, row in zip(exact, noisy, strict=True):
                if row.codes.count(TOTAL) == 1 and truth.value > 10:
                    size = "11-30" if truth.value <= 30 else "31-100" if truth.value <= 100 else "101+"
                    off[size].append(100 * abs(row.value - truth.value) / truth.value)
    medians = {size: round(float(np.median(found)), 1) for size, found in off.items()}
    print(f"\nCTDC 2020, epsilon 1, m = {m}: median error in % by count: {medians}")
    assert medians["31-100"] <= bar
