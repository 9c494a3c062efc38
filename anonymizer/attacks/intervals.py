"""How far sums of people can be told: the least and the most that each can be, given all that is published.

Decides when a sum needs no further look: as soon as tables are at hand that agree with everything published and differ
by enough. Most are cleared some at a time, by tables in which all of them are small or all of them large; the rest are
bounded one by one. Solves nothing itself.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from anonymizer.attacks.knowledge import LinearForm

__all__ = ["Bounds", "BoundsSolver", "bounds"]

_AT_ONCE = (512, 128, 32)  # sums that one table is asked for, where it is not enough for some of them
_CLOSE = 1e-6

Enough = Callable[[int, float, float], bool]
"""Says of a sum, by its place, whether this least and most are far enough apart already."""


class BoundsSolver(Protocol):
    """The knowledge, taken up by an engine."""

    def furthest(self, line: LinearForm) -> Sequence[float] | None:
        """Return people per variable where a sum is greatest, or somewhere beyond every bound; None if nowhere."""

    def many(self, lines: Sequence[LinearForm], far: float) -> Sequence[float] | None:
        """Return people per variable where sums are large together, none counted beyond `far`; None if nowhere."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The least and the most that a sum is known to be able to be: nothing lies beyond where it was not enough."""

    low: float
    high: float


def bounds(sums: Sequence[LinearForm], solver: BoundsSolver, enough: Enough, far: float) -> list[Bounds]:
    """Return the bounds of every sum, exact where they are not far enough apart; equal sums are bounded once.

    Args:
        sums: what is to be bounded.
        solver: what is known.
        enough: where a look further is not needed.
        far: persons beyond which it makes no difference how large a sum can be.
    """
    numbers: dict[frozenset[tuple[int, float]], int] = {}
    places = [numbers.setdefault(frozenset(line.items()), len(numbers)) for line in sums]
    found = _Found([dict(line) for line in numbers])

    def is_open(place: int) -> bool:
        low, high = found.low[place], found.high[place]
        return low > high or any(not enough(i, low, high) for i in askers[place])

    askers: list[list[int]] = [[] for _ in numbers]
    for i, place in enumerate(places):
        askers[place].append(i)
    for size in _AT_ONCE if sums else ():
        for chosen in _batches([place for place in range(len(numbers)) if is_open(place)], size):
            found.push(solver, [place for place in chosen if is_open(place)], far)
    for place in (place for place in range(len(numbers)) if is_open(place)):
        line = found.sums[place]
        found.consider(solver.furthest(line))
        found.consider(solver.furthest(_negative(line)))
    lows = [low if abs(low) > _CLOSE else 0.0 for low in found.low]
    return [Bounds(lows[place], found.high[place]) for place in places]


class _Found:
    """The least and the most that was found for every sum."""

    def __init__(self, sums: Sequence[LinearForm]) -> None:
        self.sums = sums
        self.low, self.high = [math.inf] * len(sums), [-math.inf] * len(sums)

    def push(self, solver: BoundsSolver, chosen: Sequence[int], far: float) -> None:
        """Look for a table in which the chosen sums are small, and for one in which they are large."""
        if not chosen:
            return
        together: LinearForm = {}
        for place in chosen:
            for variable, times in self.sums[place].items():
                together[variable] = together.get(variable, 0.0) + times
        self.consider(solver.furthest(_negative(together)))
        self.consider(solver.many([self.sums[place] for place in chosen], far))

    def consider(self, table: Sequence[float] | None) -> None:
        """Take a table into account."""
        if table is None:
            return
        for i, line in enumerate(self.sums):
            value = math.fsum(weight * table[variable] for variable, weight in line.items())
            self.low[i], self.high[i] = min(self.low[i], value), max(self.high[i], value)


def _negative(line: LinearForm) -> LinearForm:
    return {variable: -times for variable, times in line.items()}


def _batches(places: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(places), size):
        yield places[start : start + size]
