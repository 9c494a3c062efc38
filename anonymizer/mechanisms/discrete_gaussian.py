"""The discrete Gaussian of the OpenDP library: the only file that knows it.

Decides how counts become a call, and checks that the library itself puts the loss where the accounting does. Does not
decide the variance or what is counted.

The vector measurement is called directly: the library's Context takes seconds a query. Its sampler is exact (Canonne,
Kamath and Steinke 2020) and draws from the operating system. It is loaded by the first call: that takes two seconds.
"""

import math
from fractions import Fraction
from importlib import import_module, metadata
from typing import Any, Final

import numpy as np

from anonymizer.noise.sampler import Counts
from schemas.errors import IntegrityError

__all__ = ["OpenDP"]

_SLACK: Final = Fraction(1, 10**12)
"""By how much, relatively, the library's own map may differ from the accounting: it rounds outwards in doubles."""


class OpenDP:
    """Draws with OpenDP."""

    @property
    def version(self) -> str:
        """The library's version."""
        return f"opendp-{metadata.version('opendp')}"

    def __call__(self, exact: Counts, variance: Fraction) -> Counts:
        """Return noisy counts.

        Raises:
            IntegrityError: INT-160, the library answers with another loss or another number of counts.
        """
        measurement = _measurement(_scale(variance))
        claimed = Fraction(measurement.map(1))
        if claimed > (1 + _SLACK) / (2 * variance):
            raise IntegrityError("INT-160", "the noise engine states another privacy loss than the ledger charges")
        drawn = np.array(measurement([int(count) for count in exact]), np.int64)
        if drawn.shape != exact.shape:
            raise IntegrityError("INT-160", "the noise engine answered with another number of counts")
        return drawn


def _scale(variance: Fraction) -> float:
    """Return the least double whose square is no less than `variance`."""
    scale = math.sqrt(variance)
    while Fraction(scale) ** 2 < variance:
        scale = math.nextafter(scale, math.inf)
    return scale


def _measurement(scale: float) -> Any:  # noqa: ANN401 - the library's types say no more
    library = import_module("opendp.prelude")
    library.enable_features("contrib")  # the library's word for what it has not proven formally
    counts = library.vector_domain(library.atom_domain(T="i64"))
    return library.m.make_gaussian(counts, library.l2_distance(T="i64"), scale=scale)
