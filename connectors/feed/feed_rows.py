"""Released rows as an analyst holds them, and the choice of the row in force.

Called by: the other modules of `connectors.feed`, `amana.trend_feed`.

Invariants:
- A row holds what a `trend` record holds, and nothing that was known before the release.
- Of several rows about one cell the one with the highest revision is in force.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

__all__ = ["TOTAL", "FeedRow", "latest", "region_id"]

TOTAL = "_T"
"""The code of a margin: the sum over a dimension."""


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One released cell, with the fields of `trend.avsc`.

    `value` is a number of persons, None unless `status` is `published`. `sd` is the standard deviation of a noisy
    value, `lo90` and `hi90` are its 90 % interval; they are None where the value is exact or withheld.
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
        """Return the row of a decoded `trend` record."""
        return cls(**record)

    def record(self) -> dict[str, Any]:
        """Return the row as a `trend` record."""
        return {**asdict(self), "dimensions": dict(self.dimensions)}

    @property
    def cell(self) -> tuple[object, ...]:
        """Identity of the cell in every release; rows are sorted by it."""
        place = (self.population, self.table, self.scheme, self.region, self.period)
        return (*place, tuple(sorted(self.dimensions.items())))


def region_id(row: FeedRow) -> str:
    """Return the region's id, by which its topic ends: the scheme where it is one region of that name, else both."""
    return row.scheme if row.scheme == row.region else f"{row.scheme}-{row.region}"


def latest(rows: Iterable[FeedRow]) -> tuple[FeedRow, ...]:
    """Return of each cell the row with the highest revision, sorted by cell; of equal revisions the first."""
    in_force: dict[tuple[object, ...], FeedRow] = {}
    for row in rows:
        earlier = in_force.get(row.cell)
        if earlier is None or row.revision > earlier.revision:
            in_force[row.cell] = row
    # Keys of different tables hold dimensions of different numbers, which do not compare; their texts do.
    return tuple(in_force[cell] for cell in sorted(in_force, key=repr))
