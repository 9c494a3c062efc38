"""GLOP and CP-SAT of OR-Tools: engines of the audit and of the attacks, which share no solver with the protection.

Decides how programs and knowledge become models. Decides nothing of what is asked. Loaded by the first call: a process
that only hands programs on need not spend the time.
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

_LINEAR: Final = ("ortools.linear_solver.python.model_builder_helper", "scipy.sparse")
MODULES: Final = (*_LINEAR, "ortools.sat.python.cp_model")
"""What a process that audits takes long to load."""

_MOST: Final = 1_000_000.0  # beyond every count of people that is published here


class OrtoolsAuditor:
    """Solves the audit's programs with GLOP's own settings."""

    @property
    def version(self) -> str:
        """OR-Tools' version: it fixes its GLOP."""
        return f"glop/ortools-{metadata.version('ortools')}"

    def __call__(self, program: Program) -> Floats | None:
        """Return an optimal x, or None where there is none."""
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
        """Return the best x of whole numbers that CP-SAT found, None where none was; effort in its own seconds."""
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
        dear = np.flatnonzero(program.cost)
        model.minimize(
            cp_model.LinearExpr.weighted_sum([columns[i] for i in dear], program.cost[dear].astype(int).tolist())
        )
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.max_deterministic_time = effort
        if solver.solve(model) not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
            return None
        return np.array([solver.value(column) for column in columns], np.float64)


def _finite(ends: Floats) -> list[int]:
    return np.clip(ends, -_MOST, _MOST).astype(int).tolist()  # type: ignore[no-any-return] # numpy says Any


class Glop:
    """Equations over variables that are never below zero; every question begins from the last answer's basis."""

    def __init__(self, variables: int, equations: Sequence[LinearEquation]) -> None:
        """Take the equations up."""
        mp: Any = import_module("ortools.linear_solver.pywraplp")
        self._known, self._optimal = equations, mp.Solver.OPTIMAL
        self._solver = mp.Solver.CreateSolver("GLOP")
        self._variables = [self._solver.NumVar(0.0, _MOST, "") for _ in range(variables)]
        for line, value in equations:
            self._row(line, value, value)

    def _row(self, line: LinearForm, low: float, high: float) -> Any:  # noqa: ANN401 - OR-Tools is not typed here
        row = self._solver.Constraint(low, high)
        for variable, times in line.items():
            row.SetCoefficient(self._variables[variable], times)
        return row

    def many(self, lines: Sequence[LinearForm], far: float) -> Sequence[float] | None:
        """Return people per variable where sums are large together, none counted beyond `far`; None if nowhere."""
        wide = Glop(len(self._variables), self._known)
        wide._capped(lines, far)
        return wide._solved()

    def _capped(self, lines: Sequence[LinearForm], far: float) -> None:
        objective = self._solver.Objective()
        objective.SetMaximization()
        for line in lines:
            counted = self._solver.NumVar(-_MOST, far, "")
            self._row(line, 0.0, self._solver.infinity()).SetCoefficient(counted, -1.0)
            objective.SetCoefficient(counted, 1.0)

    def furthest(self, line: LinearForm) -> Sequence[float] | None:
        """Return people per variable where a sum is greatest; None where the equations contradict each other."""
        objective = self._solver.Objective()
        objective.Clear()
        for variable, times in line.items():
            objective.SetCoefficient(self._variables[variable], times)
        objective.SetMaximization()
        return self._solved()

    def _solved(self) -> Sequence[float] | None:
        if self._solver.Solve() != self._optimal:
            return None
        return [variable.solution_value() for variable in self._variables]


def possible(variables: int, equations: Sequence[LinearEquation]) -> bool:
    """Say whether the equations can hold together."""
    return Glop(variables, equations).furthest({}) is not None


def unique(variables: int, equations: Sequence[LinearEquation], line: LinearForm, seconds: float) -> int | None:
    """Return the whole number of people that a sum must be, None where two are possible or time is up.

    Source: Garfinkel, Abowd, Martindale (2018), reconstruction by a SAT solver; here of OR-Tools.
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
    for way in (model.minimize, model.maximize):
        way(total)
        if solver.solve(model) != cp_model.OPTIMAL:
            return None
        ends.append(round(solver.objective_value))
    return ends[0] if ends[0] == ends[1] else None


ENGINES: Final = Engines(Glop, possible, unique)
"""What attacks solve with."""
