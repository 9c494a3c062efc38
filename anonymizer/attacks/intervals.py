"""Feasibility intervals: the least and the most that sums of people can be, given everything published.

Purpose: it decides when a sum needs no further program: as soon as tables are at hand that agree with everything
published and differ by enough.

1. Most sums are cleared some at a time, by tables in which all of them are small, or all of them large.
2. The rest are bounded one by one.

Programs are solved by a `BoundsSolver`.

Called by: `exact`.

Invariants:
- An interval is exact where it was not found to be far enough apart; every other one may be wider still.
- Equal sums are bounded once.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from anonymizer.attacks.knowledge import LinearForm

__all__ = ["Bounds", "BoundsSolver", "bounds"]

_AT_ONCE = (512, 128, 32)  # sums that one table is asked for; fewer if that was not enough for some of them
_CLOSE = 1e-6

Enough = Callable[[int, float, float], bool]
"""(Position of a sum, least, most) → True if they are far enough apart."""


class BoundsSolver(Protocol):
    """The equations, loaded by an engine."""

    def furthest(self, line: LinearForm) -> Sequence[float] | None:
        """Return a table (people per variable) where a sum is greatest or beyond every bound; None if there is none."""

    def many(self, lines: Sequence[LinearForm], far: float) -> Sequence[float] | None:
        """Return a table in which sums are large together, none counted beyond `far`; None if there is none."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The least and the most that a sum was found to be; exact for a sum that was bounded by itself."""

    low: float
    high: float


def bounds(sums: Sequence[LinearForm], solver: BoundsSolver, enough: Enough, far: float) -> list[Bounds]:
    """Return the bounds of every sum, exact where they are not far enough apart; equal sums are bounded once.

    Args:
        sums: the sums to bound, each as variable → times.
        solver: the published equations, loaded.
        enough: tells whether an interval is wide enough.
        far: persons beyond which it makes no difference how large a sum can be.
    """
    numbers: dict[frozenset[tuple[int, float]], int] = {}
    places = [numbers.setdefault(frozenset(line.items()), len(numbers)) for line in sums]
    intervals = _Intervals([dict(line) for line in numbers])

    def _is_open(place: int) -> bool:
        low, high = intervals.low[place], intervals.high[place]
        return low > high or any(not enough(i, low, high) for i in askers[place])

    askers: list[list[int]] = [[] for _ in numbers]
    for i, place in enumerate(places):
        askers[place].append(i)
    # 1. Some at a time.
    for size in _AT_ONCE if sums else ():
        waiting = [place for place in range(len(numbers)) if _is_open(place)]
        for start in range(0, len(waiting), size):
            # Asked anew: a table for other sums may have closed some of these.
            intervals.push(solver, [place for place in waiting[start : start + size] if _is_open(place)], far)
    # 2. One by one.
    for place in (place for place in range(len(numbers)) if _is_open(place)):
        line = intervals.sums[place]
        intervals.consider(solver.furthest(line))
        intervals.consider(solver.furthest(_negative(line)))
    lows = [low if abs(low) > _CLOSE else 0.0 for low in intervals.low]
    return [Bounds(lows[place], intervals.high[place]) for place in places]


class _Intervals:
    """The least and the most found so far for every sum."""

    def __init__(self, sums: Sequence[LinearForm]) -> None:
        self.sums = sums
        self.low, self.high = [math.inf] * len(sums), [-math.inf] * len(sums)

    def push(self, solver: BoundsSolver, chosen: Sequence[int], far: float) -> None:
        """Search a table in which the chosen sums are small, and one in which they are large."""
        if not chosen:
            return
        together: LinearForm = {}
        for place in chosen:
            for variable, times in self.sums[place].items():
                together[variable] = together.get(variable, 0.0) + times
        self.consider(solver.furthest(_negative(together)))
        self.consider(solver.many([self.sums[place] for place in chosen], far))

    def consider(self, table: Sequence[float] | None) -> None:
        """Widen every interval by the sums of a table: it agrees with everything published."""
        if table is None:
            return
        for i, line in enumerate(self.sums):
            value = math.fsum(weight * table[variable] for variable, weight in line.items())
            self.low[i], self.high[i] = min(self.low[i], value), max(self.high[i], value)


def _negative(line: LinearForm) -> LinearForm:
    return {variable: -times for variable, times in line.items()}
