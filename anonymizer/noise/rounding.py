"""Rounding to the published grid, such that every sum stays exact.

Purpose: estimates are consistent as real numbers; rounded one by one they would not be. All margins of a population are
rounded from the total downwards, each within the margins below it, so that codes add up to their total in every table,
and tables agree on what they share.
Called by: `anonymizer.noise.published_margins`.

Invariants:
- The sum of a rounded margin along any dimension is the rounded margin without that dimension.
- A value moves by less than 2^k half units of the grid for a margin of k dimensions, besides what its sums were moved
  by.
- The same estimates give the same numbers: values that differ by less than a millionth of a unit are rounded alike.

A table whose sums along every dimension are whole is rounded by its cumulative sums: these are rounded, and taken apart
again by differences. A cumulative sum that reaches the end of a dimension is whole already, so the sums stay what they
are, whatever the number of dimensions; controlled rounding to the next whole number (Causey, Cox and Ernst 1985) has no
solution for some tables of three dimensions.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from anonymizer.noise.least_squares import Floats, Ladder, Margin

__all__ = ["UNITS", "Units", "rounded"]

UNITS: Final = 10
"""Units of the published grid in one person."""

Units = npt.NDArray[np.int64]

_DIGITS: Final = 6


def rounded(estimates: Mapping[Margin, Floats], ladder: Ladder | None = None) -> dict[Margin, Units]:
    """Round consistent estimates, in persons, to whole units of the grid.

    Args:
        estimates: margin → values, an axis per dimension behind any axes in front, which are rounded each by itself;
            with a margin all its own margins, as far as any are published.
        ladder: the dimensions of groups and codes, if both are shown: the codes of a group stand side by side.

    Returns:
        Margin → values in units of a tenth of a person.
    """
    done: dict[Margin, Units] = {}
    for margin in sorted(estimates, key=lambda m: (len(m), m)):
        wanted = estimates[margin] * UNITS
        moved = np.zeros_like(wanted)
        # The sums along one dimension after the other: what is left to move afterwards is moved within those before.
        for place in range(len(margin)):
            lower, starts = _sums_of(margin, place, ladder, estimates)
            if lower is not None:
                moved = moved + _moved(moved, done[lower] - estimates[lower] * UNITS, place - len(margin), starts)
        done[margin] = _whole(wanted + moved, len(margin))
    return done


def _sums_of(
    margin: Margin, place: int, ladder: Ladder | None, published: Mapping[Margin, Floats]
) -> tuple[Margin | None, list[int]]:
    """Return the margin that sums another one along one dimension, and where the groups of codes begin that it sums."""
    lower = margin[:place] + margin[place + 1 :]
    if ladder is not None and margin[place] == ladder.fine:
        by_group = tuple(sorted((*lower, ladder.coarse)))
        if by_group in published:
            return by_group, [at for at, group in enumerate(ladder.groups) if ladder.groups.index(group) == at]
    return (lower if lower in published else None), [0]


def _moved(moved: Floats, due: Floats, axis: int, starts: list[int]) -> Floats:
    """Return what to add to a table so that the sums of its groups along an axis grow by `due`.

    What a group lacks is spread equally over its codes.
    """
    lengths = np.diff([*starts, moved.shape[axis]])
    # A margin of groups has an axis for them, and one that sums all codes has none.
    wanted = due if due.ndim == moved.ndim else np.expand_dims(due, axis)
    left = wanted - np.add.reduceat(moved, starts, axis=axis)
    shape = [1] * moved.ndim
    shape[axis] = -1
    return np.repeat(left / lengths.reshape(shape), lengths, axis=axis)


def _whole(table: Floats, behind: int) -> Units:
    """Round a table whose sums along each of the last `behind` axes are whole."""
    sums = table
    for axis in range(-behind, 0):
        sums = np.cumsum(sums, axis=axis)
    whole = np.floor(np.round(sums, _DIGITS) + 0.5)
    for axis in range(-behind, 0):
        whole = np.diff(whole, axis=axis, prepend=0)
    return whole.astype(np.int64)
