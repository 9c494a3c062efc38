"""How far sums of people can be told: the least and the most that each can be, given all that is published.

Decides when a sum needs no further look: as soon as tables are at hand that agree with everything published and differ
by enough. Most are cleared by tables in scattered directions; the rest are bounded one by one. Solves nothing itself.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from anonymizer.attacks.knowledge import Line

__all__ = ["Bounds", "Solver", "bounds"]

_PROBES = 12
_CLOSE = 1e-6
_GOLDEN = (5**0.5 - 1) / 2

Enough = Callable[[int, float, float], bool]
"""Says of a sum, by its place, whether this least and most are far enough apart already."""


class Solver(Protocol):
    """The knowledge, taken up by an engine."""

    def furthest(self, line: Line) -> Sequence[float] | None:
        """Return people per variable where a sum is greatest, or somewhere beyond every bound; None if nowhere."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The least and the most that a sum can be; both are found tables, `sure` says that none lies beyond."""

    low: float
    high: float
    sure: bool


def bounds(sums: Sequence[Line], solver: Solver, enough: Enough) -> list[Bounds]:
    """Return the bounds of every sum, exact where they are not far enough apart; equal sums are bounded once."""
    numbers: dict[frozenset[tuple[int, float]], int] = {}
    places = [numbers.setdefault(frozenset(line.items()), len(numbers)) for line in sums]
    found = _Found([dict(line) for line in numbers])
    for direction in _directions(found.sums):
        found.consider(solver.furthest(direction))
    sure = [False] * len(numbers)
    for i, place in enumerate(places):
        if not sure[place] and not enough(i, found.low[place], found.high[place]):
            line = found.sums[place]
            found.consider(solver.furthest(line))
            found.consider(solver.furthest({variable: -times for variable, times in line.items()}))
            sure[place] = True
    lows = [low if abs(low) > _CLOSE else 0.0 for low in found.low]
    return [Bounds(lows[place], found.high[place], sure[place]) for place in places]


class _Found:
    """The least and the most that was found for every sum."""

    def __init__(self, sums: Sequence[Line]) -> None:
        self.sums = sums
        self.low, self.high = [math.inf] * len(sums), [-math.inf] * len(sums)

    def consider(self, table: Sequence[float] | None) -> None:
        """Take a table into account."""
        if table is None:
            return
        for i, line in enumerate(self.sums):
            value = math.fsum(weight * table[variable] for variable, weight in line.items())
            self.low[i], self.high[i] = min(self.low[i], value), max(self.high[i], value)


def _directions(sums: Sequence[Line]) -> Iterator[Line]:
    """Yield sums of a quarter of the sums, weighed from -1 to 1, each otherwise: multiples of the golden ratio."""
    for probe in range(_PROBES if sums else 0):
        direction: dict[int, float] = {}
        for i, line in enumerate(sums):
            weight = (i + 1) * (probe + 1) * _GOLDEN % 1.0 * 8 - 1
            for variable, times in line.items() if weight <= 1 else ():
                direction[variable] = direction.get(variable, 0.0) + weight * times
        yield direction
