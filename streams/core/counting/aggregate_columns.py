"""Aggregation of a batch of deltas by columns, all cells at once.

Purpose: applies the rule of `streams.core.counting.aggregate.include` to columns, so that a batch costs a few NumPy
operations and not one step for each delta.

Called by: `streams.stages.aggregate`.

Invariants:
- The result equals that of `include`, delta by delta; a property test compares the two.
- Sums suffice for a cell if, for each source, the marks rise within the batch and lie either all above the cell's mark
  or all at or below it. That is nearly always so; any other cell is given to `include`.

Procedure:
1. Sort the deltas into runs, one for each pair of cell and source.
2. Compare the marks at the ends of each run with the cell's mark: new, counted before, or mixed.
3. Sum the amounts of the new runs by cell and agency.
4. Take the cells with a mixed or falling run through `include`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from schemas.identifiers import CubeKey
from streams.core.counting.aggregate import Cell, include
from streams.core.counting.delta_columns import Columns, Ints

__all__ = ["include_all"]

_SUMMABLE = 2**62
"""Bound on the sum of the sizes of a batch's amounts, so that no sum of them overflows 64 bits."""

_NARROW = 2**16
"""Most pairs of cell and source that are sorted as 16-bit numbers: NumPy counts those, several times as fast."""


@dataclass(frozen=True, slots=True)
class _Runs:
    """The deltas of one cell and source form one run; lists and `lengths` have one item for each run.

    Args:
        cell: Index of the run's cell.
        source: Index of the run's source.
        first: Sequence mark of its first delta.
        last: Sequence mark of its last delta.
        rising: Whether its marks rise from each delta to the next.
        order: Indices of the batch's deltas, sorted by run; within a run they keep the order of the log.
        lengths: Number of deltas of each run.
    """

    cell: list[int]
    source: list[int]
    first: list[tuple[int, int]]
    last: list[tuple[int, int]]
    rising: list[bool]
    order: Ints
    lengths: Ints

    def members(self, chosen: list[int]) -> Ints:
        """Return the indices, in the batch, of the deltas of the `chosen` runs."""
        flags = np.zeros(len(self.cell), np.bool_)
        flags[chosen] = True
        return self.order[np.repeat(flags, self.lengths)]


def include_all(held: Callable[[CubeKey], Cell], deltas: Columns, positions: Ints) -> list[Cell]:
    """Return every cell that `deltas` touch, with them included.

    Args:
        held: Returns the cell of a key as it is before the batch.
        deltas: A batch of one partition, in the order of its log.
        positions: The offset of each delta record itself, ascending.
    """
    before = [held(key) for key in deltas.cells]
    # 1. Sort into runs.
    runs = _runs(deltas)
    # 2. Compare marks. `first` and `last` suffice: within a rising run all other marks lie between them.
    largest = max(-int(deltas.amount.min()), int(deltas.amount.max()))
    by_sums = [largest * len(deltas.amount) < _SUMMABLE] * len(before)
    marks: list[dict[str, tuple[int, int]]] = [dict(cell.marks) for cell in before]
    counted: list[int] = []
    for run, (cell, source, first, last, rising) in enumerate(
        zip(runs.cell, runs.source, runs.first, runs.last, runs.rising, strict=True)
    ):
        name = deltas.sources[source]
        mark = before[cell].marks.get(name)
        if mark is None or first > mark:
            marks[cell][name] = last
        elif last <= mark:
            counted.append(run)
        else:
            by_sums[cell] = False
        if not rising:
            by_sums[cell] = False
    # 3. Sum. Deltas that were counted before add nothing.
    amounts = deltas.amount.copy()
    amounts[runs.members(counted)] = 0
    counts = _counts(before, deltas, amounts)
    through = np.full(len(before), -1, np.int64)
    np.maximum.at(through, deltas.cell, positions)
    # 4. Take the rest delta by delta.
    return [
        Cell(cell.cell, counts[index], marks[index], max(cell.through, reached))
        if by_sums[index]
        else _one_by_one(cell, index, deltas, positions)
        for index, (cell, reached) in enumerate(zip(before, through.tolist(), strict=True))
    ]


def _runs(deltas: Columns) -> _Runs:
    # One number for each pair of cell and source; sorting by it brings a run's deltas together.
    group = deltas.cell * len(deltas.sources) + deltas.source
    narrow = np.uint16 if len(deltas.cells) * len(deltas.sources) <= _NARROW else np.int64
    # Stable: within a run the deltas keep the order of the log.
    order = np.argsort(group.astype(narrow), kind="stable")
    group, offset, ordinal = group[order], deltas.offset[order], deltas.ordinal[order]
    # A run begins where the number changes, and ends before the next one begins.
    begins = np.flatnonzero(np.concatenate(([True], group[1:] != group[:-1])))
    ends = np.append(begins[1:], len(group)) - 1
    rises = (offset[1:] > offset[:-1]) | ((offset[1:] == offset[:-1]) & (ordinal[1:] > ordinal[:-1]))
    rising = np.concatenate(([True], rises))
    rising[begins] = True  # the first delta of a run has none before it to rise from
    groups = group[begins]
    return _Runs(
        (groups // len(deltas.sources)).tolist(),
        (groups % len(deltas.sources)).tolist(),
        list(zip(offset[begins].tolist(), ordinal[begins].tolist(), strict=True)),
        list(zip(offset[ends].tolist(), ordinal[ends].tolist(), strict=True)),
        np.logical_and.reduceat(rising, begins).tolist(),
        order,
        np.diff(begins, append=len(group)),
    )


def _counts(before: list[Cell], deltas: Columns, amounts: Ints) -> list[dict[str, int]]:
    """Return the counts of each cell with `amounts` added by agency; an agency that comes to zero is left out."""
    width = len(deltas.agencies)
    pair = deltas.cell * width + deltas.agency
    sums, seen = np.zeros(len(before) * width, np.int64), np.zeros(len(before) * width, np.bool_)
    np.add.at(sums, pair, amounts)
    # Pairs that occur, and not sums that differ from 0: a sum of 0 leaves a count, too.
    seen[pair] = True
    counts = [dict(cell.counts) for cell in before]
    touched = np.flatnonzero(seen)
    for index, amount in zip(touched.tolist(), sums[touched].tolist(), strict=True):
        of_cell, agency = counts[index // width], deltas.agencies[index % width]
        of_cell[agency] = of_cell.get(agency, 0) + amount
        if not of_cell[agency]:
            del of_cell[agency]
    return counts


def _one_by_one(cell: Cell, index: int, deltas: Columns, positions: Ints) -> Cell:
    """Return a cell with its deltas included by the rule itself."""
    chosen = np.flatnonzero(deltas.cell == index)
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
