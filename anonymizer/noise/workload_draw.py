"""One draw of a window: exact counts in, noisy measurements out, which are stored and read back.

Purpose: it decides in which units a window is measured, and what its measurements cost.

1. The caller charges the window's rho (`anonymizer.budget`).
2. `measure` draws once; the caller stores the draw before anything else happens.
3. `WindowDraw.of` reads the stored draw; `published_margins` computes the published values from it.

Called by: `streams.core.releasing.dp_release`; `published_margins` reads draws.

Invariants:
- Every place and combination of codes is measured, zeros included. No count is compared with a threshold.
- Measurements are whole numbers: coefficients of places are 256ths, and a code of a person with more codes than count
  in full is counted in 256ths, rounded down. What one person adds to a margin is therefore bounded exactly, and so is
  the charge (`WindowDraw.charge`).
- A draw holds the coefficients and the code lists that it was measured with: reading it needs no policy.

Sources: Bun and Steinke (2016) for the cost of Gaussian noise; Canonne, Kamath and Steinke (2020) for whole numbers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import Any, Self

import numpy as np

from anonymizer.budget.accounting import charge_of, variance_of
from anonymizer.noise.least_squares import Fit, Ladder, Margin, fit
from anonymizer.noise.place_strategy import GRID, MOST_SQUARES, PlaceStrategy, Whole
from anonymizer.noise.sampler import Sampler
from anonymizer.noise.workload import PlannedSystem, PlannedWindow
from schemas.errors import DisclosureError
from schemas.identifiers import Rho

__all__ = ["Counts", "DrawnSystem", "WindowDraw", "measure", "part_of_code", "unit_of"]

Counts = Callable[[int, PlannedSystem, Margin], Whole]
"""Block, system and margin → exact counts in the system's unit: an axis of places, then one per dimension."""


def unit_of(system: PlannedSystem) -> int:
    """Return how many units of a system's counts are one person."""
    return GRID if system.several else 1


