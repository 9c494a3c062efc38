"""Released rows in force: of several rows about the same cell, the one that an analyst is to use.

Purpose: decide which revision of a cell counts. Does not read topics; a row's fields are those of `schemas.trend`.
Called by: `amana.trend_feed`, `connectors.feed.chart` and `connectors.feed.overview`.

Invariants:
- Of each cell the highest revision counts, and of equal revisions the first.
- The result is sorted by cell, whatever the order of the rows.
"""

from collections.abc import Iterable

from schemas.trend import TrendRow

__all__ = ["latest"]


def latest(rows: Iterable[TrendRow]) -> tuple[TrendRow, ...]:
    """Return of each cell the row with the highest revision, sorted by cell; of equal revisions the first."""
    in_force: dict[tuple[object, ...], TrendRow] = {}
    for row in rows:
        earlier = in_force.get(row.cell)
        if earlier is None or row.revision > earlier.revision:
            in_force[row.cell] = row
    # Keys of different tables hold dimensions of different numbers, which do not compare; their texts do.
    return tuple(in_force[cell] for cell in sorted(in_force, key=repr))
