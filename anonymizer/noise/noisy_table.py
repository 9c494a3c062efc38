"""One table under differential privacy: exact counts in, one draw, published cells with their uncertainty out.

Decides what is measured and how a draw becomes numbers. Does not decide what may be spent (`anonymizer.budget`), does
not draw (`anonymizer.noise.sampler` is handed in) and keeps nothing: whoever calls charges first and stores the draw.

- The key universe is every combination of codes, zeros included: a key that only appears when somebody has it would
  be a disclosure, and a zero without noise too. No count is compared with any threshold.
- What is published is what is measured, each margin with an equal part of rho. Measuring the leaves with all of it is
  worse as soon as the margins are solved together, whatever the sizes; with a long dimension it is far worse.
- All numbers come from one draw by weighted least squares: totals are not sums of what was rounded or cut off.
- `display` alone is cut: rounded, at least 0, and blank below two standard deviations of the noisy value.

It lives beside `anonymizer.tabular`, not in `anonymizer.budget`: the budget is integers and needs no arrays, and the
ledger's owner starts without them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any, Final, Self

import numpy as np

from anonymizer.budget.accounting import variance_of
from anonymizer.budget.sensitivity import squared
from anonymizer.noise.least_squares import Fit, Margin, below, fit
from anonymizer.noise.sampler import Counts, Sampler
from schemas.errors import DisclosureError
from schemas.trend import TOTAL

__all__ = ["Z90", "Draw", "NoisyRow", "display_value", "in_force", "measure", "read", "release"]

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
    """What was drawn, raw: noisy counts of the measured margins, with the variance of each; all else follows from it.

    `codes` are the universe, by dimension; `margins` what is published; `measured` maps margin → (counts, variance).
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


def measure(
    counts: Mapping[tuple[str, ...], int],
    dims: Sequence[str],
    margins: Sequence[tuple[str, ...]],
    rho: int,
    m: int,
    sampler: Sampler,
) -> Draw:
    """Draw once for a table; the caller has charged `rho` before and stores the draw before anything else happens.

    Args:
        counts: persons (or changes of persons) by one code per dimension; every combination of codes, zeros included.
        dims: names of the dimensions, in the order of the codes.
        margins: what is published, each a tuple of dimensions; all their own margins come with them.
        rho: what the draw costs a person-year, in parts per billion.
        m: in how many windows that this `rho` pays for one leaf is counted: the L2 sensitivity² of the table.
        sampler: draws the noise.

    Raises:
        DisclosureError: DIS-030, the keys are not every combination of codes; DIS-031, a margin names no dimension of
            the table, or rho is too little to be divided.
    """
    exact, codes = _tabulated(counts, len(dims))
    places = _places(dims, margins)
    if rho < len(places):
        raise DisclosureError("DIS-031", "the budget is too small to be divided over so many margins")
    spread = variance_of(squared(m), rho // len(places))  # a leaf is in one cell of every margin, so margins add up
    measured = {}
    for margin in sorted(places):
        table = exact.sum(axis=tuple(axis for axis in range(len(dims)) if axis not in margin))
        measured[margin] = sampler(table.ravel(), spread).reshape(table.shape), spread
    return Draw(tuple(dims), codes, places, measured, sampler.version)


def read(draw: Draw) -> tuple[NoisyRow, ...]:
    """Return the published cells of a draw: its margins, their margins, the total; sorted by codes within each."""
    solved = draw.fit
    return tuple(row for margin in below(draw.margins) for row in _rows(draw, solved, margin))


def release(
    counts: Mapping[tuple[str, ...], int],
    dims: Sequence[str],
    margins: Sequence[tuple[str, ...]],
    rho: int,
    m: int,
    sampler: Sampler,
) -> tuple[NoisyRow, ...]:
    """Draw once and return the published cells: `measure`, then `read`; arguments and errors as there."""
    return read(measure(counts, dims, margins, rho, m, sampler))


def in_force(prints: Sequence[Sequence[NoisyRow]]) -> tuple[NoisyRow, ...]:
    """Return the cells in force after a first print and its increments: values add up, and so do variances."""
    return tuple(
        NoisyRow.of(cell[0].codes, sum(row.value for row in cell), float(np.sqrt(sum(row.sd**2 for row in cell))))
        for cell in zip(*prints, strict=True)
    )


def _rows(draw: Draw, solved: Fit, margin: Margin) -> list[NoisyRow]:
    sd = solved.deviation(margin)
    named = product(*(draw.codes[d] if d in margin else (TOTAL,) for d in range(len(draw.dims))))
    return [NoisyRow.of(codes, float(v), sd) for codes, v in zip(named, solved.values(margin).ravel(), strict=True)]


def _tabulated(counts: Mapping[tuple[str, ...], int], width: int) -> tuple[Counts, tuple[tuple[str, ...], ...]]:
    codes = tuple(tuple(sorted({key[d] for key in counts})) for d in range(width))
    keys = list(product(*codes))
    if not counts or len(keys) != len(counts) or any(len(key) != width for key in counts):
        raise DisclosureError("DIS-030", "the keys are not every combination of codes: zeros must be there, and noised")
    return np.array([counts[key] for key in keys], np.int64).reshape([len(one) for one in codes]), codes


def _places(dims: Sequence[str], margins: Sequence[tuple[str, ...]]) -> tuple[Margin, ...]:
    unknown = {name for margin in margins for name in margin} - set(dims)
    if unknown or not margins:
        raise DisclosureError("DIS-031", f"no margins, or margins over what is no dimension: {sorted(unknown)}")
    return tuple(dict.fromkeys(tuple(sorted(dims.index(name) for name in set(margin))) for margin in margins))
