"""One table under differential privacy: exact counts in, one draw, published cells with their uncertainty out.

Purpose: it decides which margins are measured, and how a draw becomes published numbers.

1. The caller charges rho (`anonymizer.budget`).
2. `measure` draws once; the caller stores the draw before anything else happens.
3. `read` computes the published cells from the draw.

Called by: `amana protect` (`release`, which does 2 and 3), for a table of its own; the tables of a policy are measured
as one workload (`anonymizer.noise.workload`).

Invariants:
- Every combination of codes is measured, zeros included: a key that appeared only when somebody has it would be a
  disclosure, and so would a zero without noise. No count is compared with a threshold.
- Each published margin is measured with an equal part of rho. Measuring only the elementary cells with all of rho is
  worse as soon as the margins are solved together, whatever the sizes, and far worse with a long dimension.
- All numbers come from one draw by weighted least squares: totals are not sums of rounded or truncated numbers.
- Only `display` is truncated: rounded, at least 0, and blank below two standard deviations of the noisy value.

The room is apart from `anonymizer.budget`, which counts in integers and needs no arrays: the owner of the budget starts
without loading them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any, Final, Self

import numpy as np

from anonymizer.budget.accounting import variance_of
from anonymizer.noise.least_squares import Fit, Margin, below, fit
from anonymizer.noise.sampler import Counts, Sampler
from schemas.errors import DisclosureError
from schemas.identifiers import Rho
from schemas.trend import TOTAL

__all__ = ["Z90", "Draw", "NoisyRow", "display_value", "measure", "read", "release"]

Z90: Final = 1.6448536269514722
"""Half the width of a 90 % interval, in standard deviations of a normal variable."""
_BLANK_BELOW: Final = 2  # standard deviations


@dataclass(frozen=True, slots=True)
class NoisyRow:
    """One published cell: a code per dimension (`_T` is the total), an unbiased signed value, its sd and 90 % interval.

    All in persons. `display` is for people: None where the value is less than two sd.
    """

    codes: tuple[str, ...]
    value: float
    sd: float
    lo90: float
    hi90: float
    display: int | None

    @classmethod
    def of(cls, codes: tuple[str, ...], value: float, sd: float) -> Self:
        """Complete a cell from its value and sd."""
        lo, hi = (round(value + sign * Z90 * sd, 6) for sign in (-1, 1))  # a millionth: the same on every machine
        return cls(codes, round(value, 6), round(sd, 6), lo, hi, display_value(value, sd))


def display_value(value: float, sd: float) -> int | None:
    """Return the display value."""
    return None if value < _BLANK_BELOW * sd else max(0, round(value))


@dataclass(frozen=True, slots=True)
class Draw:
    """A raw draw: noisy counts of the measured margins with the variance of each; everything else follows from it.

    `codes` holds the code list of each dimension; `margins` are published; `measured` maps margin → (counts, variance).
    """

    dims: tuple[str, ...]
    codes: tuple[tuple[str, ...], ...]
    margins: tuple[Margin, ...]
    measured: Mapping[Margin, tuple[Counts, Fraction]]
    engine: str

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of codes by dimension."""
        return tuple(len(codes) for codes in self.codes)

    @property
    def fit(self) -> Fit:
        """The consistent table behind the measured margins."""
        noisy = {m: (counts.astype(np.float64), float(spread)) for m, (counts, spread) in self.measured.items()}
        return fit(self.sizes, noisy)

    def record(self) -> dict[str, Any]:
        """Return plain values for JSON; `Draw.of` reads them back."""
        measured = [[m, str(spread), counts.ravel().tolist()] for m, (counts, spread) in sorted(self.measured.items())]
        plain = {"dims": self.dims, "codes": self.codes, "margins": self.margins, "engine": self.engine}
        return {**plain, "measured": measured}

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Self:
        """Read a record back."""
        codes = tuple(map(tuple, record["codes"]))
        measured = {}
        for places, spread, counts in record["measured"]:
            shape = tuple(len(codes[d]) for d in places)
            measured[tuple(places)] = np.array(counts, np.int64).reshape(shape), Fraction(spread)
        return cls(tuple(record["dims"]), codes, tuple(map(tuple, record["margins"])), measured, record["engine"])


