"""The strategy for places: near a bound that none passes, exact in what it costs, better than sums of countries."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymizer.noise.place_strategy import MOST_SQUARES, PlaceStrategy, lower_bound, p_identity, weights
from anonymizer.policy import load
from connectors.adapters.policy_store import shipped_policy

TWELVE = ("AFG", "ARE", "EGY", "IRN", "IRQ", "JOR", "KWT", "LBN", "PAK", "SAU", "SYR", "TUR")
"""Countries in which the agencies of the demonstration work."""
REGIONS = load(shipped_policy()).regions
EVERY = tuple(sorted({country for region in REGIONS for country in region.countries}))


def _matrix(countries: tuple[str, ...]) -> np.ndarray:
    return np.array([[float(country in region.countries) for country in countries] for region in REGIONS])


@pytest.mark.parametrize(("countries", "slack", "ratio"), [(TWELVE, 1.02, 1.75), (EVERY, 1.035, 1.95)])
def test_regions_are_nearly_as_sure_as_a_country(countries: tuple[str, ...], slack: float, ratio: float) -> None:
    """The loss is near its bound; a region's deviation is at most 1.75 or 1.95 times a country's least."""
    regions = _matrix(countries)
    weight = weights(regions, 1.0, 1.0)
    strategy = p_identity(weight)
    bound = lower_bound(weight)
    assert bound <= strategy.loss(weight) <= slack * bound
    by_region = np.sqrt(np.diag(regions @ strategy.covariance @ regions.T))
    by_country = np.sqrt(np.diag(strategy.covariance))
    summed = np.sqrt(regions.sum(axis=1))
    print(f"\n{len(countries)} countries: loss {strategy.loss(weight):.3f}, bound {bound:.3f},", end=" ")
    print(f"regions {by_region.round(2)}, as sums of countries {summed.round(2)}")
    assert by_region.max() <= ratio * by_country.min()
    assert by_region.max() < 0.85 * summed.max()


systems = st.integers(2, 9).flatmap(
    lambda places: st.lists(
        st.lists(st.sampled_from([0.0, 1.0]), min_size=places, max_size=places), min_size=1, max_size=4
    )
)


@settings(max_examples=25, deadline=None)
@given(systems, st.floats(0.1, 10), st.floats(0.1, 10), st.integers(0, 10**6))
def test_a_strategy_costs_what_is_charged_and_no_strategy_passes_the_bound(
    regions: list[list[float]], of_regions: float, of_places: float, seed: int
) -> None:
    """A person costs 1 at most and a move 2, in whole numbers; a random strategy of any sign is above the bound."""
    weight = weights(np.array(regions), of_regions, of_places)
    strategy = p_identity(weight)
    products = strategy.coefficients.T @ strategy.coefficients
    squares = np.diag(products)
    assert squares.max() <= MOST_SQUARES
    assert (squares[:, None] + squares[None, :] - 2 * products).max() <= 2 * MOST_SQUARES
    bound = lower_bound(weight)
    assert strategy.loss(weight) >= bound - 1e-9
    free = np.random.default_rng(seed).normal(size=(2 * len(weight), len(weight)))
    free = free / np.linalg.norm(free, axis=0)
    assert np.trace(weight @ np.linalg.inv(free.T @ free)) >= bound - 1e-9


def test_the_same_regions_give_the_same_strategy() -> None:
    weight = weights(_matrix(TWELVE), 2.0, 1.0)
    assert np.array_equal(p_identity(weight).coefficients, p_identity(weight.copy()).coefficients)


@pytest.mark.parametrize("coefficients", [[[257]], [[-1]], [[200], [200]]])
def test_coefficients_that_cost_more_are_refused(coefficients: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="negative, or a column"):
        PlaceStrategy(np.array(coefficients, np.int64))
