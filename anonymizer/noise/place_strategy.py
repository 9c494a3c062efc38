"""The strategy for places: which sums of countries are measured, so that regions and countries are both told well.

Purpose: countries and overlapping regions are measured neither as countries nor as disjoint parts, but as a
*p-identity*: every place by itself and at most eight further rows of sums of places, each place with a coefficient. The
regional deviations are a quarter to a third smaller than those of sums of noisy countries, and hardly grow with their
number.
Called by: `anonymizer.noise.workload`.

Invariants:
- Coefficients are whole 256ths and none is negative. The squares of a column add up to at most 65,536, so that one
  person changes a measurement by at most 1 in the square, and a person who moves to another place by at most 2: with a
  negative coefficient a move would cost more.
- The strategy follows from the policy's regions and weights, never from counts.
- No strategy of any sign has a lower loss than `lower_bound`.

Sources: McKenna, Miklau, Hay and Machanavajjhala, "Optimizing Error of High-Dimensional Statistical Queries under
Differential Privacy" (HDMM, 2018), for p-identities; Li, Miklau, Hay, McGregor and Rastogi, "The Matrix Mechanism"
(2015).
"""

from dataclasses import dataclass
from math import isqrt
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from anonymizer.noise.least_squares import Floats

__all__ = ["GRID", "MOST_SQUARES", "PlaceStrategy", "Whole", "lower_bound", "p_identity", "weights"]

GRID: Final = 256
"""Coefficients are whole multiples of 1 / GRID."""

MOST_SQUARES: Final = GRID**2
"""The squared L2 norm of a column of coefficients, at most."""

Whole = npt.NDArray[np.int64]

_ROWS: Final = 8
_STARTS: Final = 2
_MOST_LOSSES: Final = 1_500
_BOUND_STEPS: Final = 4_000
_SMALLEST: Final = 1e-9  # of an eigenvalue, relative to the largest: smaller ones are rounding errors


@dataclass(frozen=True, slots=True, eq=False)
class PlaceStrategy:
    """The measured sums of places: a row per sum, a column per place, in 256ths."""

    coefficients: Whole

    def __post_init__(self) -> None:
        """Refuse coefficients that would cost more than is charged."""
        squares = (self.coefficients**2).sum(axis=0)
        if self.coefficients.min(initial=0) < 0 or squares.max(initial=0) > MOST_SQUARES:
            msg = "a coefficient is negative, or a column is longer than 1"
            raise ValueError(msg)

    @property
    def inverse(self) -> Floats:
        """The least squares estimate of the places from the measured sums, as a matrix; all rows are equally noisy."""
        return np.asarray(np.linalg.pinv(self.coefficients / GRID))

    @property
    def covariance(self) -> Floats:
        """The covariance of the estimated places, where each measured sum has variance 1 (in 256ths: 65,536)."""
        inverse = self.inverse
        return np.asarray(inverse @ inverse.T)

    def loss(self, weight: Floats) -> float:
        """Return the weighted sum of variances, where each measured sum has variance 1."""
        return float(np.trace(weight @ self.covariance))


def weights(regions: Floats, of_regions: float, of_places: float) -> Floats:
    """Return the weight matrix of a loss: the mean variance of the regions, and that of the places.

    Args:
        regions: 1 where a place is in a region; a row per region, a column per place.
        of_regions: the weight of the regions' mean variance.
        of_places: the weight of the places' mean variance.
    """
    count, places = regions.shape
    return np.asarray(of_regions * regions.T @ regions / max(count, 1) + of_places * np.eye(places) / places)


def p_identity(weight: Floats) -> PlaceStrategy:
    """Return the best p-identity that was found for a weight matrix; the same matrix gives the same strategy."""
    places = len(weight)
    best = min((_descent(weight, start) for start in range(_STARTS)), key=lambda found: found[0])[1]
    scale = 1 / np.sqrt(1 + (best**2).sum(axis=0))
    rows = np.rint(best * scale * GRID).astype(np.int64)
    rows = rows[rows.any(axis=1)]
    # What the grid leaves of each column goes to the place itself, which is never more than the column may have.
    left = MOST_SQUARES - (rows**2).sum(axis=0)
    for place in np.flatnonzero(left < 1):
        rows[rows[:, place].argmax(), place] -= 1
    left = MOST_SQUARES - (rows**2).sum(axis=0)
    alone = np.zeros((places, places), np.int64)
    np.fill_diagonal(alone, [isqrt(int(rest)) for rest in left])
    return PlaceStrategy(np.concatenate([alone, rows]))


def lower_bound(weight: Floats) -> float:
    """Return a loss below which no strategy comes, whatever the signs and the number of its rows.

    For every d >= 0, 2 tr (W^1/2 diag(d) W^1/2)^1/2 - sum d is such a bound, by duality; d is improved step by step.
    """
    values, vectors = np.linalg.eigh(weight)
    root = vectors * np.sqrt(np.clip(values, 0, None)) @ vectors.T
    dual = np.ones(len(weight)) * np.trace(weight) / len(weight)
    best = 0.0
    for _ in range(_BOUND_STEPS):
        spread, axes = np.linalg.eigh(root * dual @ root)
        spread = np.sqrt(np.clip(spread, 0, None))
        best = max(best, float(2 * spread.sum() - dual.sum()))
        kept = spread > _SMALLEST * spread.max()
        # The diagonal of the optimal information matrix: 1 everywhere at the optimum.
        part = root @ axes[:, kept]
        diagonal = (part**2 / spread[kept]).sum(axis=1)
        if np.abs(diagonal - 1).max() < _SMALLEST:
            break
        dual = dual * diagonal
    return best


def _descent(weight: Floats, start: int) -> tuple[float, Floats]:
    """Return the loss and the rows that a descent reaches from one of a few fixed starts."""
    places = len(weight)
    shape = (min(_ROWS, places), places)
    # Waves of different lengths: no two rows alike, and no randomness.
    grid = np.outer(np.arange(1, shape[0] + 1), np.arange(1, places + 1))
    first = 0.25 + 0.2 * np.sin((1.0 + 0.37 * start) * grid + start)
    # Not L-BFGS-B: it comes no nearer, and its linear algebra takes thirty times as long on a busy machine, where the
    # threads of one small system wait for each other.
    found = minimize(
        _loss, first.ravel(), args=(weight, shape), jac=True, method="TNC",
        bounds=[(0, None)] * first.size, options={"maxfun": _MOST_LOSSES},
    )  # fmt: skip
    return float(found.fun), np.asarray(found.x).reshape(shape)


def _loss(flat: Floats, weight: Floats, shape: tuple[int, int]) -> tuple[float, Floats]:
    """Return the loss of a p-identity with these rows, and its gradient."""
    rows = flat.reshape(shape)
    inner = np.linalg.inv(np.eye(shape[1]) + rows.T @ rows)
    scale = np.sqrt(1 + (rows**2).sum(axis=0))
    scaled = weight * np.outer(scale, scale)
    joint = weight * inner
    gradient = -2 * rows @ inner @ scaled @ inner + 2 * rows * (joint @ scale / scale)
    return float((scaled * inner).sum()), gradient.ravel()
