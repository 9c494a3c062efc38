"""Linear programs as values, the ports of their solvers, and a meter that limits the work.

Purpose: protection states its questions as `Program`s and never sees an engine. `anonymizer.solvers.highs` and
`anonymizer.solvers.ortools_engine` implement the ports; the composition hands them in as an `Engine`.
Called by: `block_protection`, `complementary`, `protection_audit`, `publication_decision` and `standalone`;
`anonymizer.solvers` implements the ports; `streams.core.releasing.release_plan`, `amana.composition.release_parts` and
`amana protect` pass an `Engine`.

Invariants:
- Beyond a limit of programs or of time nothing more is solved: protection fails closed.
- The audit's solver is another engine than the protection's, so that one engine's error cannot pass both.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from anonymizer.tabular.sparse_matrix import Floats, Indices, Matrix
from schemas.errors import DisclosureError

__all__ = ["Auditor", "Engine", "Program", "Session", "Solver", "WorkLimitError", "WorkLimits", "WorkMeter"]


@dataclass(frozen=True, slots=True)
class Program:
    """Minimise `cost · x` subject to `lower ≤ x ≤ upper` and `row_lower ≤ matrix · x ≤ row_upper`."""

    cost: Floats
    matrix: Matrix
    row_lower: Floats
    row_upper: Floats
    lower: Floats
    upper: Floats


class Session(Protocol):
    """One program, solved again and again with other bounds on its rows."""

    def bound(self, rows: Indices, lower: Floats, upper: Floats) -> None:
        """Replace the bounds of some rows."""

    def solve(self) -> Floats | None:
        """Return an optimal x, or None if there is none."""


class Linear(Protocol):
    """Solves programs exactly as given, without state between two of them."""

    @property
    def version(self) -> str:
        """Name and version of the engine, for the audit certificate."""

    def __call__(self, program: Program) -> Floats | None:
        """Return an optimal x, or None if the program is infeasible, unbounded or was given up."""


class Auditor(Linear, Protocol):
    """The audit's engine: it solves programs, and searches for answers in whole numbers."""

    def whole(self, program: Program, effort: float) -> Floats | None:
        """Return the best x in whole numbers that was found, None if none was.

        `effort` is a measure of work, not of time: the same program and effort give the same answer on every machine.
        """


class Solver(Linear, Protocol):
    """The protection's engine: it solves programs, and sessions of one program with changing bounds."""

    def open(self, program: Program, *, whole: int = 0) -> Session:
        """Load a program that will be solved with changing bounds; its first `whole` columns are whole numbers."""


class WorkLimitError(DisclosureError):
    """Protection was given up at its limit of work, after so many `programs`. Code DIS-022."""

    def __init__(self, programs: int) -> None:
        """Keep the number of programs that were solved."""
        super().__init__("DIS-022", "protection was given up at its limit of work")
        self.programs = programs

    def __reduce__(self) -> tuple[type["WorkLimitError"], tuple[int]]:
        """Travel between processes whole: pickle must call this constructor, not that of the family."""
        return type(self), (self.programs,)


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class WorkLimits:
    """The work that one joint system may take.

    `programs` counts programs, `rounds` those of complementary suppression; `expired` is the shell's deadline, asked
    before every program.
    """

    programs: int = 50_000
    rounds: int = 1
    expired: Callable[[], bool] = _never


@dataclass(frozen=True, slots=True)
class Engine:
    """The engines of protection and of its audit, the secret `seed` of the suppression costs, and the limits."""

    solver: Solver
    auditor: Auditor
    seed: bytes
    limits: WorkLimits = field(default_factory=WorkLimits)


@dataclass(slots=True)
class WorkMeter:
    """A solver that counts its programs, and fails closed at the limits."""

    solver: Solver
    auditor: Auditor
    limits: WorkLimits
    solved: int = 0

    @classmethod
    def of(cls, engine: Engine) -> "WorkMeter":
        """Begin to count for one joint system."""
        return cls(engine.solver, engine.auditor, engine.limits)

    def __call__(self, program: Program) -> Floats | None:
        """Solve one program.

        Raises:
            WorkLimitError: the limit of programs or of time is reached.
        """
        self._count()
        return self.solver(program)

    def audit(self, program: Program) -> Floats | None:
        """Solve one program with the audit's engine.

        Raises:
            WorkLimitError: as above.
        """
        self._count()
        return self.auditor(program)

    def whole(self, program: Program, effort: float) -> Floats | None:
        """Search for an answer in whole numbers with the audit's engine.

        Raises:
            WorkLimitError: as above.
        """
        self._count()
        return self.auditor.whole(program, effort)

    def open(self, program: Program, *, whole: int = 0) -> "_Metered":
        """Load a program; every answer of its session counts as one program."""
        return _Metered(self.solver.open(program, whole=whole), self._count)

    def _count(self) -> None:
        if self.solved >= self.limits.programs or self.limits.expired():
            raise WorkLimitError(self.solved)
        self.solved += 1


@dataclass(frozen=True, slots=True)
class _Metered:
    """A session whose answers are counted."""

    session: Session
    count: Callable[[], None]

    def bound(self, rows: Indices, lower: Floats, upper: Floats) -> None:
        """Replace the bounds of some rows."""
        self.session.bound(rows, lower, upper)

    def solve(self) -> Floats | None:
        """Count and solve."""
        self.count()
        return self.session.solve()
