"""Including a batch of deltas in its cells, all cells at once.

Decides how the rule of `streams.core.counting.aggregate.include` is applied to columns: a test holds the two equal.
Where a source's marks rise within the batch and all lie above what the cell has counted, or all within it, which is
nearly always, sums are enough; a cell where they do not is taken through the rule itself, delta by delta.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from streams.core.counting.aggregate import Cell, include
from streams.core.counting.deltas import Columns, Ints

__all__ = ["include_all"]

_SUMMABLE = 2**62
"""What the sizes of a batch's amounts may come to, so that no sum of them overflows."""


_NARROW = 2**16
"""Up to so many runs are sorted by counting, several times as fast."""


@dataclass(frozen=True, slots=True)
class _Runs:
    """The deltas of one cell and source, one run each: which cell and source, and the first and last of them."""

    cell: list[int]
    source: list[int]
    first: list[tuple[int, int]]
    last: list[tuple[int, int]]
    rising: list[bool]
    order: Ints
    lengths: Ints

    def members(self, chosen: list[int]) -> Ints:
        """Return the places in the batch of the deltas of the `chosen` runs."""
        flags = np.zeros(len(self.cell), np.bool_)
        flags[chosen] = True
        return self.order[np.repeat(flags, self.lengths)]


def include_all(held: Callable[[str], Cell], deltas: Columns, positions: Ints) -> list[Cell]:
    """Return every cell that `deltas` touch, with them included.

    Args:
        held: The cell of a key as it is before the batch.
        deltas: A batch of one partition, in the order of its log.
        positions: The offset of each delta record itself, ascending.
    """
    before = [held(key) for key in deltas.cells]
    runs = _runs(deltas)
    plain = [_summable(deltas)] * len(before)
    marks: list[dict[str, tuple[int, int]]] = [dict(cell.marks) for cell in before]
    counted: list[int] = []
    for run, (cell, source, first, last, rising) in enumerate(
        zip(runs.cell, runs.source, runs.first, runs.last, runs.rising, strict=True)
    ):
        name = deltas.sources[source]
        known = before[cell].marks.get(name)
        if known is None or first > known:
            marks[cell][name] = last
        elif last <= known:
            counted.append(run)
        else:
            plain[cell] = False
        if not rising:
            plain[cell] = False
    amounts = deltas.amount.copy()
    amounts[runs.members(counted)] = 0
    counts = _counts(before, deltas, amounts)
    through = np.full(len(before), -1, np.int64)
    np.maximum.at(through, deltas.cell, positions)
    return [
        Cell(cell.cell, counts[place], marks[place], max(cell.through, reached))
        if plain[place]
        else _one_by_one(cell, place, deltas, positions)
        for place, (cell, reached) in enumerate(zip(before, through.tolist(), strict=True))
    ]


def _runs(deltas: Columns) -> _Runs:
    group = deltas.cell * len(deltas.sources) + deltas.source
    narrow = np.uint16 if len(deltas.cells) * len(deltas.sources) <= _NARROW else np.int64
    order = np.argsort(group.astype(narrow), kind="stable")
    group, offset, ordinal = group[order], deltas.offset[order], deltas.ordinal[order]
    begins = np.flatnonzero(np.concatenate(([True], group[1:] != group[:-1])))
    ends = np.append(begins[1:], len(group)) - 1
    rises = (offset[1:] > offset[:-1]) | ((offset[1:] == offset[:-1]) & (ordinal[1:] > ordinal[:-1]))
    rising = np.concatenate(([True], rises))
    rising[begins] = True
    found = group[begins]
    return _Runs(
        (found // len(deltas.sources)).tolist(),
        (found % len(deltas.sources)).tolist(),
        list(zip(offset[begins].tolist(), ordinal[begins].tolist(), strict=True)),
        list(zip(offset[ends].tolist(), ordinal[ends].tolist(), strict=True)),
        np.logical_and.reduceat(rising, begins).tolist(),
        order,
        np.diff(begins, append=len(group)),
    )


def _summable(deltas: Columns) -> bool:
    largest = max(-int(deltas.amount.min()), int(deltas.amount.max()))
    return largest * len(deltas.amount) < _SUMMABLE


def _counts(before: list[Cell], deltas: Columns, amounts: Ints) -> list[dict[str, int]]:
    """Add `amounts` by cell and agency to what the cells hold; an agency that comes to zero is left out."""
    width = len(deltas.agencies)
    pair = deltas.cell * width + deltas.agency
    sums, seen = np.zeros(len(before) * width, np.int64), np.zeros(len(before) * width, np.bool_)
    np.add.at(sums, pair, amounts)
    seen[pair] = True
    counts = [dict(cell.counts) for cell in before]
    touched = np.flatnonzero(seen)
    for place, amount in zip(touched.tolist(), sums[touched].tolist(), strict=True):
        mine, agency = counts[place // width], deltas.agencies[place % width]
        mine[agency] = mine.get(agency, 0) + amount
        if not mine[agency]:
            del mine[agency]
    return counts


def _one_by_one(cell: Cell, place: int, deltas: Columns, positions: Ints) -> Cell:
    chosen = np.flatnonzero(deltas.cell == place)
    columns = (deltas.agency, deltas.amount, deltas.source, deltas.offset, deltas.ordinal, positions)
    return include(
        cell,
        (
            (deltas.agencies[agency], amount, deltas.sources[source], offset, ordinal, position)
            for agency, amount, source, offset, ordinal, position in zip(
                *(column[chosen].tolist() for column in columns), strict=True
            )
        ),
    )