def measure(  # noqa: PLR0913, PLR0917 - the terms of one draw
    counts: Mapping[tuple[str, ...], int],
    dims: Sequence[str],
    margins: Sequence[tuple[str, ...]],
    rho: Rho,
    m: int,
    sampler: Sampler,
    rows: int = 1,
) -> Draw:
    """Draw once for a table, which was charged before; the caller stores the draw before anything else happens.

    Args:
        counts: persons (or changes of persons) by one code per dimension; every combination of codes, zeros included.
        dims: names of the dimensions, in the order of the codes.
        margins: the published margins, each a tuple of dimensions; all their own margins come with them.
        rho: the cost of the draw to a person-year.
        m: the number of windows paid for by `rho` in which one person is counted: the squared L2 sensitivity.
        sampler: draws the noise.
        rows: elementary cells of a window in which one person may be counted.

    Raises:
        DisclosureError: DIS-030, the keys are not every combination of codes; DIS-031, a margin names no dimension of
            the table, or rho is too little to be divided.
    """
    codes = tuple(tuple(sorted({key[d] for key in counts})) for d in range(len(dims)))
    keys = list(product(*codes))
    if not counts or len(keys) != len(counts) or any(len(key) != len(dims) for key in counts):
        raise DisclosureError("DIS-030", "the keys are not every combination of codes: zeros must be there, and noised")
    exact = np.array([counts[key] for key in keys], np.int64).reshape([len(axis) for axis in codes])
    unknown = {name for margin in margins for name in margin} - set(dims)
    if unknown or not margins:
        raise DisclosureError("DIS-031", f"no margins, or margins over names that are no dimension: {sorted(unknown)}")
    # The margins as sorted positions of their dimensions, each once.
    places = tuple(dict.fromkeys(tuple(sorted(dims.index(name) for name in set(margin))) for margin in margins))
    if rho < len(places):
        raise DisclosureError("DIS-031", "the budget is too small to be divided over so many margins")
    measured = {}
    for margin in sorted(places):
        # Each margin has an equal part of rho: a person is in every one of them, so their losses add up.
        spread = variance_of(m * _repeated(codes, margin, rows), rho // len(places))
        table = exact.sum(axis=tuple(axis for axis in range(len(dims)) if axis not in margin))
        measured[margin] = sampler(table.ravel(), spread).reshape(table.shape), spread
    return Draw(tuple(dims), codes, places, measured, sampler.version)


def _repeated(codes: Sequence[Sequence[str]], margin: Margin, rows: int) -> int:
    """Return the squared L2 change of a margin by one person in so many elementary cells of the table.

    The worst case has as many of them in one cell of the margin as that cell sums.
    """
    summed = math.prod(len(names) for d, names in enumerate(codes) if d not in margin)
    whole, rest = divmod(rows, summed)
    return whole * summed**2 + rest**2


def read(draw: Draw) -> tuple[NoisyRow, ...]:
    """Return the published cells of a draw: its margins and all of theirs, smallest first, each sorted by codes."""
    solved = draw.fit
    rows: list[NoisyRow] = []
    for margin in below(draw.margins):
        sd = math.sqrt(solved.variances(margin).item())
        # the order of `product` is that of a flattened array
        named = product(*(draw.codes[d] if d in margin else (TOTAL,) for d in range(len(draw.dims))))
        values = solved.values(margin).ravel()
        rows += [NoisyRow.of(codes, float(value), sd) for codes, value in zip(named, values, strict=True)]
    return tuple(rows)


def release(  # noqa: PLR0913, PLR0917 - the terms of one draw
    counts: Mapping[tuple[str, ...], int],
    dims: Sequence[str],
    margins: Sequence[tuple[str, ...]],
    rho: Rho,
    m: int,
    sampler: Sampler,
    rows: int = 1,
) -> tuple[NoisyRow, ...]:
    """Draw once and return the published cells: `measure`, then `read`; arguments and errors as there."""
    return read(measure(counts, dims, margins, rho, m, sampler, rows))
