"""Cells as rows of the trend feeds, and back.

Decides in which regions' feeds a cell appears and how its codes are spelt there: `_T` is a total; of a dimension in
which one person may have several codes, `known` is the denominator. Does not decide values.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from anonymizer.policy import Policy, Region, TablePlan
from anonymizer.tabular.facts import MULTIPLE
from anonymizer.tabular.policy_tables import YEAR, CellKey
from schemas.trend import TOTAL, TrendRow
from streams.core.calendar import Window

__all__ = ["Head", "printed_cells", "rows_of", "totals_of", "window_key"]


@dataclass(frozen=True, slots=True)
class Head:
    """What all rows of one release have in common."""

    release: str
    as_of: str
    revision: int
    population: str
    period: str
    k: int
    policy: str

    def row(
        self, table: TablePlan, region: Region, dimensions: Mapping[str, str], value: int | None, status: str
    ) -> TrendRow:
        """Return one row of this release."""
        return TrendRow(
            release=self.release,
            as_of=self.as_of,
            revision=self.revision,
            population=self.population,
            table=table.name,
            scheme=region.scheme,
            region=region.name,
            period=self.period,
            dimensions=dimensions,
            value=value,
            status=status,
            k=self.k,
            policy=self.policy,
        )


def window_key(period: str) -> str:
    """Return a cell key's window for a period: Q1 to Q4, or `year`."""
    return period.partition("-")[2] or YEAR


def dimensions_of(key: CellKey, table: TablePlan, block: Mapping[str, str]) -> dict[str, str]:
    """Spell a cell's codes as a row of `table` does; `block` holds phenomenon and status where there are any."""
    codes = {d.partition("=")[0]: d.partition("=")[2] or code for d, code in key.codes}
    country = {"country": key.place if key.place.isupper() else TOTAL} if table.geography == "country" else {}
    return {**block, **country, **{d: codes.get(d, TOTAL) for d in table.dimensions}}


def totals_of(table: TablePlan, block: Mapping[str, str]) -> dict[str, str]:
    """Spell the total of a table: how a row speaks of the table as a whole."""
    return dimensions_of(CellKey("", YEAR, ()), table, block)


def rows_of(
    head: Head,
    table: TablePlan,
    keys: Iterable[CellKey],
    values: Mapping[CellKey, int | None],
    block: Mapping[str, str],
) -> Iterator[tuple[CellKey, dict[str, str], int | None, str]]:
    """Yield the cells of one table with their spelling, value and status; `head` says of which period."""
    window = window_key(head.period)
    for key in keys:
        if key.window == window:
            value = values[key]
            yield key, dimensions_of(key, table, block), value, "suppressed" if value is None else "published"


def _key(row: TrendRow, place: str) -> CellKey:
    codes = []
    for dimension, code in row.dimensions.items():
        if dimension not in {"country", "phenomenon", "status"} and code != TOTAL:
            asked = dimension in MULTIPLE and code not in {"known", "unknown"}
            codes.append((f"{dimension}={code}", "yes") if asked else (dimension, code))
    return CellKey(place, window_key(row.period), tuple(sorted(codes)))


def printed_cells(
    rows: Sequence[TrendRow], year: int, block: Mapping[str, str], policy: Policy
) -> dict[CellKey, int | None]:
    """Return the cells of a year and block that `rows` of one print show or suppress; a withheld table prints none."""
    ids = {(region.scheme, region.name): region.id for region in policy.regions}
    printed: dict[CellKey, int | None] = {}
    for row in rows:
        mine = Window.parse(row.period).year == year and block.items() <= row.dimensions.items()
        if mine and row.status != "withheld" and (row.scheme, row.region) in ids:
            country = row.dimensions.get("country", TOTAL)
            printed[_key(row, ids[row.scheme, row.region] if country == TOTAL else country)] = row.value
    return printed
