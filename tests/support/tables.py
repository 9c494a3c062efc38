"""Invented tables of a region's countries, quarters and codes, as a statistician would publish them."""

import csv
import random
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from anonymizer.solvers.highs import Highs
from anonymizer.solvers.ortools_engine import OrtoolsAuditor
from anonymizer.suppression_rules import Suppression
from anonymizer.tabular.crosstab import Codes, CrossTable
from anonymizer.tabular.linear_program import Engine, WorkLimits
from anonymizer.tabular.standalone import ReleasedTable, protect_table

DIMS = ("year", "quarter", "country", "exploitation", "gender", "age")
FORMS = {"ForcedLabour": 45, "SexualExploitation": 40, "ForcedMarriage": 5, "Other": 10}
GENDERS = {"F": 65, "M": 30, "X": 5}
AGES = {"0--8": 8, "9--17": 20, "18--26": 30, "27--38": 25, "39+": 12, "unknown": 5}
RULES = Suppression(k=11, min_agencies=1, dominance=1.0)
MARGINS = tuple(frozenset({"country", code}) for code in ("exploitation", "gender", "age"))
QUARTERS = ("Q1", "Q2", "Q3", "Q4")
LEVANT = ("C00", "C01", "C02", "C05")


def engine(seed: bytes = b"a secret of the tests") -> Engine:
    """Return the real solver, as long as it takes."""
    return Engine(Highs(), OrtoolsAuditor(), seed, WorkLimits(programs=1_000_000, rounds=2))


def people(
    countries: int, year: str, each_quarter: int, seed: int, quarters: Sequence[str] = QUARTERS
) -> dict[Codes, int]:
    """Draw people by year, quarter, country, form, gender, age; countries are skewed as Zipf's law has it."""
    draw = random.Random(seed)
    names = [f"C{i:02}" for i in range(countries)]
    counts: dict[Codes, int] = {
        (year, q, c, e, g, a): 0 for q in quarters for c in names for e in FORMS for g in GENDERS for a in AGES
    }
    for quarter in quarters:
        drawn = [
            draw.choices(list(pool), list(weights), k=each_quarter)
            for pool, weights in (
                (names, [1 / (i + 1) for i in range(countries)]),
                (FORMS, FORMS.values()),
                (GENDERS, GENDERS.values()),
                (AGES, AGES.values()),
            )
        ]
        for c, e, g, a in zip(*drawn, strict=True):
            counts[year, quarter, c, e, g, a] += 1
    return counts


def later(counts: Mapping[Codes, int], share: float, seed: int) -> dict[Codes, int]:
    """Return the same with latecomers: a share of everybody, drawn as everybody was."""
    draw = random.Random(seed)
    leaves, weights = list(counts), list(counts.values())
    late = draw.choices(leaves, weights, k=round(share * sum(weights)))
    grown = dict(counts)
    for leaf in late:
        grown[leaf] += 1
    return grown


def regions(countries: int) -> dict[str, dict[str, frozenset[str]]]:
    """Return overlapping groups of countries."""
    names = [f"C{i:02}" for i in range(countries)]
    return {
        "country": {
            "levant": frozenset(names) & frozenset(LEVANT),
            "pave": frozenset(names[::2]),
            "gloact": frozenset(names[: max(2, countries // 3)]),
            "ro-cairo": frozenset(names[1::3]),
        }
    }


def quarter_of(counts: Mapping[Codes, int], quarter: str) -> dict[Codes, int]:
    """Return one quarter."""
    return {codes: n for codes, n in counts.items() if codes[1] == quarter}


def published(table: CrossTable, history: Sequence[CrossTable]) -> tuple[CrossTable, ReleasedTable]:
    """Protect a table beside earlier ones; return it as one of the history, and what was released."""
    released = protect_table(table, history, RULES, engine())
    return CrossTable(table.dims, table.margins, table.counts, table.groups, released.values), released


def write(path: Path, dims: Sequence[str], rows: Iterable[Sequence[object]], columns: Sequence[str]) -> None:
    """Write a CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*dims, *columns])
        writer.writerows(rows)
