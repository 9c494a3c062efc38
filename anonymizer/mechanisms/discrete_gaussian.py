"""The discrete Gaussian mechanism of the OpenDP library: an adapter of `noise.sampler.Sampler`.

Called by: `amana.composition.release_parts` and `amana protect`, which hand it on as a `Sampler`.

Invariants:
    - If the library itself states a greater privacy loss than the budget is charged, nothing is drawn (INT-160).
    - Every call is a new draw; its randomness is the operating system's, and there are no seeds.
    - The library is imported by the first call, for that takes two seconds.

Source: Canonne, Kamath, Steinke (2020), "The discrete Gaussian for differential privacy", for the exact sampler.
"""

import math
from fractions import Fraction
from importlib import import_module, metadata
from typing import Final

import numpy as np

from anonymizer.noise.sampler import Counts
from schemas.errors import IntegrityError

__all__ = ["OpenDP"]

_SLACK: Final = Fraction(1, 10**12)
"""Relative tolerance between the library's own privacy map, which rounds outwards in doubles, and the accounting."""


class OpenDP:
    """The sampler of OpenDP."""

    @property
    def version(self) -> str:
        """The library's version."""
        return f"opendp-{metadata.version('opendp')}"

    def __call__(self, exact: Counts, variance: Fraction) -> Counts:
        """Return the counts plus independent discrete Gaussian noise of at least `variance` each, in persons squared.

        Raises:
            IntegrityError: INT-160, the library answers with another loss or another number of counts.
        """
        # The vector measurement is called directly: OpenDP's Context takes seconds for each query.
        library = import_module("opendp.prelude")
        library.enable_features("contrib")  # OpenDP's word for what is not formally proven
        domain = library.vector_domain(library.atom_domain(T="i64"))
        measurement = library.m.make_gaussian(domain, library.l2_distance(T="i64"), scale=_scale(variance))
        # At sensitivity 1 the loss is rho = 1 / (2 variance), by which the budget is charged.
        claimed = Fraction(measurement.map(1))
        if claimed > (1 + _SLACK) / (2 * variance):
            raise IntegrityError("INT-160", "the noise engine states a greater privacy loss than the budget is charged")
        drawn = np.array(measurement([int(count) for count in exact]), np.int64)
        if drawn.shape != exact.shape:
            raise IntegrityError("INT-160", "the noise engine answered with another number of counts")
        return drawn


def _scale(variance: Fraction) -> float:
    """Return the least double whose square is at least `variance`."""
    # Rounded up: a smaller scale would be a greater privacy loss than was charged.
    scale = math.sqrt(variance)
    while Fraction(scale) ** 2 < variance:
        scale = math.nextafter(scale, math.inf)
    return scale
