"""GLOP and CP-SAT of OR-Tools: the attackers' engines, so that an attack does not share a solver with the protection.

Decides how knowledge becomes a model. Decides nothing of what is asked.
"""

from collections.abc import Sequence
from typing import Final

from ortools.linear_solver import pywraplp
from ortools.sat.python import cp_model

from anonymizer.attacks.knowledge import Equation, Line

__all__ = ["Glop", "possible", "unique"]

_MOST: Final = 1_000_000.0  # beyond every count of people that is published here


class Glop:
    """Equations over variables that are never below zero; every question begins from the last answer's basis."""

    def __init__(self, variables: int, equations: Sequence[Equation]) -> None:
        """Take the equations up."""
        self._solver = pywraplp.Solver.CreateSolver("GLOP")
        self._variables = [self._solver.NumVar(0.0, _MOST, "") for _ in range(variables)]
        for line, value in equations:
            row = self._solver.Constraint(value, value)
            for variable, times in line.items():
                row.SetCoefficient(self._variables[variable], times)

    def furthest(self, line: Line) -> Sequence[float] | None:
        """Return people per variable where a sum is greatest; None where the equations contradict each other."""
        objective = self._solver.Objective()
        objective.Clear()
        for variable, times in line.items():
            objective.SetCoefficient(self._variables[variable], times)
        objective.SetMaximization()
        if self._solver.Solve() != pywraplp.Solver.OPTIMAL:
            return None
        return [variable.solution_value() for variable in self._variables]


def possible(variables: int, equations: Sequence[Equation]) -> bool:
    """Say whether the equations can hold together."""
    return Glop(variables, equations).furthest({}) is not None


def unique(variables: int, equations: Sequence[Equation], line: Line, seconds: float) -> int | None:
    """Return the whole number of people that a sum must be, None where two are possible or time is up.

    Source: Garfinkel, Abowd, Martindale (2018), reconstruction by a SAT solver; here of OR-Tools.
    """
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
