"""A membership attack on noisy tables: what a million runs prove a person-year to lose, against what is claimed.

A run is one table with and without one person: a cell for every window that the person is counted in, drawn by the real
engine through the function that releases tables. Runs are the cells of long tables, since cells are independent. The
attacker knows everybody else and decides by the sum of the cells, which is sufficient.

Two bounds, of which the larger counts, both by Clopper and Pearson's intervals and corrected (Bonferroni) for every
event and bound of the whole file:

- of any mechanism: log((P(E) - delta) / P'(E)) for events that were fixed beforehand;
- of a Gaussian: the least shift, in standard deviations, at which false positives and false negatives can both be as
  rare as seen, and its epsilon at delta. Sums of whole persons are a little coarse for it: cells of sd below two are
  attacked over two windows.

Sources: Jagielski, Ullman and Oprea (2020) for the first; Dong, Roth and Su, "Gaussian Differential Privacy" (2019) and
Nasr et al., "Tight Auditing of Differentially Private Machine Learning" (2023) for the second.
"""

import math
from collections.abc import Mapping
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from anonymizer.budget.accounting import PPB, gaussian_epsilon, granted
from anonymizer.mechanisms.discrete_gaussian import OpenDP
from anonymizer.noise import noisy_table
from anonymizer.noise.sampler import Counts, Sampler
from schemas.identifiers import Rho

DELTA = 1e-6
RUNS = 1_000_000
MARKS = (0.0, 1.0, 2.0, 3.0)
"""Where the attacker decides, in standard deviations above the middle: fixed before anything is seen."""
ERROR = 0.05 / (6 * 2 * 2 * len(MARKS) * 2)  # experiments, directions, kinds of bound, marks, ends

Sums = npt.NDArray[np.int64]


def _worlds(rho: int, runs: int, *, windows: int, noised_for: int, engine: Sampler) -> tuple[Sums, Sums]:
    """Return the attacker's sums without and with the person, half of the runs each."""
    return _sums(0, rho, runs // 2, windows, noised_for, engine), _sums(1, rho, runs // 2, windows, noised_for, engine)


def _sums(count: int, rho: int, runs: int, windows: int, noised_for: int, engine: Sampler) -> Sums:
    found, length = [], 50_000
    for _ in range(0, runs, length):
        cells: Mapping[tuple[str, ...], int] = {
            (str(run), str(window)): count for run in range(min(length, runs)) for window in range(windows)
        }
        draw = noisy_table.measure(cells, ("run", "window"), (("run", "window"),), Rho(rho), noised_for, engine)
        (noisy, _), *_ = draw.measured.values()
        found.append(noisy.sum(axis=1))
    return np.concatenate(found)


def proven(without: Sums, with_: Sums) -> float:
    """Return the epsilon at delta that these runs prove to be lost, at 95 % confidence over the whole file."""
    middle, deviation = (without.mean() + with_.mean()) / 2, without.std()
    best = 0.0
    for mark in MARKS:
        for sign in (1, -1):
            cut = math.ceil(middle + sign * mark * deviation)
            hit, false = int(np.sum(with_ >= cut)), int(np.sum(without >= cut))
            best = max(best, _any(hit, false, len(with_)), _gaussian(hit, false, len(with_)))
            hit, false = len(without) - false, len(with_) - hit
            best = max(best, _any(hit, false, len(with_)))
    return max(best, _any(int(np.sum(without == 0)), int(np.sum(with_ == 0)), len(with_)))


def _any(hit: int, false: int, runs: int) -> float:
    low, high = _interval(hit, runs)[0] - DELTA, _interval(false, runs)[1]
    return math.log(low / high) if low > 0 else 0.0


def _gaussian(hit: int, false: int, runs: int) -> float:
    shift = stats.norm.ppf(_interval(hit, runs)[0]) - stats.norm.ppf(_interval(false, runs)[1])
    return gaussian_epsilon(int(shift**2 / 2 * PPB), DELTA) if shift > 0 else 0.0


def _interval(hits: int, runs: int) -> tuple[float, float]:
    """Return Clopper and Pearson's interval."""
    low = stats.beta.ppf(ERROR, hits, runs - hits + 1) if hits else 0.0
    high = stats.beta.ppf(1 - ERROR, hits + 1, runs - hits) if hits < runs else 1.0
    return float(low), float(high)


def exact(rho: int, windows: int) -> float:
    """Return epsilon at delta of the discrete Gaussian itself, from the privacy loss of its sum over windows."""
    spread = windows * PPB / (2 * rho)
    reach = math.ceil(40 * math.sqrt(spread))
    one = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * spread))
    total = one / one.sum()
    for _ in range(windows - 1):
        total = np.convolve(total, one / one.sum())
    without, with_ = np.pad(total, (0, windows)), np.pad(total, (windows, 0))
    low, high = 0.0, 50.0
    for _ in range(60):
        middle = (low + high) / 2
        delta = np.maximum(0, with_ - math.exp(middle) * without).sum()
        low, high = (low, middle) if delta <= DELTA else (middle, high)
    return high


@pytest.mark.long
@pytest.mark.parametrize(("claim", "windows"), [(0.5, 1), (1.0, 1), (2.0, 1), (4.0, 2)])
def test_a_million_runs_prove_no_more_than_is_claimed_and_nearly_what_is_lost(claim: float, windows: int) -> None:
    """Not above the claim, so the noise suffices; not far below the truth, so the attack would have noticed."""
    rho = granted(claim, DELTA)
    found = proven(*_worlds(rho, RUNS, windows=windows, noised_for=windows, engine=OpenDP()))
    truth = exact(rho, windows)
    print(f"\nclaim {claim}: a million runs prove {found:.3f}; the mechanism's own epsilon is {truth:.3f}", end="")
    assert 0.8 * truth <= found <= claim


def test_a_person_in_two_windows_with_noise_for_one_is_noticed() -> None:
    """The planted fault: m = 2 noised as 1."""
    found = proven(*_worlds(granted(1.0, DELTA), 200_000, windows=2, noised_for=1, engine=OpenDP()))
    print(f"\nclaim 1, two windows noised as one: {found:.3f} proven", end="")
    assert found > 1.0


class _ZerosStayZero:
    """The planted fault: an empty cell is published as it is."""

    version = "planted"

    def __call__(self, exact: Counts, variance: Fraction) -> Counts:
        return np.where(exact == 0, 0, OpenDP()(exact, variance))


def test_zeros_without_noise_are_noticed() -> None:
    found = proven(*_worlds(granted(1.0, DELTA), 100_000, windows=1, noised_for=1, engine=_ZerosStayZero()))
    print(f"\nclaim 1, zeros without noise: {found:.3f} proven", end="")
    assert found > 1.0
