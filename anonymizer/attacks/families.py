"""Families of dimensions: the elementary cells in which an attacker counts.

Purpose: tables over a few dimensions each do not need an elementary cell for every combination of all dimensions. If
the sets of dimensions form a tree, small tables that agree on what they share are always the margins of some large
table, so nothing is lost. If they do not, or if the cross is small, the whole cross is counted.
Called by: `knowledge`.

Invariants:
- Every dimension set that a table shows lies within one family.
- Dimensions with other codes in other tables are in every family.

Source: Vorob'ev (1962), consistent families of measures; Graham (1979) for the reduction that finds the tree.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from anonymizer.attacks.published_tables import PublishedTable
from schemas.trend import TOTAL

__all__ = ["Families", "families_of"]

_WHOLE = 1_000  # elementary cells up to which the whole cross is counted

Dims = frozenset[str]


@dataclass(frozen=True, slots=True)
class Families:
    """Sets of dimensions, and pairs of them that must agree on what they share."""

    sets: tuple[Dims, ...]
    links: tuple[tuple[Dims, Dims], ...] = ()

    def holding(self, dims: Dims) -> Dims:
        """Return the first set that has all of these dimensions."""
        return next(dimensions for dimensions in self.sets if dims <= dimensions)


def families_of(tables: Sequence[PublishedTable]) -> Families:
    """Return the families of tables that have the same dimensions."""
    every = frozenset(tables[0].dims)
    if max(math.prod(len(table.universe[d]) for d in every) for table in tables) <= _WHOLE:
        return Families((every,))
    # Dimensions with other codes in other tables tell whose people these are, so every set has them.
    own = frozenset(d for d in every if len({table.universe[d] for table in tables}) > 1)
    shown = {
        own.union(d for d, c in zip(t.dims, cell.codes, strict=True) if c != TOTAL) for t in tables for cell in t.cells
    }
    widest = sorted((dims for dims in shown if not any(dims < other for other in shown)), key=sorted)
    links = _tree(widest)
    return Families((every,)) if links is None else Families(tuple(widest), links)


def _tree(sets: Sequence[Dims]) -> tuple[tuple[Dims, Dims], ...] | None:
    """Return the links of a junction tree, None if the sets form none."""
    # Graham reduction: an ear shares with all others no more than with one of them, its neighbour; take ears off until
    # one set is left.
    left, links = list(sets), []
    while len(left) > 1:
        shared = {dims: dims & frozenset().union(*(other for other in left if other != dims)) for dims in left}
        ear = next(((dims, other) for dims in left for other in left if dims != other and shared[dims] <= other), None)
        if ear is None:
            return None
        links.append(ear)
        left.remove(ear[0])
    return tuple(links)
