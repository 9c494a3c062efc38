"""Rows of the trend feeds: how a cell of a release is spelt as a row, and read back from one.

Purpose: the one place that knows how the codes of a cell look in a feed. `_T` is a total. In a dimension in which one
person may have several codes, `known` is the denominator: everybody of whom any code is known.
Called by: `release_feeds` and `noisy_rows` (cells to rows); `release_plan` and `pre_release_attack` (rows to cells);
`due_windows`, `release_decision` and `connectors.adapters.release_ledger` (headers).

Invariants:
- Reading a row back gives the key of the cell that it was made of.
- A withheld table shows no cell: its one row says only that it was withheld.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict, Unpack

from anonymizer.policy import Policy, Region, TablePlan
from anonymizer.released_dimensions import BLOCK, KNOWN, MULTIPLE, UNKNOWN
from anonymizer.tabular.policy_tables import YEAR, CellKey
from schemas.identifiers import ReleaseId
from schemas.trend import TOTAL, TrendRow
from streams.core.calendar import Window

__all__ = [
    "ReleaseHeader",
    "RowHeader",
    "dimensions_of",
    "published_cells",
    "rows_of",
    "totals_of",
    "window_key",
]


@dataclass(frozen=True, slots=True)
class ReleaseHeader:
    """Identity of one release: one population, one window, one revision, on one date of the calendar."""

    release: ReleaseId
    as_of: dt.date
    population: str
    window: str
    revision: int

    @property
    def year(self) -> int:
        """Year of the window, whose person-years the release counts."""
        return Window.parse(self.window).year


class NoiseFields(TypedDict, total=False):
    """The fields of `TrendRow` that belong to noisy rows."""

    sd: float
    lo90: float
    hi90: float
    estimate: float
    known: float | None
    missing: float | None
    agencies: int | None
    certainty: str


@dataclass(frozen=True, slots=True)
class RowHeader:
    """The columns that all rows of one release have in common: its identity, k (0 with noise) and the policy."""

    header: ReleaseHeader
    k: int
    policy: str

    def row(
        self,
        table: TablePlan,
        region: Region,
        dimensions: Mapping[str, str],
        value: int | None,
        status: str,
        **noise: Unpack[NoiseFields],
    ) -> TrendRow:
        """Return one row of this release; `noise` holds the fields that noisy rows alone have."""
        return TrendRow(
            release=self.header.release,
            as_of=self.header.as_of.isoformat(),
            revision=self.header.revision,
            population=self.header.population,
            table=table.name,
            scheme=region.scheme,
            region=region.name,
            period=self.header.window,
            dimensions=dimensions,
            value=value,
            status=status,
            k=self.k,
            policy=self.policy,
            **noise,
        )


def window_key(period: str) -> str:
    """Return the window of a cell key for a period: Q1 to Q4, or `year`."""
    return period.partition("-")[2] or YEAR


def dimensions_of(key: CellKey, table: TablePlan, block: Mapping[str, str]) -> dict[str, str]:
    """Spell the codes of a cell as a row of `table` does; `block` holds phenomenon and status if there are any."""
    # `means=force` with the answer `yes` is spelt as the code `force` of `means`.
    codes = {d.partition("=")[0]: d.partition("=")[2] or code for d, code in key.codes}
    # Country codes are upper case and region ids lower case, so a place tells which of the two it is.
    country = {"country": key.place if key.place.isupper() else TOTAL} if table.geography == "country" else {}
    return {**block, **country, **{d: codes.get(d, TOTAL) for d in table.dimensions}}


def totals_of(table: TablePlan, block: Mapping[str, str]) -> dict[str, str]:
    """Spell the total of a table: the codes of a row that speaks of the table as a whole."""
    return dimensions_of(CellKey("", YEAR, ()), table, block)


def rows_of(
    head: RowHeader,
    table: TablePlan,
    keys: Iterable[CellKey],
    values: Mapping[CellKey, int | None],
    block: Mapping[str, str],
) -> Iterator[tuple[CellKey, dict[str, str], int | None, str]]:
    """Yield the cells of one table in the window of `head`: key, codes as in a row, value, status."""
    window = window_key(head.header.window)
    for key in keys:
        if key.window == window:
            value = values[key]
            yield key, dimensions_of(key, table, block), value, "suppressed" if value is None else "published"


def _key_of(row: TrendRow, place: str) -> CellKey:
    """Return the key of the cell behind a row: the inverse of `dimensions_of`."""
    codes = []
    for dimension, code in row.dimensions.items():
        if dimension not in {"country", *BLOCK} and code != TOTAL:
            asked = dimension in MULTIPLE and code not in {KNOWN, UNKNOWN}
            codes.append((f"{dimension}={code}", "yes") if asked else (dimension, code))
    return CellKey(place, window_key(row.period), tuple(sorted(codes)))


def published_cells(
    rows: Iterable[TrendRow], year: int, dimensions: Sequence[str], policy: Policy
) -> dict[tuple[str, ...], dict[CellKey, int | None]]:
    """Return by block the cells of one year that earlier rows show, with None where they are suppressed.

    Rows of withheld tables, and rows of regions that the policy no longer has, are left out.

    Args:
        rows: the rows of one population.
        year: the year.
        dimensions: those that tell the blocks of the population apart; the result is keyed by their codes.
        policy: its regions.
    """
    region_ids = {(region.scheme, region.name): region.id for region in policy.regions}
    blocks: dict[tuple[str, ...], dict[CellKey, int | None]] = {}
    for row in rows:
        # Every period begins with its year.
        shown = row.period.startswith(f"{year:04}") and row.status != "withheld"
        if shown and (row.scheme, row.region) in region_ids:
            country = row.dimensions.get("country", TOTAL)
            place = region_ids[row.scheme, row.region] if country == TOTAL else country
            block = tuple(row.dimensions.get(dimension, "") for dimension in dimensions)
            blocks.setdefault(block, {})[_key_of(row, place)] = row.value
    return blocks
