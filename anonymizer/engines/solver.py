"""HiGHS through SciPy: the only file that imports a solver.

Decides how a program value becomes a call. Does not decide what is solved or what an answer means.
"""

import numpy as np
import scipy
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from anonymizer.tabular.program import Floats, Program

__all__ = ["Highs"]


class Highs:
    """Solves with HiGHS's simplex; `milp` without integer variables costs half of what `linprog` does on top of it."""

    @property
    def version(self) -> str:
        """SciPy's version: it fixes the HiGHS that it bundles."""
        return f"highs/scipy-{scipy.__version__}"

    def __call__(self, program: Program) -> Floats | None:
        """Return an optimal x, or None where there is none."""
        entries = (program.matrix.values, (program.matrix.rows, program.matrix.columns))
        rows = coo_array(entries, shape=program.matrix.shape).tocsc()
        answer = milp(
            program.cost,
            constraints=LinearConstraint(rows, program.row_lower, program.row_upper),
            bounds=Bounds(program.lower, program.upper),
        )
        return None if answer.x is None or not answer.success else np.asarray(answer.x, np.float64)
