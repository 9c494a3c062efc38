"""Rounding to the published grid: every sum stays exact, and no value moves far."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymizer.noise.least_squares import Ladder, Margin, below, fit
from anonymizer.noise.rounding import UNITS, rounded

LADDER = Ladder(0, 1, (0, 0, 1, 1, 1, 2))
SIZES = (3, 6, 4, 5, 2)
tables = st.sets(
    st.sampled_from([(0,), (2,), (3,), (0, 2), (1, 2), (2, 3), (3, 4), (2, 4), (0, 2, 3), (1, 2, 3), (2, 3, 4)]),
    min_size=1,
)


@settings(max_examples=60, deadline=None)
@given(tables, st.integers(0, 2**32))
def test_all_sums_are_exact_whatever_the_tables(chosen: set[Margin], seed: int) -> None:
    """Three dimensions, triangles of tables and groups of codes included; two places in front."""
    random = np.random.default_rng(seed)
    measured = {m: (random.normal(3, 20, (2, *(SIZES[d] for d in m))), random.uniform(1, 9)) for m in sorted(chosen)}
    solved = fit(SIZES, measured, LADDER)
    estimates = {margin: solved.values(margin) for margin in below(chosen)}
    found = rounded(estimates, LADDER)
    for margin, table in found.items():
        for axis in range(len(margin)):
            lower = margin[:axis] + margin[axis + 1 :]
            assert np.array_equal(table.sum(axis=1 + axis), found[lower])
        if 1 in margin and (grouped := (0, *margin[1:])) in found:
            assert np.array_equal(np.add.reduceat(table, [0, 2, 5], axis=1), found[grouped])
        assert np.abs(table / UNITS - estimates[margin]).max() < 0.6
        assert np.sqrt(np.mean((table / UNITS - estimates[margin]) ** 2)) < 0.2


def test_whole_tenths_stay_what_they_are() -> None:
    table = np.array([[0.1, 20.5], [-3.2, 7.0]])
    estimates = {(): table.sum(), (0,): table.sum(axis=1), (1,): table.sum(axis=0), (0, 1): table}
    found = rounded({margin: np.asarray(values) for margin, values in estimates.items()})
    assert np.array_equal(found[0, 1], np.array([[1, 205], [-32, 70]]))
