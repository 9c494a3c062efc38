"""Weighted least squares over noisy margins, in closed form.

Purpose: it computes the one consistent table behind several noisy margins, and the uncertainty of each of its sums.
Called by: `noisy_table`, and `streams.core.releasing.dp_release` for sums over places.

A table over some dimensions is a sum of components, one for every subset of them: the grand mean, the effect of each
dimension, the interaction of two, and so on. Margins measured with independent noise, equal within each margin, observe
these components independently. Weighted least squares is then a weighted mean, component by component, and no matrix
is inverted.

Invariants:
- The estimates of all margins agree with each other, and are unbiased.
- Variances depend on no count: they are public before anything is drawn.

Source: Xiao, He, Zhang and Kifer, "An Optimal and Scalable Matrix Mechanism for Noisy Marginals under Convex Loss
Functions" (2023), sections 4 and 5, for residual bases and their variances.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

__all__ = ["Fit", "Floats", "Margin", "below", "fit", "precisions"]

Floats = npt.NDArray[np.float64]
Margin = tuple[int, ...]
"""Positions of dimensions, ascending."""


def below(margins: Iterable[Margin]) -> tuple[Margin, ...]:
    """Return the margins and all their own margins down to the total, each once, smallest first."""
    parts = {part for margin in margins for size in range(len(margin) + 1) for part in combinations(margin, size)}
    return tuple(sorted(parts, key=lambda part: (len(part), part)))


def precisions(sizes: Sequence[int], variances: Mapping[Margin, float]) -> dict[Margin, float]:
    """Return the precision (inverse variance) of each component.

    Args:
        sizes: number of codes by dimension.
        variances: of the noise in each cell, by measured margin.
    """
    return {
        part: sum(1 / (v * _others(sizes, m, part)) for m, v in variances.items() if set(part) <= set(m))
        for part in below(variances)
    }


@dataclass(frozen=True, slots=True)
class Fit:
    """The components of a table and their precisions; `sizes` is the number of codes by dimension."""

    sizes: tuple[int, ...]
    components: Mapping[Margin, Floats]
    precisions: Mapping[Margin, float]

    def values(self, margin: Margin) -> Floats:
        """Return a margin's estimated counts, an axis per dimension: unbiased, signed, consistent with all others."""
        table = np.zeros(tuple(self.sizes[d] for d in margin))
        for part in below([margin]):
            shape = [self.sizes[d] if d in part else 1 for d in margin]
            table += self.components[part].reshape(shape) / _others(self.sizes, margin, part)
        return table

    def deviation(self, margin: Margin, spans: Mapping[int, int] | None = None) -> float:
        """Return the standard deviation of a margin's cell, or of sums of `spans[d]` codes of dimension d of it."""
        return math.sqrt(variance(self.sizes, self.precisions, margin, spans or {}))


def variance(
    sizes: Sequence[int], known: Mapping[Margin, float], margin: Margin, spans: Mapping[int, int] | None = None
) -> float:
    """Return the variance of a margin's cell; it depends on no count, so it is public before anything is drawn."""
    total = 0.0
    for part in below([margin]):
        weight = 1.0
        for d in margin:
            share = (spans or {}).get(d, 1) / sizes[d]
            # The effect of d within a sum of spans[d] of its codes, or only its share of the mean.
            weight *= share * (1 - share) * sizes[d] if d in part else share**2
        total += weight / known[part]
    return total


def fit(sizes: Sequence[int], measured: Mapping[Margin, tuple[Floats, float]]) -> Fit:
    """Return the least squares fit of noisy margins: for each its counts, an axis per dimension, and their variance."""
    known = precisions(sizes, {margin: spread for margin, (_, spread) in measured.items()})
    components = {part: np.zeros(tuple(sizes[d] for d in part)) for part in known}
    for margin, (table, spread) in sorted(measured.items()):
        for part in below([margin]):
            seen = table.sum(axis=tuple(axis for axis, d in enumerate(margin) if d not in part))
            # Taking the mean away along every axis leaves the component of `part` alone.
            for axis in range(len(part)):
                seen = seen - seen.mean(axis=axis, keepdims=True)
            components[part] += seen / (spread * _others(sizes, margin, part) * known[part])
    return Fit(tuple(sizes), components, known)


def _others(sizes: Sequence[int], margin: Margin, part: Margin) -> int:
    """Return how many cells of `margin` a cell of `part` sums."""
    return math.prod(sizes[d] for d in margin if d not in part)