def part_of_code(codes: int, bound: int) -> int:
    """Return what each code of a person counts, in units of a system: less where she has more codes than `bound`.

    The squares of all her codes add up to no more than `bound` persons.
    """
    return isqrt(MOST_SQUARES * bound // codes) if codes > bound else GRID


@dataclass(frozen=True, slots=True, eq=False)
class DrawnSystem:
    """One system of a draw: what it was measured with, and block → margin → (noisy measurements, their variance)."""

    dims: tuple[str, ...]
    codes: tuple[tuple[str, ...], ...]
    tables: tuple[Margin, ...]
    several: str
    bound: int
    ladder: Ladder | None
    blocks: tuple[Mapping[Margin, tuple[Whole, Fraction]], ...]

    @property
    def unit(self) -> int:
        """Units of a measurement in one person."""
        return GRID * (GRID if self.several else 1)

    @property
    def squared(self) -> int:
        """The squared L2 norm of what one person adds to a measured margin, at most, in units."""
        return MOST_SQUARES * self.bound * (self.unit // GRID) ** 2

    def fit(self, block: int, strategy: PlaceStrategy) -> Fit:
        """Return the consistent table behind one block's measurements, with an axis of places in front."""
        inverse = strategy.inverse
        measured = {
            margin: (np.tensordot(inverse, noisy / self.unit, axes=1), float(spread) / self.unit**2)
            for margin, (noisy, spread) in self.blocks[block].items()
        }
        return fit(tuple(map(len, self.codes)), measured, self.ladder)


@dataclass(frozen=True, slots=True, eq=False)
class WindowDraw:
    """A raw draw of one window; everything that is published follows from it."""

    places: tuple[str, ...]
    strategy: PlaceStrategy
    systems: tuple[DrawnSystem, ...]
    engine: str

    @property
    def charge(self) -> Rho:
        """The cost of the draw to one person-year, rounded up: blocks hold different people, margins add up."""
        return Rho(
            max(
                sum(
                    charge_of(system.squared, spread)
                    for system in self.systems
                    for _, spread in system.blocks[block].values()
                )
                for block in range(len(self.systems[0].blocks))
            )
        )

    def record(self) -> dict[str, Any]:
        """Return plain values for JSON; `WindowDraw.of` reads them back."""
        systems = [
            {
                "dims": system.dims, "codes": system.codes, "tables": system.tables, "several": system.several,
                "bound": system.bound,
                "ladder": [system.ladder.coarse, system.ladder.fine, system.ladder.groups] if system.ladder else None,
                "blocks": [
                    [[m, str(spread), noisy.ravel().tolist()] for m, (noisy, spread) in sorted(block.items())]
                    for block in system.blocks
                ],
            }
            for system in self.systems
        ]  # fmt: skip
        coefficients = self.strategy.coefficients.tolist()
        return {"places": self.places, "coefficients": coefficients, "systems": systems, "engine": self.engine}

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Self:
        """Read a record back."""
        strategy = PlaceStrategy(np.array(record["coefficients"], np.int64).reshape(-1, len(record["places"])))
        systems = tuple(_system_of(plain, len(strategy.coefficients)) for plain in record["systems"])
        return cls(tuple(record["places"]), strategy, systems, record["engine"])


def _system_of(plain: Mapping[str, Any], rows: int) -> DrawnSystem:
    codes = tuple(map(tuple, plain["codes"]))
    blocks = tuple(
        {
            tuple(margin): (
                np.array(noisy, np.int64).reshape((rows, *(len(codes[d]) for d in margin))),
                Fraction(spread),
            )
            for margin, spread, noisy in block
        }
        for block in plain["blocks"]
    )
    coarse, fine, groups = plain["ladder"] or (0, 0, ())
    ladder = Ladder(coarse, fine, tuple(groups)) if groups else None
    tables = tuple(map(tuple, plain["tables"]))
    return DrawnSystem(tuple(plain["dims"]), codes, tables, plain["several"], plain["bound"], ladder, blocks)


def measure(
    window: PlannedWindow, places: Sequence[str], blocks: int, counts: Counts, rho: Rho, sampler: Sampler
) -> WindowDraw:
    """Draw once for a window, which was charged before; the caller stores the draw before anything else happens.

    Args:
        window: the plan of the window.
        places: its places.
        blocks: the number of blocks, which hold different people, so that each is measured with all of `rho`.
        counts: exact counts.
        rho: the cost of the draw to a person-year.
        sampler: draws the noise.

    Raises:
        DisclosureError: DIS-031, rho is too little to be divided.
    """
    # As exact fractions, so that the parts are never more than the whole.
    parts = [{margin: Fraction(share) * s.bound for margin, share in s.shares.items()} for s in window.systems]
    whole = sum((part for own in parts for part in own.values()), Fraction(0))
    systems = []
    for system, of_system in zip(window.systems, parts, strict=True):
        unit = unit_of(system)
        squared = MOST_SQUARES * system.bound * unit**2
        spreads = {}
        for margin, part in of_system.items():
            own = int(rho * part / whole)
            if own < 1:
                raise DisclosureError("DIS-031", "the budget is too small to be divided over so many margins")
            spreads[margin] = variance_of(squared, own)
        drawn = tuple(
            {
                margin: (_noisy(window.strategy, counts(block, system, margin), spread, sampler), spread)
                for margin, spread in sorted(spreads.items())
            }
            for block in range(blocks)
        )
        systems.append(
            DrawnSystem(system.dims, system.codes, system.tables, system.several, system.bound, system.ladder, drawn)
        )
    return WindowDraw(tuple(places), window.strategy, tuple(systems), sampler.version)


def _noisy(strategy: PlaceStrategy, exact: Whole, spread: Fraction, sampler: Sampler) -> Whole:
    measured = np.tensordot(strategy.coefficients, exact, axes=1)
    return sampler(measured.ravel(), spread).reshape(measured.shape)
