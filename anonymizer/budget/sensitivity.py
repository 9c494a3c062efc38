"""Sensitivity of everything that is published about a year, and the division of the year's rho over publications.

Purpose: it computes how much one person-year can change the publications of a year, and chooses between two ways to
publish a revision: increments, or whole tables.
Called by: `streams.core.releasing.dp_release` and `anonymizer.noise`. Tables, windows and dates come from the policy.

The unit is the person-year: neighbouring data sets differ in everything that one person has in one year. A person has
one representative event a year, which lies in one cell of a table in each of m windows (a quarter and its year: m is
2). Losses of a Gaussian add up as the squares of the changes (Bun and Steinke 2016, lemma 2.4 and proposition 1.6). In
the following, c is the number of corrections, r the number of revisions:

| way | one person-year changes | squared L2 sensitivity | cost in rho |
|---|---|---|---|
| one publication | 1 in each of m cells | m | m · first |
| increments | 1 per window when new, 2 per window and correction | m (1 + 2c) | m (first + 2c · increment) |
| whole tables | 1 per window and publication, corrected or not | m (1 + r) | m (first + r · later) |

Invariants:
- An increment costs no more than the first publication: an event that is late is new in an increment.
- Whole tables need no bound on corrections; increments do.

A value in force is the sum of the first publication and all increments, so their variances add up; those of whole
tables do not. If events never move (c = 0), increments are better, and each has the whole rho. If an event may move,
whole tables are better at every revision. `schedule` compares the variances of both ways, which are public.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from schemas.identifiers import Rho

__all__ = ["Schedule", "schedule", "squared"]


def squared(windows: int, corrections: int = 0) -> int:
    """Return the squared L2 sensitivity of one table: m for one publication, m (1 + 2c) over its increments."""
    return windows * (1 + 2 * corrections)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The division of a year's rho: `rhos[r]` pays for publication r in one window; publication 0 is the first.

    `way` says what publication r holds: the whole table, or the changes since publication r - 1.
    """

    way: Literal["increments", "whole"]
    rhos: tuple[Rho, ...]

    def spread(self, revision: int) -> Fraction:
        """Return the variance of a value in force at publication `revision`, relative to that of a rho of 1 ppb."""
        parts = self.rhos[: revision + 1] if self.way == "increments" else self.rhos[revision : revision + 1]
        return sum((Fraction(1, rho) for rho in parts), Fraction(0))


def schedule(rho: Rho, *, windows: int, corrections: int, shares: Sequence[Fraction]) -> Schedule:
    """Divide a year's rho over the first publication and its revisions, in the way that makes the last revision better.

    Args:
        rho: the privacy loss that the year may cost.
        windows: the number of windows of a table in which one event is counted.
        corrections: how often one event may move after its first publication.
        shares: the shares of `rho` of the first publication and of each revision, together at most 1. Increments of
            events that never move need no shares: each has the whole rho.
    """
    whole = Schedule("whole", tuple(Rho(int(rho * share) // windows) for share in shares))
    # Rounded down everywhere, so that all publications together never cost more than `rho`.
    later = int(rho * sum(shares[1:])) // (2 * corrections * windows) if corrections else rho // windows
    first = whole.rhos[0] if corrections else later
    increments = Schedule("increments", (Rho(first), *(Rho(min(first, later)),) * (len(shares) - 1)))
    return min(whole, increments, key=lambda way: (way.spread(len(shares) - 1), way.spread(0)))
