"""HiGHS, as SciPy bundles it: the solver that protects tables, an adapter of `tabular.linear_program.Solver`.

Called by: `amana.composition.release_parts` and `amana protect`, which hand it on in an `Engine`.

    session = Highs().open(program)          # for a program whose bounds change
    session.bound(rows, lower, upper)
    session.solve()                          # an optimal x, or None

Invariants:
    - No answer is "none" before a solve from scratch has said so.
    - If the private binding of SciPy is missing, nothing is solved and so nothing is released.

Source: Huangfu, Hall (2018), "Parallelizing the dual revised simplex method", for HiGHS.
"""

from importlib import import_module
from typing import Any, Final

import numpy as np
import scipy

from anonymizer.tabular.linear_program import Program
from anonymizer.tabular.sparse_matrix import Floats, Indices

__all__ = ["MODULES", "Highs"]

# The binding is private to SciPy. Its public `milp` and `linprog` take a third more time, most of it for marginals that
# nobody here asks for. Its import takes more than a second, so the first session does it.
MODULES: Final = ("scipy.optimize._highspy._core", "scipy.sparse")
"""The modules that take long to load; a pool of solving processes loads them beforehand."""

# A solution in whole numbers need not be the cheapest. A bound on nodes, unlike one on time, gives equal answers.
_GAP, _NODES = 0.1, 10_000


class Highs:
    """The solver, with HiGHS's own settings."""

    @property
    def version(self) -> str:
        """The version of SciPy, which fixes that of the HiGHS that it bundles."""
        return f"highs/scipy-{scipy.__version__}"

    def __call__(self, program: Program) -> Floats | None:
        """Return an optimal x, or None if there is none."""
        session = self.open(program)
        return session.solve()

    def open(self, program: Program, *, whole: int = 0) -> "_Session":
        """Return a session for a program whose bounds will change; its first `whole` columns take whole numbers."""
        return _Session(program, whole)


class _Session:
    """One program within HiGHS, which keeps the basis of the last solution."""

    def __init__(self, program: Program, whole: int) -> None:
        self._core, sparse = map(import_module, MODULES)
        self._highs = self._core._Highs()  # noqa: SLF001 - see MODULES
        self._highs.setOptionValue("output_flag", False)
        model = _model(self._core, sparse, program)
        if whole:
            self._highs.setOptionValue("mip_rel_gap", _GAP)
            self._highs.setOptionValue("mip_max_nodes", _NODES)
            kinds, rest = self._core.HighsVarType, len(program.cost) - whole
            model.integrality_ = [kinds.kInteger] * whole + [kinds.kContinuous] * rest
        self._sound = self._highs.passModel(model) != self._core.HighsStatus.kError

    def bound(self, rows: Indices, lower: Floats, upper: Floats) -> None:
        """Change the bounds of some rows."""
        for row, low, high in zip(rows.tolist(), lower.tolist(), upper.tolist(), strict=True):
            self._highs.changeRowBounds(row, low, high)

    def solve(self) -> Floats | None:
        """Return an optimal x, or None if there is none."""
        if not self._sound:
            return None
        # First from the last basis, which takes a third of the time. If that finds nothing, once more from scratch:
        # only then is it believed that there is no solution.
        for _ in range(2):
            self._highs.run()
            if self._highs.getModelStatus() == self._core.HighsModelStatus.kOptimal:
                return np.array(self._highs.getSolution().col_value, np.float64)
            self._highs.clearSolver()
        return None


def _model(
    core: Any,  # noqa: ANN401 - SciPy has no types
    sparse: Any,  # noqa: ANN401 - as above
    program: Program,
) -> Any:  # noqa: ANN401 - as above
    """Return a program as HiGHS's own structure, its matrix by columns."""
    entries = (program.matrix.values, (program.matrix.rows, program.matrix.columns))
    columns = sparse.coo_array(entries, shape=program.matrix.shape).tocsc()
    model = core.HighsLp()
    model.num_row_, model.num_col_ = program.matrix.shape
    model.col_cost_, model.col_lower_, model.col_upper_ = program.cost, program.lower, program.upper
    model.row_lower_, model.row_upper_ = program.row_lower, program.row_upper
    model.a_matrix_.num_row_, model.a_matrix_.num_col_ = program.matrix.shape
    model.a_matrix_.format_ = core.MatrixFormat.kColwise
    model.a_matrix_.start_, model.a_matrix_.index_ = columns.indptr, columns.indices
    model.a_matrix_.value_ = columns.data
    return model
