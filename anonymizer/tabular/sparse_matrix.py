"""Sparse matrices as triplets of row, column and value, with the few operations that protection needs.

Purpose: the constraint rows of the linear programs. The words are SciPy's (`@`, `hstack`, `vstack`); SciPy's own
matrices are slower at these sizes and are loaded by the solvers alone (docs/adr/0030-sparse-matrices.md).
Called by: all of `anonymizer.tabular`; `anonymizer.solvers` hands the triplets to the engines.

Invariants:
- A matrix is a value: no operation changes one.
- Entries keep their order, so the same input gives the same program, and a solver the same answer.
- Two entries may have the same place; they count as their sum, as in SciPy's COO format.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
import numpy.typing as npt

__all__ = ["Flags", "Floats", "Indices", "Matrix", "hstack", "vstack"]

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Matrix:
    """A sparse matrix: `values[i]` stands in row `rows[i]` and column `columns[i]`; `shape` is (height, width)."""

    rows: Indices
    columns: Indices
    values: Floats
    shape: tuple[int, int]

    @classmethod
    def of(cls, lines: Sequence[Sequence[tuple[int, float]]], width: int) -> "Matrix":
        """Build a matrix from its rows, each a sequence of (column, value)."""
        entries = [(row, column, value) for row, line in enumerate(lines) for column, value in line]
        rows, columns, values = zip(*entries, strict=True) if entries else ((), (), ())
        shape = (len(lines), width)
        return cls(np.array(rows, np.int64), np.array(columns, np.int64), np.array(values, np.float64), shape)

    @classmethod
    def diagonal(cls, size: int, value: float) -> "Matrix":
        """Build `value` times the identity."""
        steps = np.arange(size, dtype=np.int64)
        return cls(steps, steps, np.full(size, value), (size, size))

    @overload
    def __matmul__(self, other: Floats) -> Floats: ...

    @overload
    def __matmul__(self, other: "Matrix") -> "Matrix": ...

    def __matmul__(self, other: "Floats | Matrix") -> "Floats | Matrix":
        """Return the product with a vector of length `shape[1]`, or with a matrix of that height."""
        if not isinstance(other, Matrix):
            sums = np.zeros(self.shape[0])
            np.add.at(
                sums, self.rows, self.values * other[self.columns]
            )  # `sums[rows] += ...` would lose repeated rows
            return sums
        # Each entry (r, c, v) of this matrix becomes one entry (r, d, v * w) for every entry (c, d, w) of `other`.
        # First the entries of `other` by row: row c holds order[starts[c]:starts[c + 1]].
        order = np.argsort(other.rows, kind="stable")
        starts = np.searchsorted(other.rows[order], np.arange(other.shape[0] + 1))
        # `lengths[i]` entries come of entry i. `firsts` shifts a running number so that it counts from starts[c] anew
        # for every i: cumsum - length is the running number at which i begins.
        lengths = np.diff(starts)[self.columns]
        firsts = np.repeat(starts[self.columns] - np.cumsum(lengths) + lengths, lengths)
        entries = order[firsts + np.arange(int(lengths.sum()))]
        values = np.repeat(self.values, lengths) * other.values[entries]
        return Matrix(np.repeat(self.rows, lengths), other.columns[entries], values, (self.shape[0], other.shape[1]))

    def select_rows(self, kept: Flags) -> "Matrix":
        """Return the flagged rows, in order."""
        chosen = kept[self.rows]
        places = np.cumsum(kept) - 1  # old row → new row, valid where kept
        shape = (int(kept.sum()), self.shape[1])
        return Matrix(places[self.rows[chosen]], self.columns[chosen], self.values[chosen], shape)

    def select_columns(self, kept: Flags) -> "Matrix":
        """Return the flagged columns, in order."""
        chosen = kept[self.columns]
        places = np.cumsum(kept) - 1  # old column → new column, valid where kept
        shape = (self.shape[0], int(kept.sum()))
        return Matrix(self.rows[chosen], places[self.columns[chosen]], self.values[chosen], shape)

    def widened(self, width: int) -> "Matrix":
        """Return the same matrix with columns of zeros on the right."""
        return Matrix(self.rows, self.columns, self.values, (self.shape[0], width))


def vstack(parts: Sequence[Matrix]) -> Matrix:
    """Put matrices under each other; narrower ones are filled with zeros on the right."""
    tops = np.cumsum([0, *(part.shape[0] for part in parts)])
    rows = np.concatenate([part.rows + top for part, top in zip(parts, tops, strict=False)])
    width = max(part.shape[1] for part in parts)
    columns = np.concatenate([part.columns for part in parts])
    return Matrix(rows, columns, np.concatenate([part.values for part in parts]), (int(tops[-1]), width))


def hstack(parts: Sequence[Matrix]) -> Matrix:
    """Put matrices of equal height next to each other."""
    lefts = np.cumsum([0, *(part.shape[1] for part in parts)])
    columns = np.concatenate([part.columns + left for part, left in zip(parts, lefts, strict=False)])
    rows = np.concatenate([part.rows for part in parts])
    shape = (parts[0].shape[0], int(lefts[-1]))
    return Matrix(rows, columns, np.concatenate([part.values for part in parts]), shape)
