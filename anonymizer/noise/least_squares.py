"""Weighted least squares over noisy margins, in closed form.

Purpose: it computes the one consistent table behind several noisy margins, and the uncertainty of each of its sums.
Called by: `noisy_table` and `published_margins`; `shares` for the variances, `revision` for the components.

A table over some dimensions is a sum of components, one for every subset of them: the grand mean, the effect of each
dimension, the interaction of two, and so on. Margins measured with independent noise, equal within each margin, observe
these components independently. Weighted least squares is then a weighted mean, component by component, and no matrix of
the size of the table is inverted. One pair of dimensions may be a *ladder*: groups of codes, and the codes themselves,
such as minors and adults above bands of ages. Every component then has an axis of the finer codes and a small matrix of
information instead of one number.

Arrays may have further axes in front, such as one of places: every one of their entries is a table, and all are solved
at once. Noise may be correlated along these axes, if it is so in the same way for all margins.

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
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["Fit", "Floats", "Ladder", "Margin", "below", "carried", "covariances", "fit", "inverse", "level", "portion"]

Floats = npt.NDArray[np.float64]
Margin = tuple[int, ...]
"""Positions of dimensions, ascending."""

_RANK: Final = 1e-11  # of an eigenvalue, relative to the largest: smaller ones are directions that nothing measured


@dataclass(frozen=True, slots=True)
class Ladder:
    """Two dimensions of which one groups the codes of the other; no margin has both.

    Args:
        coarse: position of the dimension of groups.
        fine: position of the dimension of codes.
        groups: the group of each code.
    """

    coarse: int
    fine: int
    groups: tuple[int, ...]


def below(margins: Iterable[Margin], required: int | None = None) -> tuple[Margin, ...]:
    """Return the margins and all their own margins down to the total, each once, smallest first.

    Args:
        margins: the margins.
        required: a dimension without which a margin is left out, None for none.
    """
    parts = {part for margin in margins for size in range(len(margin) + 1) for part in combinations(margin, size)}
    kept = (part for part in parts if required is None or required in part)
    return tuple(sorted(kept, key=lambda part: (len(part), part)))


def level(margin: Margin, ladder: Ladder | None) -> tuple[Margin, Floats]:
    """Return the dimensions of a margin that are not on the ladder, and which finer codes each of its cells sums.

    The second is a matrix with a row for each of the margin's codes on the ladder, and one column where there is none.
    """
    if ladder is None:
        return margin, np.ones((1, 1))
    others = tuple(d for d in margin if d not in (ladder.coarse, ladder.fine))
    if ladder.fine in margin:
        return others, np.eye(len(ladder.groups))
    if ladder.coarse in margin:
        groups = np.array(ladder.groups)
        return others, np.equal.outer(np.arange(groups.max() + 1), groups).astype(np.float64)
    return others, np.ones((1, len(ladder.groups)))


def carried(sizes: Sequence[int], margin: Margin, part: Margin) -> float:
    """Return the information that a margin of variance 1 has about component `part`; both without the ladder."""
    return 1 / _others(sizes, margin, part) if set(part) <= set(margin) else 0.0


def portion(sizes: Sequence[int], margin: Margin, part: Margin, spans: Mapping[int, int] | None = None) -> float:
    """Return how much of the variance of component `part` is in one cell of `margin`; both without the ladder.

    With `spans`, in a sum of cells: those of `spans[d]` codes of dimension d.
    """
    if not set(part) <= set(margin):
        return 0.0
    shares = {d: (spans or {}).get(d, 1) / sizes[d] for d in margin}
    # The effect of d within a sum of some of its codes, or only their share of the mean.
    return math.prod(share * (1 - share) * sizes[d] if d in part else share**2 for d, share in shares.items())


def inverse(information: Floats) -> Floats:
    """Return the covariances of components from their information; directions that nothing measured stay zero."""
    return np.asarray(np.linalg.pinv(information, rcond=_RANK, hermitian=True))


def covariances(
    sizes: Sequence[int], variances: Mapping[Margin, float], ladder: Ladder | None = None
) -> dict[Margin, Floats]:
    """Return the covariance matrix of each component along the finer codes of the ladder, of one number without one.

    Args:
        sizes: number of codes by dimension.
        variances: of the noise in each cell, by measured margin.
        ladder: the dimensions of groups and codes, if there are any.
    """
    apart = [(*level(margin, ladder), spread) for margin, spread in variances.items()]
    parts = below(others for others, _, _ in apart)
    return {
        part: inverse(
            np.asarray(sum(carried(sizes, others, part) / spread * rows.T @ rows for others, rows, spread in apart))
        )
        for part in parts
    }


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """The components of a table and their covariances along the ladder.

    Args:
        sizes: number of codes by dimension.
        front: lengths of the axes in front.
        components: component → values, an axis for all axes in front, one for the ladder, one for its codes.
        covariances: component → matrix along the ladder.
        ladder: the dimensions of groups and codes, if there are any.
    """

    sizes: tuple[int, ...]
    front: tuple[int, ...]
    components: Mapping[Margin, Floats]
    covariances: Mapping[Margin, Floats]
    ladder: Ladder | None = None

    def values(self, margin: Margin) -> Floats:
        """Return a margin's estimated counts, an axis per dimension: unbiased, signed, consistent with all others."""
        others, rows = level(margin, self.ladder)
        table = np.zeros((math.prod(self.front), len(rows), *(self.sizes[d] for d in others)))
        for part in below([others]):
            shape = [self.sizes[d] if d in part else 1 for d in others]
            seen = rows @ self.components[part]
            table += seen.reshape((*seen.shape[:2], *shape)) / _others(self.sizes, others, part)
        return self._placed(table.reshape((*self.front, *table.shape[1:])), margin)

    def variances(self, margin: Margin) -> Floats:
        """Return the variance of a margin's cells at unit noise along the axes in front.

        An axis per dimension, of length 1 but on the ladder, where it differs by code.
        """
        others, rows = level(margin, self.ladder)
        own = np.zeros(len(rows))
        for part in below([others]):
            own += portion(self.sizes, others, part) * np.diag(rows @ self.covariances[part] @ rows.T)
        return self._placed(own.reshape((-1, *(1 for _ in others))), margin)

    def _placed(self, table: Floats, margin: Margin) -> Floats:
        """Move the axis of the ladder, which is before those of the other dimensions, to its place in the margin."""
        steps = () if self.ladder is None else (self.ladder.coarse, self.ladder.fine)
        place = next((at for at, d in enumerate(margin) if d in steps), None)
        if place is None:
            behind = sum(d not in steps for d in margin)
            return table.squeeze(axis=table.ndim - behind - 1)
        return np.moveaxis(table, table.ndim - len(margin), table.ndim - len(margin) + place)


