"""Which margins are measured, and how rho is divided over them.

Decides by predicted variance, which depends on code lists alone and is public. Does not draw.

Measured are margins, not the leaves that they sum: with least squares over all margins together, leaves with the whole
rho are worse wherever every dimension has two codes or more, and a long dimension makes them far worse.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from anonymizer.budget.accounting import variance_of
from anonymizer.noise.fit import Margin, precisions, variance

__all__ = ["divide", "variances"]

Rhos = Mapping[Margin, int]


def divide(sizes: Sequence[int], margins: Sequence[Margin], rho: int) -> dict[Margin, int]:
    """Return the measured margins, each with its rho in parts per billion; together they cost no more than `rho`.

    A leaf lies in one cell of every margin, so margins add up. Tried are all margins that are wanted, and those alone
    that are no sums of others; judged by the mean variance of a cell over all that are wanted.
    """
    wanted = tuple(dict.fromkeys(margins))
    largest = tuple(m for m in wanted if not any(set(m) < set(other) for other in wanted))
    candidates = [dict.fromkeys(one, rho // len(one)) for one in (largest, wanted)]
    return min(candidates, key=lambda rhos: _mean_variance(sizes, rhos, wanted))


def variances(rhos: Rhos, squared: int) -> dict[Margin, Fraction]:
    """Return the variance of each measured margin's noise for L2 sensitivity² `squared`, in persons²."""
    return {margin: variance_of(squared, rho) for margin, rho in rhos.items()}


def _mean_variance(sizes: Sequence[int], rhos: Rhos, wanted: Sequence[Margin]) -> float:
    """Return the mean over margins of their cells' variance."""
    known = precisions(sizes, {margin: float(spread) for margin, spread in variances(rhos, 1).items()})
    return sum(variance(sizes, known, margin) for margin in wanted) / len(wanted)
