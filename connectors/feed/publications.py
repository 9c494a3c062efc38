"""Publications: the releases in which each window of each population was printed, out of the released rows.

Purpose: say in which releases the events of a period were considered. It follows from released rows alone, which
everybody may read: of an event, an agency knows the date, and so the windows.
Called by: `amana notices released`, tests.

Invariants:
- Whether a person was counted, and by whose record, is neither read nor said.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from schemas.trend import TrendRow

__all__ = ["WindowPrint", "publications"]


@dataclass(frozen=True, slots=True, order=True)
class WindowPrint:
    """One print of one window of a population.

    Args:
        population: Its id.
        period: The window, `2024-Q1` or `2024`.
        revision: 0 for the first print.
        release: Id of the release.
        as_of: Date of the calendar on which it was released.
    """

    population: str
    period: str
    revision: int
    release: str
    as_of: str


def publications(rows: Iterable[TrendRow]) -> tuple[WindowPrint, ...]:
    """Return the prints of every window that has a released row, by population, period and revision."""
    return tuple(sorted({WindowPrint(r.population, r.period, r.revision, r.release, r.as_of) for r in rows}))
