"""How long suppression takes, and what it keeps: `python -m tests.bench.protection [COUNTRIES]`; prints only.

A joint table of four dimensions; a country's year after its quarters; a quarter after 8 and after 40 others; and what
stays published beside all earlier prints, by the share of people who come late.
"""

import sys
import time
from collections.abc import Mapping, Sequence

from anonymizer.tabular.crosstab import Codes, CrossTable
from tests.support.tables import DIMS, MARGINS, QUARTERS, RULES, later, people, published, quarter_of, regions

PAIRS = tuple(frozenset(pair) for pair in (("exploitation", "gender"), ("exploitation", "age"), ("gender", "age")))
WHOLE = (frozenset({"country", "exploitation", "gender", "age"}),)


def timed(table: CrossTable, history: Sequence[CrossTable]) -> tuple[CrossTable, float]:
    """Protect a table; return it as published, and the seconds it took."""
    began = time.perf_counter()
    return published(table, history)[0], time.perf_counter() - began


def told(table: CrossTable) -> int:
    """Return how many cells have a value."""
    return sum(value is not None for value in (table.values or {}).values())


def joint(countries: int) -> None:
    """Print the time of one table of four dimensions with all its margins."""
    counts = quarter_of(people(countries, "2023", 83 * countries, 1), "Q1")
    done, seconds = timed(CrossTable(DIMS, WHOLE, counts, {}), ())
    print(f"joint table of {len(done.cells)} cells: {seconds:.1f} s, {told(done)} published")


def country_year() -> None:
    """Print the time of a country's quarters and year, three two-way tables."""
    counts, total = people(1, "2023", 400, 2), 0.0
    history: list[CrossTable] = []
    plans = [(margin | {"quarter"} for margin in PAIRS) for _ in QUARTERS]
    tables = [CrossTable(DIMS, tuple(plan), quarter_of(counts, q), {}) for plan, q in zip(plans, QUARTERS, strict=True)]
    for table in (*tables, CrossTable(DIMS, PAIRS, counts, {})):
        done, seconds = timed(table, history)
        history.append(done)
        total += seconds
    print(f"country-year, four quarters and the year: {total:.1f} s")


def long_history() -> None:
    """Print how much longer a year takes after 40 quarters than after 8."""
    quarterly = tuple(margin | {"year", "quarter"} for margin in MARGINS)
    annual = tuple(margin | {"year"} for margin in MARGINS)
    history: list[CrossTable] = []
    spent = {}
    for n in range(10):
        counts = people(3, str(2000 + n), 250, n)
        for quarter in QUARTERS:
            history.append(published(CrossTable(DIMS, quarterly, quarter_of(counts, quarter), {}), history)[0])
        _, spent[len(history)] = timed(CrossTable(DIMS, annual, counts, {}), history)
    first, last = (spent[n] for n in (8, 40))
    print(f"ratio history/40-quarters-to-8 {last / first:.2f} ({first:.2f} s, {last:.2f} s)")


def kept(countries: int, late: float) -> None:
    """Print the share of cells that stay published beside all earlier prints."""
    quarterly = tuple(margin | {"year", "quarter"} for margin in MARGINS)
    annual = tuple(margin | {"year"} for margin in MARGINS)
    first = people(countries, "2023", 83 * countries, 1)
    history: list[CrossTable] = []
    for quarter in QUARTERS:
        history.append(published(_table(quarterly, quarter_of(first, quarter), countries), history)[0])
    apart = sum(told(published(_table(quarterly, quarter_of(first, q), countries), ())[0]) for q in QUARTERS)
    shares, alone_ = [], []
    for counts in (first, later(first, late, 11)):
        with_memory = published(_table(annual, counts, countries), history)[0]
        alone_.append(published(_table(annual, counts, countries), ())[0])
        shares.append((told(with_memory), told(alone_[-1])))
        history.append(with_memory)
    before, after = (table.values or {} for table in (history[4], alone_[1]))
    few = sum(0 < (value or 0) - (before.get(key) or value or 0) < RULES.k for key, value in after.items())
    quarters = sum(told(table) for table in history[:4])
    (year, alone), (revised, fresh) = shares
    print(
        f"kept, {late:.1%} late: first prints {(quarters + year) / (apart + alone):.2f} "
        f"(the year {year / alone:.2f}), revision {revised / fresh:.2f}, "
        f"of {fresh} cells {few} would tell 1 to {RULES.k - 1} latecomers by themselves"
    )


def _table(margins: tuple[frozenset[str], ...], counts: Mapping[Codes, int], countries: int) -> CrossTable:
    return CrossTable(DIMS, margins, counts, regions(countries))


def main(countries: int) -> None:
    """Print everything."""
    country_year()
    long_history()
    for late in (0.0, 0.001, 0.002, 0.005, 0.02):
        kept(6, late)
    joint(countries)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
