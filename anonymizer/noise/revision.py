"""A revision combined with the first publication, with the declared share of late persons as a further uncertainty.

Purpose: a revision has a third of the first publication's budget, so that alone it is 1.7 times as unsure. Together
they are better than the first, if the persons who came late in between are allowed for.
Called by: `anonymizer.noise.published_margins`.

Invariants:
- The weights are equal for all cells of a component, so that all sums stay consistent.
- They follow from the policy and from the first publication's noisy values, never from exact counts.
- The uncertainty that is stated holds while the late share is below the declared one.

The revised truth is the first one and a drift: x1 = x0 + d, where d has the standard deviation `late` times the value.
A component weighs the first publication by V1 / (V0 + V1 + late² m), with the variances V of both and the mean square m
of the regions' values.
"""

from dataclasses import dataclass, replace

import numpy as np

from anonymizer.noise.least_squares import Fit, Floats, Margin, level

__all__ = ["Revised", "revised"]


@dataclass(frozen=True, slots=True, eq=False)
class Revised:
    """A revised fit, and the part of its values that is still the first publication's, which may have drifted."""

    fit: Fit
    carried: Fit


def revised(first: Fit, second: Fit, regions: Floats, covariance: Floats, late: float) -> Revised:
    """Return the combination of a first publication and its revision.

    Args:
        first: the fit of the first publication; its one axis in front is that of places.
        second: the fit of the revision, over the same dimensions and places.
        regions: a row per region, 1 for each of its places.
        covariance: of the places, where each measurement has variance 1; the same for both.
        late: the largest share of persons who may have come or changed in between.
    """
    by_place = float(np.mean(np.diag(regions @ covariance @ regions.T)))
    keep = {part: _weight(first, second, part, (regions, by_place), late) for part in first.components}
    components: dict[Margin, Floats] = {}
    covariances: dict[Margin, Floats] = {}
    for part, weight in keep.items():
        components[part] = weight * first.components[part] + (1 - weight) * second.components[part]
        covariances[part] = weight**2 * first.covariances[part] + (1 - weight) ** 2 * second.covariances[part]
    carried = {part: weight * first.components[part] for part, weight in keep.items()}
    return Revised(replace(first, components=components, covariances=covariances), replace(first, components=carried))


def _weight(first: Fit, second: Fit, part: Margin, places: tuple[Floats, float], late: float) -> float:
    """Return the weight of the first publication in one component."""
    regions, by_place = places
    one, other = (by_place * float(np.mean(np.diag(fit.covariances[part]))) for fit in (first, second))
    # The regions' values of the margin, along the ladder where the component has one.
    values = np.tensordot(regions, first.values(part), axes=1)
    steps = len(level((), first.ladder)[1][0])
    square = max(0.0, float(np.mean(values**2)) / steps**2 - one)
    return other / (one + other + late**2 * square)
