"""Port of the noise sampler.

Purpose: the pure rooms draw noise only through this protocol, so randomness stays in the shell. Implemented by
`anonymizer.mechanisms.discrete_gaussian`.
Called by: `noisy_table`, and `streams.core.releasing.dp_release`, which is given one.

Invariants:
- Every call draws anew; there are no seeds.
- The noise of each cell is independent and has at least the variance that was asked for.
"""

from fractions import Fraction
from typing import Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["Counts", "Sampler"]

Counts = npt.NDArray[np.int64]


class Sampler(Protocol):
    """Adds discrete Gaussian noise. Every call draws anew, and there are no seeds."""

    @property
    def version(self) -> str:
        """Name and version of the engine, for the audit log."""

    def __call__(self, exact: Counts, variance: Fraction) -> Counts:
        """Return exact counts plus independent discrete Gaussian noise of at least `variance` each (persons²)."""
