"""Exact cells: what deltas come to, each counted once whatever is sent again.

Decides how deltas change a cell and which of several values of one cell holds. Does not decide what is released:
cells are exact, so they never leave the operators.

A cell keeps, per source (a kind and partition before dedupe), the mark (offset, ordinal) of the last delta included.
A source's deltas reach the cell's partition in ascending order of their marks, so what is not above the mark has been
counted. `through` is the offset of the last delta record included: of two values of one cell, the one with the higher
`through` includes the other.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["SEPARATOR", "Cell", "Delta", "include", "merge", "through_of", "totals"]

SEPARATOR = "\x00"
"""Stands between a cell key and its writer's epoch in the keys of the topic `cells`."""

Delta = tuple[str, int, str, int, int, int]
"""agency, amount, source, offset in the source, ordinal there, offset of the delta record itself."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: persons by agency, marks by source, and what it includes; `through` is -1 where it includes nothing."""

    cell: str
    counts: Mapping[str, int]
    marks: Mapping[str, tuple[int, int]]
    through: int = -1

    @property
    def total(self) -> int:
        """Persons of all agencies."""
        return sum(self.counts.values())

    def as_record(self) -> dict[str, Any]:
        """Return the fields of the schema `cell`."""
        marks = {source: list(mark) for source, mark in self.marks.items()}
        return {"cell": self.cell, "counts": dict(self.counts), "marks": marks, "through": self.through}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Cell":
        """Read the fields of the schema `cell`."""
        marks = {source: (mark[0], mark[1]) for source, mark in record["marks"].items()}
        return cls(record["cell"], record["counts"], marks, record["through"])


def include(cell: Cell, deltas: Iterable[Delta]) -> Cell:
    """Include `deltas` of this cell, in the order of their log; what the cell's marks cover is passed over.

    The value is to be published even where nothing was new: that heals a changelog that a crash left behind.
    """
    counts, marks, through = dict(cell.counts), dict(cell.marks), cell.through
    for agency, amount, source, offset, ordinal, position in deltas:
        through = max(through, position)
        known = marks.get(source)
        if known is not None and (offset, ordinal) <= known:
            continue
        marks[source] = (offset, ordinal)
        counts[agency] = counts.get(agency, 0) + amount
    return Cell(cell.cell, {agency: count for agency, count in counts.items() if count}, marks, through)


def merge(entries: Iterable[tuple[str, Cell | None]]) -> dict[str, Cell]:
    """Return the value that holds for each cell, from the entries of the topic `cells` in the order of the log.

    Args:
        entries: Changelog key (cell, NUL, epoch) and value; None is a tombstone of that epoch's entry alone.
    """
    latest: dict[str, Cell] = {}
    for key, value in entries:
        if value is None:
            latest.pop(key, None)
        else:
            latest[key] = value
    held: dict[str, Cell] = {}
    for key, value in latest.items():
        cell = key.partition(SEPARATOR)[0]
        if cell not in held or value.through > held[cell].through:
            held[cell] = value
    return held


def totals(held: Mapping[str, Cell]) -> dict[str, int]:
    """Return persons by cell key, sorted; cells of zero are left out."""
    return {key: held[key].total for key in sorted(held) if held[key].total}


def through_of(value: bytes) -> int:
    """Read `through` off the end of a cell's wire form, without decoding it.

    It is the last field, a zigzag varint, and the byte before it ends the map of marks: a zero, which no varint of
    several bytes continues.
    """
    encoded, shift = 0, 0
    first = len(value) - 1
    while value[first - 1] & 0x80:
        first -= 1
    for byte in value[first:]:
        encoded |= (byte & 0x7F) << shift
        shift += 7
    return (encoded >> 1) ^ -(encoded & 1)
