"""Which dimensions an attacker counts together: the leaves of one large cross, or of several small ones that agree.

Decides that tables over a few dimensions each need no leaf for every combination of all of them: where the sets of
dimensions form a tree, small tables that agree on what they share are always the sums of some large one, so nothing is
lost. Where they do not, or the cross is small, it is counted whole.

Source: Vorob'ev (1962), consistent families of measures; Graham (1979) for the reduction that finds the tree.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from anonymizer.attacks.published_tables import PublishedTable
from schemas.trend import TOTAL

__all__ = ["Families", "families_of"]

_WHOLE = 1_000  # leaves that are counted whole

Dims = frozenset[str]


@dataclass(frozen=True, slots=True)
class Families:
    """Sets of dimensions, and pairs of them that must agree on what they share."""

    sets: tuple[Dims, ...]
    links: tuple[tuple[Dims, Dims], ...] = ()

    def holding(self, dims: Dims) -> Dims:
        """Return the first set that has all of these dimensions."""
        return next(one for one in self.sets if dims <= one)


def families_of(tables: Sequence[PublishedTable]) -> Families:
    """Return what tables with the same dimensions are counted by."""
    every = frozenset(tables[0].dims)
    if max(math.prod(len(table.universe[d]) for d in every) for table in tables) <= _WHOLE:
        return Families((every,))
    own = frozenset(d for d in every if len({table.universe[d] for table in tables}) > 1)
    shown = {
        own.union(d for d, c in zip(t.dims, cell.codes, strict=True) if c != TOTAL) for t in tables for cell in t.cells
    }
    widest = sorted((one for one in shown if not any(one < other for other in shown)), key=sorted)
    links = _tree(widest)
    return Families((every,)) if links is None else Families(tuple(widest), links)


def _tree(sets: Sequence[Dims]) -> tuple[tuple[Dims, Dims], ...] | None:
    """Take ears off until one set is left: an ear shares with all others what it shares with one; None if none is."""
    left, links = list(sets), []
    while len(left) > 1:
        ear = next(((one, other) for one in left for other in left if one != other and _is_ear(one, other, left)), None)
        if ear is None:
            return None
        links.append(ear)
        left.remove(ear[0])
    return tuple(links)


def _is_ear(one: Dims, other: Dims, left: Sequence[Dims]) -> bool:
    shared = one & frozenset().union(*(third for third in left if third != one))
    return shared <= other
