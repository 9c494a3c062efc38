"""Released rows as an analyst holds them.

Decides which of several rows about the same cell is the one in force. Does not read topics or know how rows are made:
this package sees `trend` records and nothing before them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

__all__ = ["TOTAL", "FeedRow", "latest", "region_id"]

TOTAL = "_T"
"""The code of a margin: the sum over a dimension."""


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One released cell, as in `trend.avsc`; `value` in persons, None unless `status` is `published`.

    `sd`, `lo90` and `hi90` say how sure a noisy value is; they are None where the value is exact or withheld.
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

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Self:
        """Take a decoded `trend` record."""
        return cls(**record)

    def record(self) -> dict[str, Any]:
        """Return the row as a `trend` record."""
        return {**asdict(self), "dimensions": dict(self.dimensions)}

    @property
    def cell(self) -> tuple[object, ...]:
        """Name the cell, whichever release it came in; rows sort by it."""
        place = (self.population, self.table, self.scheme, self.region, self.period)
        return (*place, tuple(sorted(self.dimensions.items())))


def region_id(row: FeedRow) -> str:
    """Return the end of the topic's name: the scheme where it is one region of that name, else both."""
    return row.scheme if row.scheme == row.region else f"{row.scheme}-{row.region}"


def latest(rows: Iterable[FeedRow]) -> tuple[FeedRow, ...]:
    """Keep of each cell the row with the highest revision, sorted by cell; of equal revisions the first holds."""
    held: dict[tuple[object, ...], FeedRow] = {}
    for row in rows:
        known = held.get(row.cell)
        if known is None or row.revision > known.revision:
            held[row.cell] = row
    return tuple(held[cell] for cell in sorted(held, key=repr))