def fit(sizes: Sequence[int], measured: Mapping[Margin, tuple[Floats, float]], ladder: Ladder | None = None) -> Fit:
    """Return the least squares fit of noisy margins.

    Args:
        sizes: number of codes by dimension.
        measured: margin → its counts, an axis per dimension behind the axes in front, and their variance.
        ladder: the dimensions of groups and codes, if there are any.
    """
    known = covariances(sizes, {margin: spread for margin, (_, spread) in measured.items()}, ladder)
    seen: dict[Margin, Floats] = {}
    front: tuple[int, ...] = ()
    for margin, (table, spread) in sorted(measured.items()):
        others, rows = level(margin, ladder)
        front = table.shape[: table.ndim - len(margin)]
        own = _to_front(table, margin, others, len(front)).reshape(
            (math.prod(front), len(rows), *_sizes(sizes, others))
        )
        for part in below([others]):
            share = _component(own, others, part) / (spread * _others(sizes, others, part))
            flat = rows.T @ share.reshape((*share.shape[:2], -1))
            seen[part] = seen[part] + flat if part in seen else flat
    return Fit(tuple(sizes), front, {part: known[part] @ flat for part, flat in seen.items()}, known, ladder)


def _to_front(table: Floats, margin: Margin, others: Margin, front: int) -> Floats:
    """Move the axis of the ladder, if the margin has it, before those of the other dimensions."""
    place = next((at for at, d in enumerate(margin) if d not in others), None)
    return table if place is None else np.moveaxis(table, front + place, front)


def _component(table: Floats, others: Margin, part: Margin) -> Floats:
    """Sum a table over the dimensions outside of `part`, and take the mean away along those in it."""
    behind = len(others)
    seen = table.sum(axis=tuple(axis - behind for axis, d in enumerate(others) if d not in part))
    for axis in range(-len(part), 0):
        seen = seen - seen.mean(axis=axis, keepdims=True)
    return np.asarray(seen)


def _sizes(sizes: Sequence[int], margin: Margin) -> tuple[int, ...]:
    return tuple(sizes[d] for d in margin)


def _others(sizes: Sequence[int], margin: Margin, part: Margin) -> int:
    """Return how many cells of `margin` a cell of `part` sums."""
    return math.prod(sizes[d] for d in margin if d not in part)
