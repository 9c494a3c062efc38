"""Eight quarters, two years, a revision of each, overlapping regions: published one by one, attacked together."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from anonymizer.attacks import exact, families
from anonymizer.attacks.attack_result import AttackResult
from anonymizer.attacks.published_tables import PublishedTable, read
from anonymizer.solvers.ortools_engine import ENGINES
from anonymizer.tabular.crosstab import Codes, CrossTable
from anonymizer.tabular.standalone import overlapping_tables
from tests.support.tables import DIMS, MARGINS, QUARTERS, RULES, later, people, published, quarter_of, regions

QUARTERLY = tuple(margin | {"year", "quarter"} for margin in MARGINS)
ANNUAL = tuple(margin | {"year"} for margin in MARGINS)


def publish_all(countries: int, each_quarter: int, late: float) -> list[tuple[str, CrossTable, CrossTable]]:
    """Publish two years; return name, table as published beside its history, and, of the first, without memory."""
    every: list[tuple[str, CrossTable, CrossTable]] = []
    for year, seed in (("2023", 1), ("2024", 2)):
        first = people(countries, year, each_quarter, seed)
        revised = later(first, late, seed + 10)
        plan = [(f"{year}-{q}", QUARTERLY, quarter_of(first, q)) for q in QUARTERS]
        for name, margins, counts in (*plan, (year, ANNUAL, first), (f"{year}-revised", ANNUAL, revised)):
            table = CrossTable(DIMS, margins, counts, regions(countries))
            shown = published(table, [known for _, known, _ in every])[0]
            alone = published(table, ())[0] if year == "2023" else shown
            every.append((name, shown, alone))
    return every


def as_read(publications: Sequence[tuple[str, CrossTable, CrossTable]], *, memory: bool) -> list[PublishedTable]:
    """Return the tables as an attacker reads them."""
    files = []
    for name, with_memory, without in publications:
        values = (with_memory if memory else without).values or {}
        rows = [dict(zip(DIMS, key, strict=True)) | {"value": "" if v is None else str(v)} for key, v in values.items()]
        files.append((name, [*DIMS, "value"], rows))
    return read(files, publications[0][1].groups)


def truths(publications: Sequence[tuple[str, CrossTable, CrossTable]]) -> dict[tuple[str, Codes], int]:
    """Return true counts by table and elementary cell."""
    return {(name, codes): count for name, table, _ in publications for codes, count in table.counts.items()}


def kept(publications: Sequence[tuple[str, CrossTable, CrossTable]], *, revised: bool) -> float:
    """Return published cells with memory as a share of those without."""

    def shown(values: Mapping[Codes, int | None] | None) -> int:
        return sum(value is not None for value in (values or {}).values())

    first = [one for one in publications if one[0].startswith("2023")]
    of_year = [(with_memory, without) for name, with_memory, without in first if name.endswith("revised") == revised]
    return sum(shown(a.values) for a, _ in of_year) / sum(shown(b.values) for _, b in of_year)


def attacked(
    countries: int, each_quarter: int
) -> tuple[list[tuple[str, CrossTable, CrossTable]], list[AttackResult], AttackResult]:
    """Publish, and attack each year apart: years share nobody."""
    publications = publish_all(countries, each_quarter, late=0.005)
    results = []
    for year in ("2023", "2024"):
        of_year = [one for one in publications if one[0].startswith(year)]
        tables, truth = as_read(of_year, memory=True), truths(of_year)
        results += [exact.history(tables, RULES.k, ENGINES, truth), exact.revisions(tables, RULES.k, ENGINES)]
    first = [one for one in publications if one[0].startswith("2023")]
    return publications, results, exact.history(as_read(first, memory=False), RULES.k, ENGINES, truths(first))


@pytest.mark.timeout(600)
def test_six_countries_tell_nobody_over_two_years() -> None:
    """0 recovered, 0 interval violations; the same tables published without memory fail."""
    publications, results, planted = attacked(6, 400)
    print(f"\nkept: firsts {kept(publications, revised=False):.2f}, revisions {kept(publications, revised=True):.2f}")
    print([(result.attack, result.attacked, result.recovered) for result in results], planted.recovered)
    assert [result.found for result in results if result.recovered] == []
    assert sum(result.attacked for result in results) > 500
    assert planted.recovered > 0
    assert kept(publications, revised=False) >= 0.9


def test_small_crosses_that_agree_tell_what_the_whole_cross_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counting by families of dimensions loses nothing: the same cells are recovered, with memory and without."""
    first = [one for one in publish_all(3, 150, late=0.02) if one[0].startswith("2023")]
    found = []
    for whole in (0, 10_000):
        monkeypatch.setattr(families, "_WHOLE", whole)
        for memory in (True, False):
            tables = as_read(first, memory=memory)
            found.append(exact.history(tables, RULES.k, ENGINES, truths(first)).found)
    assert found[:2] == found[2:]
    assert found[1]


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_thirty_countries_tell_nobody_over_two_years() -> None:
    """The same for a region of thirty countries."""
    publications, results, planted = attacked(30, 2500)
    print(f"\nkept: firsts {kept(publications, revised=False):.2f}, revisions {kept(publications, revised=True):.2f}")
    assert [result.found for result in results if result.recovered] == []
    assert planted.recovered > 0


def test_only_tables_that_touch_are_in_one_system() -> None:
    """The cost of a publication grows with the tables about its people, not with all history."""
    years = [str(2000 + i) for i in range(40)]
    tables = [CrossTable(DIMS, QUARTERLY, people(1, year, 5, 1, ("Q1",)), {}, {}) for year in years]
    assert overlapping_tables(replace(tables[-1], values=None), tables) == (tables[-1],)
