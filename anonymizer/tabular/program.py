"""Linear programs as values, and the port through which they are solved.

Decides the shape of a program and of its answer. Does not solve anything: `anonymizer.engines.solver` does, and is
handed in by the shell.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from schemas.errors import DisclosureError

__all__ = ["Floats", "Limits", "Meter", "Program", "Rows", "Solver"]

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Rows:
    """A sparse matrix in compressed rows: `indices[starts[i]:starts[i + 1]]` are row i's columns, with `values`."""

    starts: Indices
    indices: Indices
    values: Floats
    columns: int


@dataclass(frozen=True, slots=True)
class Program:
    """Minimise `cost · x` over `lower ≤ x ≤ upper` and `row_lower ≤ rows · x ≤ row_upper`."""

    cost: Floats
    rows: Rows
    row_lower: Floats
    row_upper: Floats
    lower: Floats
    upper: Floats


class Solver(Protocol):
    """Solves programs exactly as given; holds no state between two of them."""

    @property
    def version(self) -> str:
        """Name and version of the engine, for the audit certificate."""

    def __call__(self, program: Program) -> Floats | None:
        """Return an optimal x, or None where the program is infeasible, unbounded or was given up."""


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Limits:
    """How much work one call may do: linear programs per joint system, and a deadline the shell may pull."""

    programs: int = 20_000
    expired: Callable[[], bool] = _never


@dataclass(slots=True)
class Meter:
    """A solver that counts, and fails closed at its limits."""

    solver: Solver
    limits: Limits
    solved: int = field(default=0)

    def __call__(self, program: Program) -> Floats | None:
        """Solve one program.

        Raises:
            DisclosureError: DIS-022, the limit of programs or of time is reached.
        """
        if self.solved >= self.limits.programs or self.limits.expired():
            raise DisclosureError("DIS-022", "protection was given up at its limit of work")
        self.solved += 1
        return self.solver(program)
