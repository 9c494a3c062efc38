"""Privacy loss as exact integers, and its translation to epsilon and delta.

Purpose: it decides the unit (rho of zero-concentrated differential privacy, in parts per billion), how rho becomes
(epsilon, delta) and back, and the direction of every rounding.
Called by: `streams.core.releasing.dp_release`, `anonymizer.noise.noisy_table` and
`connectors.console.budget_statement`; the unit also by `amana budget` and `amana protect`.

Invariants:
- A grant is rounded down and a charge up.

Sources: Bun and Steinke, "Concentrated Differential Privacy" (2016), for rho and its addition; Canonne, Kamath and
Steinke, "The Discrete Gaussian for Differential Privacy" (2020), proposition 12 and corollary 13, for the tight
conversion; Balle and Wang, "Improving the Gaussian Mechanism" (2018), theorem 8, for the Gaussian's own curve.

>>> granted(1.0, 1e-6), round(epsilon_of(granted(1.0, 1e-6), 1e-6), 6), round(gaussian_epsilon(24_400_000, 1e-6), 2)
(24355970, 1.0, 0.93)
"""

import functools
import math
from fractions import Fraction
from typing import Final

from schemas.identifiers import Rho

__all__ = ["PPB", "charge_of", "epsilon_of", "gaussian_delta", "gaussian_epsilon", "granted", "variance_of"]

PPB: Final = 10**9
"""Parts per billion in a rho of one."""

_STEPS = 100  # of a search: beyond the precision of a double


def epsilon_of(rho: int, delta: float) -> float:
    """Return the least epsilon that `rho` and `delta` imply, whatever the mechanism."""
    if rho == 0:
        return 0.0
    exact = rho / PPB
    low, high = (
        math.log(1e-6),
        math.log(1e12),
    )  # of the order less 1: the bound has one minimum in it, which thirds find
    for _ in range(_STEPS):
        first, second = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, second) if _bound(exact, delta, first) < _bound(exact, delta, second) else (first, high)
    return max(0.0, _bound(exact, delta, low))


def _bound(rho: float, delta: float, log_excess: float) -> float:
    """Return the epsilon that one Rényi order implies: a valid bound, so the order need not be exactly the best."""
    excess = math.exp(log_excess)
    order = 1 + excess
    return order * rho + (-math.log(delta) - math.log(order)) / excess + math.log(excess / order)


@functools.lru_cache(maxsize=256)
def granted(epsilon: float, delta: float) -> Rho:
    """Return the largest rho that still implies `epsilon` at `delta`."""
    low, high = 0, math.ceil(epsilon * PPB) + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if epsilon_of(middle, delta) <= epsilon else (low, middle)
    return Rho(low)


def charge_of(squared: int, variance: Fraction) -> Rho:
    """Return the rho, rounded up, of Gaussian noise of `variance` on a squared L2 sensitivity of `squared`."""
    return Rho(math.ceil(Fraction(squared * PPB) / (2 * variance)))


def variance_of(squared: int, rho: int) -> Fraction:
    """Return the least variance at which a squared L2 sensitivity of `squared` costs no more than `rho`."""
    return Fraction(squared * PPB, 2 * rho)


def gaussian_delta(rho: int, epsilon: float) -> float:
    """Return the exact delta, not a bound, at `epsilon` of a Gaussian mechanism that costs `rho`."""
    mean = math.sqrt(2 * rho / PPB)  # of the privacy loss, in standard deviations of the noise
    return _upper(epsilon / mean - mean / 2) - math.exp(epsilon) * _upper(epsilon / mean + mean / 2)


def gaussian_epsilon(rho: int, delta: float) -> float:
    """Return the exact epsilon at `delta` of a Gaussian mechanism that costs `rho`; reported beside the bound."""
    if rho == 0:
        return 0.0
    low, high = 0.0, epsilon_of(rho, delta)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if gaussian_delta(rho, middle) <= delta else (middle, high)
    return high


def _upper(x: float) -> float:
    """Return the probability that a standard normal variable is above x."""
    return math.erfc(x / math.sqrt(2)) / 2
