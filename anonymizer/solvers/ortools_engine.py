"""GLOP and CP-SAT of OR-Tools: the solvers of the audit and of the attacks.

They share no code with HiGHS, which protects: a fault of one solver does not hide itself from the other.

Called by: `amana.composition.release_parts`, `amana protect` and `amana attack`, which hand it on: `OrtoolsAuditor` to
the audit of protection, `ENGINES` to the attacks.

Invariants:
    - CP-SAT runs in one thread and within a deterministic effort where its answer must repeat (`whole`).
    - OR-Tools is imported by the first call; a process that only hands programs on does not spend the time.
"""

from collections.abc import Sequence
from importlib import import_module, metadata
from typing import Any, Final

import numpy as np

from anonymizer.attacks.exact import Engines
from anonymizer.attacks.knowledge import LinearEquation, LinearForm
from anonymizer.tabular.linear_program import Program
from anonymizer.tabular.sparse_matrix import Floats

__all__ = ["ENGINES", "MODULES", "Glop", "OrtoolsAuditor", "possible", "unique"]

# The helper beneath OR-Tools' public model builder takes a whole sparse matrix at once; the public one takes a Python
# expression for each row.
_LINEAR: Final = ("ortools.linear_solver.python.model_builder_helper", "scipy.sparse")
MODULES: Final = (*_LINEAR, "ortools.sat.python.cp_model")
"""The modules that take long to load; a pool of auditing processes loads them beforehand."""

_MOST: Final = 1_000_000.0  # beyond every count of people that is published here


class OrtoolsAuditor:
    """The solver of the audit: GLOP with its own settings, and CP-SAT for whole numbers."""

    @property
    def version(self) -> str:
        """The version of OR-Tools, which fixes that of its GLOP."""
        return f"glop/ortools-{metadata.version('ortools')}"

    def __call__(self, program: Program) -> Floats | None:
        """Return an optimal x, or None if there is none."""
        glop, sparse = map(import_module, _LINEAR)
        entries = (program.matrix.values, (program.matrix.rows, program.matrix.columns))
        rows = sparse.csr_array(entries, shape=program.matrix.shape)
        model, solver = glop.ModelBuilderHelper(), glop.ModelSolverHelper("glop")
        model.fill_model_from_sparse_data(
            program.lower, program.upper, program.cost, program.row_lower, program.row_upper, sparse.csr_matrix(rows)
        )
        solver.solve(model)
        if solver.status() != glop.SolveStatus.OPTIMAL:
            return None
        return np.array(solver.variable_values(), np.float64)

    @staticmethod
    def whole(program: Program, effort: float) -> Floats | None:
        """Return the best x of whole numbers that CP-SAT found, None if it found none.

        `effort` is in CP-SAT's deterministic seconds: equal programs and efforts give equal answers.
        """
        cp_model: Any = import_module("ortools.sat.python.cp_model")
        model = cp_model.CpModel()
        bounds = zip(_finite(program.lower), _finite(program.upper), strict=True)
        columns = [model.new_int_var(low, high, "") for low, high in bounds]
        rows: list[tuple[list[Any], list[int]]] = [([], []) for _ in program.row_lower]
        entries = program.matrix
        for row, column, times in zip(
            *(part.tolist() for part in (entries.rows, entries.columns, entries.values)), strict=True
        ):
            rows[row][0].append(columns[column])
            rows[row][1].append(int(times))
        for (line, times), low, high in zip(rows, _finite(program.row_lower), _finite(program.row_upper), strict=True):
            model.add_linear_constraint(cp_model.LinearExpr.weighted_sum(line, times), low, high)
        costly = np.flatnonzero(program.cost)
        model.minimize(
            cp_model.LinearExpr.weighted_sum([columns[i] for i in costly], program.cost[costly].astype(int).tolist())
        )
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1  # several would race, and the winner be another one every time
        solver.parameters.max_deterministic_time = effort
        if solver.solve(model) not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
            return None
        return np.array([solver.value(column) for column in columns], np.float64)


