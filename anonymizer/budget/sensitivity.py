"""What one person-year can change in everything that is printed about a year, and how rho is divided over the prints.

Decides the sensitivity of a table and the two ways to print a revision. Does not decide tables, windows or dates.

The unit is the person-year: neighbouring data differ in all that one person has in one year. The leaf rule bounds it:
a person has one leaf a year, and a leaf lies in one cell of a table's window. In `windows` windows of a table (m) it
is counted, a quarter and its year being two. So with rho the loss per window and print, and a Gaussian's losses adding
up as squares of what changes (Bun and Steinke 2016, lemma 2.4 and proposition 1.6):

- *One print.* 1 changes in each of m cells: L2² = m.
- *Increments.* A print of what came since the last one. A leaf is new once: 1 per window. A correction takes it out of
  one cell and puts it into another, 2 per window, and happens c times: L2² = m (1 + 2c) over all prints together. With
  a rho of its own for the first print and one for each increment, m (first + 2c·increment) is what they cost, as long
  as an increment costs no more than the first print: a leaf that is late is new in an increment.
- *Whole tables.* Every print is the whole table anew: 1 per window and print, corrected or not: L2² = m (1 + r) for
  r revisions, m (first + r·later) in rho. No bound on corrections is needed.

A revised value is the first print and all increments: their variances add up. Whole tables do not add up. So where
leaves never move (c = 0) increments are cheaper, and every print has the whole rho; where a leaf may move once or more
often, increments cost 2c a print and add up, and whole tables are better at every revision. `schedule` compares both
by their variances, which are public.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

__all__ = ["Schedule", "schedule", "squared"]


def squared(windows: int, corrections: int = 0) -> int:
    """Return the L2 sensitivity² of one table over its windows: m for one print, m (1 + 2c) over its increments."""
    return windows * (1 + 2 * corrections)


@dataclass(frozen=True, slots=True)
class Schedule:
    """How a year's rho is divided: `rhos[r]` (parts per billion) pays for print r in one window; 0 is the first print.

    `way` says what print r holds: the whole table, or what came and went since print r - 1.
    """

    way: Literal["increments", "whole"]
    rhos: tuple[int, ...]

    def spread(self, revision: int) -> Fraction:
        """Return the variance of a value in force at print `revision`, where a rho of 1 ppb has variance 1."""
        parts = self.rhos[: revision + 1] if self.way == "increments" else self.rhos[revision : revision + 1]
        return sum((Fraction(1, rho) for rho in parts), Fraction(0))


def schedule(rho: int, *, windows: int, corrections: int, shares: Sequence[Fraction]) -> Schedule:
    """Divide a year's rho over the first print and its revisions, in the way that makes the last revision better.

    Args:
        rho: what the year may cost, in parts per billion.
        windows: in how many windows of a table one leaf is counted.
        corrections: how often one leaf may move after its first print.
        shares: of `rho`, of the first print and of each revision, together at most 1. Increments of leaves that never
            move need no shares: each has all of it.
    """
    whole = Schedule("whole", tuple(int(rho * share) // windows for share in shares))
    later = int(rho * sum(shares[1:])) // (2 * corrections * windows) if corrections else rho // windows
    first = whole.rhos[0] if corrections else later
    increments = Schedule("increments", (first, *(min(first, later),) * (len(shares) - 1)))
    return min(whole, increments, key=lambda one: (one.spread(len(shares) - 1), one.spread(0)))
