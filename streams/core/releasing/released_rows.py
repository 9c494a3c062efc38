"""Cells as rows of the trend feeds, and back.

Decides in which regions' feeds a cell appears and how its codes are spelt there: `_T` is a total; of a dimension in
which one person may have several codes, `known` is the denominator. Does not decide values.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from anonymizer.policy import Policy, Region, TablePlan
from anonymizer.tabular.facts import MULTIPLE
from anonymizer.tabular.policy_tables import YEAR, CellKey
from streams.core.calendar import Window

__all__ = ["RowHeader", "TrendRow", "published_cells", "rows_of", "totals_of", "window_key"]

_TOTAL = "_T"
_NOISY = frozenset({"sd", "lo90", "hi90"})


@dataclass(frozen=True, slots=True)
class TrendRow:
    """One released cell of one table in one region's feed, as in `trend.avsc`; `value` is None unless published.

    A noisy cell has the sd and the 90 % interval of its value before it was rounded; an exact one has none.
    """

    release: str
    as_of: str
    revision: int
    population: str
    table: str
    scheme: str
    region: str
    period: str
    dimensions: Mapping[str, str]
    value: int | None
    status: str
    k: int
    policy: str
    sd: float | None = None
    lo90: float | None = None
    hi90: float | None = None

    def record(self) -> dict[str, object]:
        """Return the row as the Avro record of `trend.avsc`; what only noisy cells have is left out of others."""
        plain = {**asdict(self), "dimensions": dict(self.dimensions)}
        return {name: value for name, value in plain.items() if value is not None or name not in _NOISY}


@dataclass(frozen=True, slots=True)
class RowHeader:
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
    country = {"country": key.place if key.place.isupper() else _TOTAL} if table.geography == "country" else {}
    return {**block, **country, **{d: codes.get(d, _TOTAL) for d in table.dimensions}}


def totals_of(table: TablePlan, block: Mapping[str, str]) -> dict[str, str]:
    """Spell the total of a table: how a row speaks of the table as a whole."""
    return dimensions_of(CellKey("", YEAR, ()), table, block)


def rows_of(
    head: RowHeader,
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
        if dimension not in {"country", "phenomenon", "status"} and code != _TOTAL:
            asked = dimension in MULTIPLE and code not in {"known", "unknown"}
            codes.append((f"{dimension}={code}", "yes") if asked else (dimension, code))
    return CellKey(place, window_key(row.period), tuple(sorted(codes)))


def published_cells(
    rows: Sequence[TrendRow], year: int, block: Mapping[str, str], policy: Policy
) -> dict[CellKey, int | None]:
    """Return the cells of a year and block that `rows` of one print show or suppress; a withheld table prints none."""
    ids = {(region.scheme, region.name): region.id for region in policy.regions}
    printed: dict[CellKey, int | None] = {}
    for row in rows:
        mine = Window.parse(row.period).year == year and block.items() <= row.dimensions.items()
        if mine and row.status != "withheld" and (row.scheme, row.region) in ids:
            country = row.dimensions.get("country", _TOTAL)
            printed[_key(row, ids[row.scheme, row.region] if country == _TOTAL else country)] = row.value
    return printed
