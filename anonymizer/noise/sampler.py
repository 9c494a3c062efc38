"""The port through which noise is drawn.

Decides what a sampler must do. Does not draw anything: `anonymizer.mechanisms.discrete_gaussian` does, and is handed
in by the shell.
"""

from fractions import Fraction
from typing import Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["Counts", "Sampler"]

Counts = npt.NDArray[np.int64]


class Sampler(Protocol):
    """Adds discrete Gaussian noise; every call is a draw of its own, and there are no seeds."""

    @property
    def version(self) -> str:
        """Name and version of the engine, for the audit log."""

    def __call__(self, exact: Counts, variance: Fraction) -> Counts:
        """Return exact counts plus independent discrete Gaussian noise of at least `variance` each (persons²)."""
