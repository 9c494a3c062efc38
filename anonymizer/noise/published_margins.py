"""Published values of one window: rounded estimates of every margin with their variances, and sums of places of them.

Purpose: it decides how draws become numbers: one draw of a first publication; that and one of the revision; or a year
less its quarters.
Called by: `streams.core.releasing.noisy_rows`.

Invariants:
- All numbers follow from stored draws: nothing here sees an exact count.
- Values are whole tenths of persons, and every sum of them is exact: along a dimension, over places, over the year.
- Values are unbiased and signed, and none is cut off.

1. A fit of every system and block, in two publications if there is a revision (`revision`).
2. The published margins, rounded from the total downwards (`rounding`).
3. Sums over the places of a region, with their variances.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from anonymizer.noise.least_squares import Fit, Floats, Margin, below
from anonymizer.noise.revision import revised
from anonymizer.noise.rounding import UNITS, Units, rounded
from anonymizer.noise.workload_draw import DrawnSystem, WindowDraw

__all__ = ["Cells", "PublishedSystem", "persons", "published", "remainder"]


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """One margin in one place: values in tenths of persons, and variances in persons², an axis per dimension."""

    tenths: Units
    variances: Floats


@dataclass(frozen=True, slots=True, eq=False)
class PublishedSystem:
    """The values of one system and block, with an axis of places in front.

    Args:
        dims: names of the dimensions.
        codes: code list of each dimension.
        several: the first dimension, if a person may have several of its codes; else empty.
        tenths: margin → values in tenths of persons.
        variances: margin → variance at unit noise of the places.
        carried: margin → the part of the values that may have drifted since the first publication, nothing in it.
        covariance: of the places.
        late: the declared share of late persons.
    """

    dims: tuple[str, ...]
    codes: tuple[tuple[str, ...], ...]
    several: str
    tenths: Mapping[Margin, Units]
    variances: Mapping[Margin, Floats]
    carried: Mapping[Margin, Floats]
    covariance: Floats
    late: float

    def margin(self, names: Sequence[str]) -> Margin:
        """Return the margin over dimensions of these names."""
        return tuple(sorted(map(self.dims.index, names)))

    def cells(self, margin: Margin, places: Floats) -> Cells:
        """Return a margin summed over places: `places` is 1 for each place that is summed."""
        variances = self.variances[margin] * float(places @ self.covariance @ places)
        if self.carried:
            variances = variances + (self.late * np.tensordot(places, self.carried[margin], axes=1)) ** 2
        tenths = np.tensordot(places.astype(np.int64), self.tenths[margin], axes=1)
        return Cells(tenths, np.broadcast_to(variances, tenths.shape))


def published(draws: Sequence[WindowDraw], block: int, regions: Floats, late: float) -> tuple[PublishedSystem, ...]:
    """Return the values of one window and block.

    Args:
        draws: of the first publication, and of the revision if there is one.
        block: the number of the block.
        regions: a row per region, 1 for each of its places.
        late: the declared share of late persons.
    """
    first, covariance = draws[0], draws[0].strategy.covariance
    systems = []
    for number, system in enumerate(first.systems):
        fits = [draw.systems[number].fit(block, draw.strategy) for draw in draws]
        margins = _margins(system)
        carried: dict[Margin, Floats] = {}
        whole: Fit = fits[0]
        if len(fits) > 1:
            combined = revised(fits[0], fits[1], regions, covariance, late)
            whole, carried = combined.fit, {margin: combined.carried.values(margin) for margin in margins}
        tenths = rounded({margin: whole.values(margin) for margin in margins}, system.ladder)
        variances = {margin: whole.variances(margin) for margin in margins}
        systems.append(
            PublishedSystem(system.dims, system.codes, system.several, tenths, variances, carried, covariance, late)
        )
    return tuple(systems)


def remainder(whole: Cells, parts: Sequence[Cells]) -> Cells:
    """Return a year less its quarters: exact on the grid, with the variances of all of them."""
    tenths = whole.tenths - sum(part.tenths for part in parts)
    return Cells(tenths, np.asarray(whole.variances + sum(part.variances for part in parts)))


def persons(tenths: int) -> float:
    """Return a value in persons."""
    return tenths / UNITS


def _margins(system: DrawnSystem) -> tuple[Margin, ...]:
    """Return all published margins of a system: of its tables down to their totals."""
    return below(system.tables, 0 if system.several else None)
