"""The shares of rho: they add up, no others are better, and their loss is that of least squares."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymizer.noise.least_squares import Fit, Ladder, Margin, below, covariances
from anonymizer.noise.shares import MarginSystem, best_shares

LADDER = Ladder(0, 1, (0, 0, 1, 1, 1, 2))
SIZES = (3, 6, 2, 4)
tables = st.dictionaries(
    st.sampled_from([(), (0,), (1,), (2,), (3,), (0, 2), (1, 2), (2, 3), (0, 2, 3)]), st.floats(0.1, 30), min_size=1
)


def _loss(system: MarginSystem, shares: Mapping[Margin, float]) -> float:
    """Return the weighted mean variance of the tables at a rho of 1/2, from the variances of the fit itself."""
    known = covariances(system.sizes, {margin: 1 / share for margin, share in shares.items()}, system.ladder)
    fitted = Fit(system.sizes, (), {}, known, system.ladder)
    return sum(weight * float(np.mean(fitted.variances(table))) for table, weight in system.tables.items())


@settings(max_examples=30, deadline=None)
@given(tables, st.dictionaries(st.sampled_from([(0,), (0, 1)]), st.floats(0.1, 30), min_size=1), st.integers(0, 10**6))
def test_no_other_shares_are_better(wanted: dict[Margin, float], of_codes: dict[Margin, float], seed: int) -> None:
    """Two systems with one budget, the second with several codes a person: random other shares lose more."""
    systems = [MarginSystem(SIZES, wanted, ladder=LADDER), MarginSystem((7, 2), of_codes, required=0, cost=3)]
    found = best_shares(systems)
    spent = sum(system.cost * sum(own.values()) for system, own in zip(systems, found.by_system, strict=True))
    assert spent == pytest.approx(1)
    assert found.loss == pytest.approx(sum(map(_loss, systems, found.by_system)), rel=1e-6)
    random = np.random.default_rng(seed)
    others = [{m: random.uniform(0.1, 1) for m in system.candidates} for system in systems]
    whole = sum(system.cost * sum(own.values()) for system, own in zip(systems, others, strict=True))
    rival = sum(
        _loss(system, {m: share / whole for m, share in own.items()})
        for system, own in zip(systems, others, strict=True)
    )
    # The margins with hardly any share are dropped, which costs a little.
    assert found.loss <= rival * 1.02


def test_the_certificate_is_near_zero_and_margins_of_codes_hold_their_dimension() -> None:
    system = MarginSystem((5, 4, 3), {(): 30.0, (0, 1): 3.0, (0, 1, 2): 1.0})
    found = best_shares([system])
    assert 0 <= found.gap < 1e-3
    assert set(found.by_system[0]) <= set(below(system.tables))
    codes = best_shares([MarginSystem((9, 4), {(0,): 1.0, (0, 1): 1.0}, required=0, cost=5)])
    assert all(0 in margin for margin in codes.by_system[0])
