"""HiGHS as SciPy bundles it: the only file that knows a solver.

Decides how a program value becomes a call. Does not decide what is solved or what an answer means.

HiGHS is called directly: SciPy's own `milp` and `linprog` add a third to its time, most of it for marginals that nobody
asks for. The binding is private to SciPy; where it is missing nothing is solved and nothing released. It is loaded by
the first call, since loading takes more than a second that a process which only hands programs on need not spend.
"""

from importlib import import_module
from typing import Any, Final

import numpy as np
import scipy

from anonymizer.tabular.linear_program import Program
from anonymizer.tabular.sparse_matrix import Floats, Indices

__all__ = ["MODULES", "Highs"]

MODULES: Final = ("scipy.optimize._highspy._core", "scipy.sparse")
"""What a process that solves takes long to load."""


_GAP, _NODES = 0.1, 10_000  # whole numbers need not be the cheapest, and are given up in the same place every time


class Highs:
    """Solves with HiGHS's simplex and HiGHS's own settings."""

    @property
    def version(self) -> str:
        """SciPy's version: it fixes the HiGHS that it bundles."""
        return f"highs/scipy-{scipy.__version__}"

    def __call__(self, program: Program) -> Floats | None:
        """Return an optimal x, or None where there is none."""
        session = self.open(program)
        return session.solve()

    def open(self, program: Program, *, whole: int = 0) -> "_Session":
        """Take up a program that will be solved with changing bounds; its first `whole` columns in whole numbers."""
        return _Session(program, whole)


class _Session:
    """A model within HiGHS."""

    def __init__(self, program: Program, whole: int) -> None:
        self._core, sparse = map(import_module, MODULES)
        self._highs = self._core._Highs()  # noqa: SLF001 - as the first sentences of this module say
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
        """Return an optimal x, or None where there is none."""
        if not self._sound:
            return None
        for _ in range(2):  # beginning from the last basis takes a third of the time of a fresh start
            self._highs.run()
            if self._highs.getModelStatus() == self._core.HighsModelStatus.kOptimal:
                return np.array(self._highs.getSolution().col_value, np.float64)
            self._highs.clearSolver()  # a "none" is believed from a fresh start alone
        return None


def _model(
    core: Any,  # noqa: ANN401 - SciPy has no types
    sparse: Any,  # noqa: ANN401 - as above
    program: Program,
) -> Any:  # noqa: ANN401 - as above
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