def _finite(ends: Floats) -> list[int]:
    """Return bounds as integers; CP-SAT knows no infinity."""
    return np.clip(ends, -_MOST, _MOST).astype(int).tolist()  # type: ignore[no-any-return] # numpy says Any


class Glop:
    """Linear equations over variables of at least zero, held in GLOP; every solve begins from the last basis.

    Args:
        variables: number of variables, each a number of persons.
        equations: what the attacker knows: linear forms and their values.
    """

    def __init__(self, variables: int, equations: Sequence[LinearEquation]) -> None:
        mp: Any = import_module("ortools.linear_solver.pywraplp")
        self._equations, self._optimal = equations, mp.Solver.OPTIMAL
        self._solver = mp.Solver.CreateSolver("GLOP")
        self._variables = [self._solver.NumVar(0.0, _MOST, "") for _ in range(variables)]
        for line, value in equations:
            self._row(line, value, value)

    def _row(self, line: LinearForm, low: float, high: float) -> Any:  # noqa: ANN401 - OR-Tools is not typed here
        """Add a row: `low` <= the linear form <= `high`."""
        row = self._solver.Constraint(low, high)
        for variable, times in line.items():
            row.SetCoefficient(self._variables[variable], times)
        return row

    def many(self, lines: Sequence[LinearForm], far: float) -> Sequence[float] | None:
        """Return persons per variable where many sums are large at once; None if the equations contradict each other.

        A sum counts up to `far`: beyond it, a larger one is no gain.
        """
        # A copy, for the capped sums are further variables and rows.
        copy = Glop(len(self._variables), self._equations)
        solver = copy._solver
        objective = solver.Objective()
        objective.SetMaximization()
        for line in lines:
            capped = solver.NumVar(-_MOST, far, "")
            copy._row(line, 0.0, solver.infinity()).SetCoefficient(capped, -1.0)
            objective.SetCoefficient(capped, 1.0)
        return copy._solved()

    def furthest(self, line: LinearForm) -> Sequence[float] | None:
        """Return persons per variable where a sum is greatest; None if the equations contradict each other."""
        objective = self._solver.Objective()
        objective.Clear()
        for variable, times in line.items():
            objective.SetCoefficient(self._variables[variable], times)
        objective.SetMaximization()
        return self._solved()

    def _solved(self) -> Sequence[float] | None:
        """Solve; return the values of the variables, None if there is no optimum."""
        if self._solver.Solve() != self._optimal:
            return None
        return [variable.solution_value() for variable in self._variables]


def possible(variables: int, equations: Sequence[LinearEquation]) -> bool:
    """Tell whether the equations can hold together."""
    return Glop(variables, equations).furthest({}) is not None


def unique(variables: int, equations: Sequence[LinearEquation], line: LinearForm, seconds: float) -> int | None:
    """Return the whole number of persons that a sum must be, None if two are possible or the time is up.

    Args:
        variables: number of variables.
        equations: what the attacker knows.
        line: the sum.
        seconds: time limit of each of the two solves.

    Source: Garfinkel, Abowd, Martindale (2018), "Understanding database reconstruction attacks on public data".
    """
    cp_model: Any = import_module("ortools.sat.python.cp_model")
    model = cp_model.CpModel()
    people = [model.new_int_var(0, int(_MOST), "") for _ in range(variables)]
    for row, value in equations:
        model.add(sum(int(times) * people[variable] for variable, times in row.items()) == int(value))
    total = model.new_int_var(-int(_MOST), int(_MOST), "")
    model.add(total == sum(int(times) * people[variable] for variable, times in line.items()))
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = 1
    ends = []
    for optimise in (model.minimize, model.maximize):
        optimise(total)
        if solver.solve(model) != cp_model.OPTIMAL:
            return None
        ends.append(round(solver.objective_value))
    return ends[0] if ends[0] == ends[1] else None


ENGINES: Final = Engines(Glop, possible, unique)
"""The solvers of the attacks."""
