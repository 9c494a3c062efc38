"""An outsider who knows which codes lie in which, and solves linear programs over a published table.

Shares nothing with the product but the file: it reads the CSV, and bounds cells with SciPy's HiGHS.
"""

import csv
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import numpy as np
from scipy.optimize import linprog

Below = Mapping[str, Sequence[Sequence[str] | str]]


class Outsider:
    """The outsider's knowledge of one table."""

    def __init__(self, path: Path, dims: Sequence[str], below: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
        """Read a published table.

        Args:
            path: the CSV file.
            dims: its dimensions.
            below: dimension → code → the leaves that it counts, for every code but `_T`; leaves count themselves.
        """
        with path.open(encoding="utf-8", newline="") as file:
            rows = [*csv.DictReader(file)]
        self.dims, self.below = tuple(dims), below
        self.leaves = [sorted({leaf for leaves in below[dim].values() for leaf in leaves}) for dim in dims]
        self.numbers = {key: i for i, key in enumerate(product(*self.leaves))}
        shown = [row for row in rows if row["value"]]
        self.hidden = [tuple(row[dim] for dim in dims) for row in rows if not row["value"]]
        self.published = {tuple(row[dim] for dim in dims): int(row["value"]) for row in shown}
        self._equations = np.array([self._line(codes) for codes in self.published]).reshape(-1, len(self.numbers))
        self._values = np.array([*self.published.values()], float)

    def _line(self, codes: Sequence[str]) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        line = np.zeros(len(self.numbers))
        sides = [
            leaves if code == "_T" else self.below[dim][code]
            for dim, code, leaves in zip(self.dims, codes, self.leaves, strict=True)
        ]
        for key in product(*sides):
            line[self.numbers[key]] += 1
        return line

    def bounds(self, codes: Sequence[str]) -> tuple[float, float]:
        """Return the least and the most persons that a cell can have, given everything published."""
        found = []
        for sign in (1.0, -1.0):
            solved = linprog(
                sign * self._line(codes), A_eq=self._equations, b_eq=self._values, bounds=(0, 1e6), method="highs"
            )
            assert solved.status == 0, solved.message
            found.append(sign * solved.fun)
        return found[0], found[1]

    def recovered(self, counts: Mapping[tuple[str, ...], int], k: int) -> list[tuple[str, ...]]:
        """Return the cells of 1 to k-1 persons that are published, or cannot be 0, or cannot be k."""
        told = [codes for codes, value in self.published.items() if 0 < value < k]
        for codes, count in counts.items():
            if 0 < count < k and codes not in self.published:
                low, high = self.bounds(codes)
                if low > 1e-6 or high < k - 1e-6:
                    told.append(codes)
        return told
