"""The shares of the budget: how much of rho each measured margin gets, so that what matters most is told best.

Purpose: all tables of a population are one linear workload. Which margins are measured, and with how much of rho, is
the result of a minimisation of the weighted mean variance of the published tables, by the closed form of least squares.
Called by: `anonymizer.noise.workload`.

Invariants:
- The shares, each times the cost of its margin, add up to 1.
- They follow from the policy alone: from code lists and weights, never from counts.
- `Shares.gap` certifies them: no other shares have a loss lower by more than that fraction.

Sources: Xiao, He, Zhang and Kifer (ResidualPlanner, 2023) for the loss of measured margins; Yu, "Monotonic Convergence
of a General Algorithm for Computing Optimal Designs" (2010), for the multiplicative steps; Kiefer and Wolfowitz (1960)
for the gap.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from anonymizer.noise.least_squares import Floats, Ladder, Margin, below, carried, inverse, level, portion

__all__ = ["MarginSystem", "Shares", "best_shares"]

_STEPS: Final = 3_000
_GOOD_GAP: Final = 1e-4
_SMALLEST: Final = 1e-3  # a share below this is dropped, unless a table would be without


@dataclass(frozen=True, slots=True)
class MarginSystem:
    """Margins over dimensions of these sizes that are solved together.

    Args:
        sizes: number of codes by dimension.
        tables: published margin → the weight of the mean variance of its cells.
        required: a dimension that every measured margin has, None for none.
        cost: the squared L2 norm of what one person adds to a margin: 1, or the bound on the number of codes.
        ladder: the dimensions of groups and codes, if there are any.
    """

    sizes: tuple[int, ...]
    tables: Mapping[Margin, float]
    required: int | None = None
    cost: int = 1
    ladder: Ladder | None = None

    @property
    def candidates(self) -> tuple[Margin, ...]:
        """The margins that may be measured."""
        return below(self.tables, self.required)


@dataclass(frozen=True, slots=True)
class Shares:
    """Margin → share of rho, by system; the weighted loss at a rho of 1/2, and the certificate of its optimality."""

    by_system: tuple[Mapping[Margin, float], ...]
    loss: float
    gap: float


class _Information:
    """The loss of one system as a function of the shares of its candidates."""

    def __init__(self, system: MarginSystem) -> None:
        sizes, ladder = system.sizes, system.ladder
        apart = [level(margin, ladder) for margin in system.candidates]
        wanted = [(*level(margin, ladder), weight) for margin, weight in system.tables.items()]
        parts = below(others for others, _ in apart)
        self._carried = np.array([[carried(sizes, others, part) for others, _ in apart] for part in parts])
        self._rows = np.array([rows.T @ rows for _, rows in apart])
        # The weight of a table's loss on each component, along the ladder: the mean over its codes there.
        zero = np.zeros_like(self._rows[0])
        self._weight = np.array(
            [sum((w * portion(sizes, o, p) / len(r) * r.T @ r for o, r, w in wanted), zero) for p in parts]
        )

    def loss(self, shares: Floats) -> float:
        """Return the loss."""
        return float((self._weight * self._covariances(shares)).sum())

    def gain(self, shares: Floats) -> Floats:
        """Return minus the derivative of the loss by each share."""
        known = self._covariances(shares)
        felt = known @ self._weight @ known
        return np.asarray(np.einsum("pk,pab,kab->k", self._carried, felt, self._rows, optimize=True))

    def _covariances(self, shares: Floats) -> Floats:
        return inverse(np.einsum("pk,k,kab->pab", self._carried, shares, self._rows, optimize=True))


def best_shares(systems: Sequence[MarginSystem]) -> Shares:
    """Return the shares that minimise the sum of the systems' losses.

    Args:
        systems: systems of margins that are paid for by one budget, and solved each by itself.
    """
    informed = [_Information(system) for system in systems]
    costs = np.concatenate([np.full(len(system.candidates), float(system.cost)) for system in systems])
    ends = np.cumsum([len(system.candidates) for system in systems])[:-1]
    shares = 1 / (len(costs) * costs)
    gap = np.inf
    for _ in range(_STEPS):
        gain = _gains(informed, shares, ends) / costs
        spent = shares * costs
        gap = float(gain.max() / (spent * gain).sum() - 1)
        if gap < _GOOD_GAP:
            break
        shares = shares * np.sqrt(gain)
        shares = shares / (shares * costs).sum()
    kept = [_kept(system, part) for system, part in zip(systems, np.split(shares, ends), strict=True)]
    # What the dropped margins had goes to the others in proportion.
    whole = sum(system.cost * sum(own.values()) for system, own in zip(systems, kept, strict=True))
    scaled = tuple({margin: share / whole for margin, share in own.items()} for own in kept)
    loss = sum(
        one.loss(np.array([own.get(margin, 0.0) for margin in system.candidates]))
        for one, system, own in zip(informed, systems, scaled, strict=True)
    )
    return Shares(scaled, loss, gap)


def _gains(informed: Sequence[_Information], shares: Floats, ends: Floats) -> Floats:
    parts = zip(informed, np.split(shares, ends), strict=True)
    return np.concatenate([one.gain(own) for one, own in parts])


def _kept(system: MarginSystem, shares: Floats) -> dict[Margin, float]:
    """Return the shares that are worth a measurement, and those without which a table could not be told."""
    by_margin = dict(zip(system.candidates, map(float, shares), strict=True))
    kept = {margin for margin, share in by_margin.items() if share * system.cost >= _SMALLEST}
    for table in sorted(system.tables, key=len, reverse=True):
        if not any(set(table) <= set(margin) for margin in kept):
            kept.add(max((m for m in by_margin if set(table) <= set(m)), key=lambda m: by_margin[m]))
    return {margin: share for margin, share in by_margin.items() if margin in kept}
