"""Least squares over noisy margins: as a matrix would do it, with groups of codes and with places in front."""

import math
from collections.abc import Mapping
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymizer.noise.least_squares import Fit, Ladder, Margin, below, fit

LADDER = Ladder(0, 1, (0, 0, 1, 1, 1, 2))
"""Three groups of six codes, such as minors, adults and unknown above bands of ages."""
SIZES = (3, 6, 2, 3)
LEAVES = list(product(range(6), range(2), range(3)))


def _code(leaf: tuple[int, ...], dimension: int) -> int:
    return LADDER.groups[leaf[0]] if dimension == 0 else leaf[dimension - 1]


def _design(margin: Margin) -> np.ndarray:
    """Return which leaves each cell of a margin sums, as a matrix."""
    cells = product(*(range(SIZES[d]) for d in margin))
    return np.array([[float(tuple(_code(leaf, d) for d in margin) == cell) for leaf in LEAVES] for cell in cells])


margins = st.sets(
    st.sampled_from([(), (0,), (1,), (2,), (3,), (0, 2), (1, 2), (1, 3), (2, 3), (0, 2, 3), (1, 2, 3)]), min_size=1
)


@settings(max_examples=40, deadline=None)
@given(margins, st.integers(0, 2**32))
def test_values_and_variances_are_those_of_a_generalised_inverse(chosen: set[Margin], seed: int) -> None:
    """For every published margin, in each of two places in front, to 1e-9; groups of codes included."""
    random = np.random.default_rng(seed)
    measured = {m: (random.normal(5, 9, (2, *(SIZES[d] for d in m))), random.uniform(1, 9)) for m in sorted(chosen)}
    solved = fit(SIZES, measured, LADDER)
    rows = np.concatenate([_design(m) / math.sqrt(v) for m, (_, v) in measured.items()])
    inverse = np.linalg.pinv(rows)
    for place in range(2):
        seen = np.concatenate([noisy[place].ravel() / math.sqrt(v) for noisy, v in measured.values()])
        for margin in below(chosen):
            found = solved.values(margin)[place].ravel()
            assert found == pytest.approx(_design(margin) @ inverse @ seen, abs=1e-9 * 1e3)
    _has_the_variances(solved, inverse, measured)


def _has_the_variances(solved: Fit, inverse: np.ndarray, measured: Mapping[Margin, object]) -> None:
    for margin in below(measured):
        estimate = _design(margin) @ inverse
        own = np.broadcast_to(solved.variances(margin), [SIZES[d] for d in margin])
        assert own.ravel() == pytest.approx(np.diag(estimate @ estimate.T), abs=1e-9)


@settings(deadline=None)
@given(margins, st.integers(0, 2**32))
def test_margins_of_the_fit_agree_with_each_other(chosen: set[Margin], seed: int) -> None:
    """Codes add up to their groups, and every dimension to the margin without it."""
    random = np.random.default_rng(seed)
    solved = fit(SIZES, {m: (random.normal(5, 9, [SIZES[d] for d in m]), 2.0) for m in sorted(chosen)}, LADDER)
    for margin in below(chosen):
        table = solved.values(margin)
        for axis in range(len(margin)):
            lower = margin[:axis] + margin[axis + 1 :]
            assert table.sum(axis=axis) == pytest.approx(solved.values(lower), abs=1e-6)
        if 1 in margin and (grouped := (0, *margin[1:])) in below(chosen):
            sums = np.add.reduceat(table, [0, 2, 5], axis=0)
            assert sums == pytest.approx(solved.values(grouped), abs=1e-6)
