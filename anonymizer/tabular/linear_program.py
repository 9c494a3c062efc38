"""Linear programs as values, and the port through which they are solved.

Decides the shape of a program and of its answer, and that work beyond a limit fails closed. Does not solve anything:
`anonymizer.solvers.highs` does, and is handed in by the shell.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from schemas.errors import DisclosureError

__all__ = [
    "Auditor",
    "Engine",
    "Flags",
    "Floats",
    "Indices",
    "Matrix",
    "Program",
    "Session",
    "Solver",
    "WorkLimits",
    "WorkMeter",
    "hstack",
    "vstack",
]  # fmt: skip

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Matrix:
    """A sparse matrix by its non-zero entries: `values[i]` stands in `rows[i]`, `columns[i]`; `shape` is its size."""

    rows: Indices
    columns: Indices
    values: Floats
    shape: tuple[int, int]

    @classmethod
    def of(cls, lines: Sequence[Sequence[tuple[int, float]]], width: int) -> "Matrix":
        """Build from lines of (column, value)."""
        entries = [(row, column, value) for row, line in enumerate(lines) for column, value in line]
        rows, columns, values = zip(*entries, strict=True) if entries else ((), (), ())
        shape = (len(lines), width)
        return cls(np.array(rows, np.int64), np.array(columns, np.int64), np.array(values, np.float64), shape)

    @classmethod
    def diagonal(cls, size: int, value: float) -> "Matrix":
        """Build `value` times the identity."""
        steps = np.arange(size, dtype=np.int64)
        return cls(steps, steps, np.full(size, value), (size, size))

    def times(self, x: Floats) -> Floats:
        """Return the product with a vector."""
        sums = np.zeros(self.shape[0])
        np.add.at(sums, self.rows, self.values * x[self.columns])
        return sums

    def take(self, kept: Flags) -> "Matrix":
        """Return the rows that are flagged, in order."""
        chosen = kept[self.rows]
        places = np.cumsum(kept) - 1
        shape = (int(kept.sum()), self.shape[1])
        return Matrix(places[self.rows[chosen]], self.columns[chosen], self.values[chosen], shape)

    def pick(self, kept: Flags) -> "Matrix":
        """Return the columns that are flagged, in order."""
        chosen = kept[self.columns]
        places = np.cumsum(kept) - 1
        shape = (self.shape[0], int(kept.sum()))
        return Matrix(self.rows[chosen], places[self.columns[chosen]], self.values[chosen], shape)

    def through(self, inner: "Matrix") -> "Matrix":
        """Return the product with a matrix of which no column is used twice by a row of this one."""
        order = np.argsort(inner.rows, kind="stable")
        starts = np.searchsorted(inner.rows[order], np.arange(inner.shape[0] + 1))
        lengths = np.diff(starts)[self.columns]
        firsts = np.repeat(starts[self.columns] - np.cumsum(lengths) + lengths, lengths)
        entries = order[firsts + np.arange(int(lengths.sum()))]
        values = np.repeat(self.values, lengths) * inner.values[entries]
        return Matrix(np.repeat(self.rows, lengths), inner.columns[entries], values, (self.shape[0], inner.shape[1]))

    def widened(self, width: int) -> "Matrix":
        """Return the same with columns of zeros on the right."""
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


@dataclass(frozen=True, slots=True)
class Program:
    """Minimise `cost · x` over `lower ≤ x ≤ upper` and `row_lower ≤ matrix · x ≤ row_upper`."""

    cost: Floats
    matrix: Matrix
    row_lower: Floats
    row_upper: Floats
    lower: Floats
    upper: Floats


class Session(Protocol):
    """One program, solved again and again with other bounds on its rows."""

    def bound(self, rows: Indices, lower: Floats, upper: Floats) -> None:
        """Change the bounds of some rows."""

    def solve(self) -> Floats | None:
        """Return an optimal x, or None where there is none."""


class Linear(Protocol):
    """Solves programs exactly as given; holds no state between two of them."""

    @property
    def version(self) -> str:
        """Name and version of the engine, for the audit certificate."""

    def __call__(self, program: Program) -> Floats | None:
        """Return an optimal x, or None where the program is infeasible, unbounded or was given up."""


class Auditor(Linear, Protocol):
    """Solves programs, and looks for whole numbers."""

    def whole(self, program: Program, effort: float) -> Floats | None:
        """Return the best x of whole numbers that was found, None where none was.

        `effort` is a measure of work, not of time: the same program and effort give the same answer.
        """


class Solver(Linear, Protocol):
    """Solves programs, and some again and again."""

    def open(self, program: Program, *, whole: int = 0) -> Session:
        """Take up a program that will be solved with changing bounds; its first `whole` columns in whole numbers."""


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class WorkLimits:
    """How much work one joint system may take: programs, rounds of protection, and a deadline for the shell to pull."""

    programs: int = 50_000
    rounds: int = 1
    expired: Callable[[], bool] = _never


@dataclass(frozen=True, slots=True)
class Engine:
    """What protection runs on: a solver, another one to audit with, the secret `seed` of its weights, its limits."""

    solver: Solver
    auditor: Auditor
    seed: bytes
    limits: WorkLimits = field(default_factory=WorkLimits)


@dataclass(slots=True)
class WorkMeter:
    """A solver that counts, and fails closed at its limits."""

    solver: Solver
    auditor: Auditor
    limits: WorkLimits
    solved: int = 0

    @classmethod
    def of(cls, engine: Engine) -> "WorkMeter":
        """Begin to count."""
        return cls(engine.solver, engine.auditor, engine.limits)

    def __call__(self, program: Program) -> Floats | None:
        """Solve one program.

        Raises:
            DisclosureError: DIS-022, the limit of programs or of time is reached.
        """
        self._count()
        return self.solver(program)

    def audit(self, program: Program) -> Floats | None:
        """Solve one program of the audit.

        Raises:
            DisclosureError: DIS-022, as above.
        """
        self._count()
        return self.auditor(program)

    def whole(self, program: Program, effort: float) -> Floats | None:
        """Look for whole numbers.

        Raises:
            DisclosureError: DIS-022, as above.
        """
        self._count()
        return self.auditor.whole(program, effort)

    def open(self, program: Program, *, whole: int = 0) -> "_Metered":
        """Take up a program; every answer counts."""
        return _Metered(self.solver.open(program, whole=whole), self._count)

    def _count(self) -> None:
        if self.solved >= self.limits.programs or self.limits.expired():
            raise DisclosureError("DIS-022", "protection was given up at its limit of work")
        self.solved += 1


@dataclass(frozen=True, slots=True)
class _Metered:
    session: Session
    count: Callable[[], None]

    def bound(self, rows: Indices, lower: Floats, upper: Floats) -> None:
        self.session.bound(rows, lower, upper)

    def solve(self) -> Floats | None:
        self.count()
        return self.session.solve()
