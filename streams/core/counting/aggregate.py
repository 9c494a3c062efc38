"""Aggregation of deltas into exact cells, each delta counted once however often it is repeated.

Purpose: the rule by which deltas change a cell, and the rule by which one of several values of a cell holds. Cells are
exact, so they never leave the operators.

Called by: `streams.core.counting.aggregate_columns` (`include`, for cells that need it), `streams.stages.aggregate`
(`Cell`); `connectors.adapters.release_bus` and `connectors.operations.exact_cells`, which read the topic
`cells` (`merge`, `totals`).

Invariants:
- A cell keeps, for each source (a kind and partition before dedupe), the sequence mark (offset, ordinal) of the last
  delta that it includes. A source's deltas reach the cell's partition in ascending order of their marks, so that a
  delta at or below the mark has been counted.
- `through` is the offset of the last delta record that a value includes: of two values of one cell, the one with the
  higher `through` includes the other.

>>> empty = Cell(CubeKey("cases|profile|LBN"), {}, {})
>>> counted = include(empty, [("police-jor", 1, "case/3", 17, 0, 40)])
>>> include(counted, [("police-jor", 1, "case/3", 17, 0, 41)]).total  # the same mark again
1
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.identifiers import CubeKey

__all__ = ["SEPARATOR", "Cell", "Delta", "include", "merge", "totals"]

SEPARATOR = "\x00"
"""Separates a cell key from its writer's epoch in the keys of the topic `cells`."""

Delta = tuple[str, int, str, int, int, int]
"""Agency, amount, source, offset in the source, ordinal there, and the offset of the delta record itself."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One exact cell.

    Args:
        cell: Its key.
        counts: Persons by agency; no agency has 0.
        marks: The sequence mark (offset, ordinal) of the last included delta, by source.
        through: Offset of the last included delta record, -1 before the first.
    """

    cell: CubeKey
    counts: Mapping[str, int]
    marks: Mapping[str, tuple[int, int]]
    through: int = -1

    @property
    def total(self) -> int:
        """Return the persons of all agencies."""
        return sum(self.counts.values())

    def as_record(self) -> dict[str, Any]:
        """Return the fields of the schema `cell`: all but `through`, which is kept before the sealed record."""
        marks = {source: list(mark) for source, mark in self.marks.items()}
        return {"cell": self.cell, "counts": dict(self.counts), "marks": marks}

    @classmethod
    def from_record(cls, record: Mapping[str, Any], through: int) -> "Cell":
        """Read the fields of the schema `cell`."""
        marks = {source: (mark[0], mark[1]) for source, mark in record["marks"].items()}
        return cls(record["cell"], record["counts"], marks, through)


def include(cell: Cell, deltas: Iterable[Delta]) -> Cell:
    """Return the cell with `deltas` of it included, in the order of their log.

    The value is to be published even if no delta was new: that repairs a changelog that a crash left behind.
    """
    counts, marks, through = dict(cell.counts), dict(cell.marks), cell.through
    for agency, amount, source, offset, ordinal, position in deltas:
        through = max(through, position)
        mark = marks.get(source)
        if mark is not None and (offset, ordinal) <= mark:
            continue  # a repetition
        marks[source] = (offset, ordinal)
        counts[agency] = counts.get(agency, 0) + amount
    return Cell(cell.cell, {agency: count for agency, count in counts.items() if count}, marks, through)


def merge(entries: Iterable[tuple[str, Cell | None]]) -> dict[CubeKey, Cell]:
    """Return the value that holds for each cell, from the entries of the topic `cells` in the order of the log.

    Args:
        entries: Changelog key (the key that stands for the cell, NUL, epoch) and value; None is a tombstone, of the
            entry of that epoch alone.
    """
    latest: dict[str, Cell] = {}
    for key, value in entries:
        if value is None:
            latest.pop(key, None)
        else:
            latest[key] = value
    held: dict[CubeKey, Cell] = {}
    for value in latest.values():
        if value.cell not in held or value.through > held[value.cell].through:
            held[value.cell] = value
    return held


def totals(held: Mapping[CubeKey, Cell]) -> dict[str, int]:
    """Return the persons of each cell, sorted by key, without cells of zero."""
    return {key: held[key].total for key in sorted(held) if held[key].total}
