"""A fast sampler for tests that ask about arithmetic, not about privacy: seeded, and never shipped."""

from fractions import Fraction

import numpy as np

from anonymizer.noise.sampler import Counts

__all__ = ["Rounded", "Silent"]


class Rounded:
    """Adds rounded normal noise: as wide as asked, whole persons, the same for the same seed."""

    version = "rounded"

    def __init__(self, seed: int = 1) -> None:
        self._random = np.random.default_rng(seed)

    def __call__(self, exact: Counts, variance: Fraction) -> Counts:
        return exact + np.rint(self._random.normal(0, float(variance) ** 0.5, exact.shape)).astype(np.int64)


class Silent:
    """Adds nothing."""

    version = "silent"

    def __call__(self, exact: Counts, variance: Fraction) -> Counts:
        assert variance > 0
        return exact.copy()
