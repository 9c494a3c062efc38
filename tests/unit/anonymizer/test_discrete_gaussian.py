"""The noise engine draws what it says: integers, centred, as wide as asked, differently every time.

Only gross faults fail here: with the bounds below an honest engine fails once in a million runs.
"""

from fractions import Fraction

import numpy as np
import pytest

from anonymizer.mechanisms import discrete_gaussian
from schemas.errors import IntegrityError

DRAWS = 20_000


def test_noise_is_centred_and_as_wide_as_asked() -> None:
    drawn = discrete_gaussian.OpenDP()(np.full(DRAWS, 7), Fraction(401, 4)) - 7
    deviation = np.sqrt(401 / 4)
    assert abs(drawn.mean()) < 5 * deviation / np.sqrt(DRAWS)
    assert drawn.var() == pytest.approx(401 / 4, rel=5 * np.sqrt(2 / DRAWS))
    assert abs(np.mean(np.abs(drawn) <= deviation) - 0.70) < 0.03  # whole persons: a little above the normal's 0.68


def test_a_zero_gets_noise_and_no_two_draws_are_alike() -> None:
    zeros, engine = np.zeros(1000, np.int64), discrete_gaussian.OpenDP()
    first, second = engine(zeros, Fraction(100)), engine(zeros, Fraction(100))
    assert np.count_nonzero(first) > 900
    assert not np.array_equal(first, second)


def test_the_scale_never_costs_more_than_the_variance_says() -> None:
    for variance in (Fraction(1, 3), Fraction(2), Fraction(10**9, 48_711_940)):
        assert Fraction(discrete_gaussian._scale(variance)) ** 2 >= variance


def test_an_engine_with_another_loss_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted fault: noise a hundredth narrower than what is charged."""
    honest = discrete_gaussian._scale
    monkeypatch.setattr(discrete_gaussian, "_scale", lambda variance: honest(variance) * 0.99)
    with pytest.raises(IntegrityError, match="INT-160"):
        discrete_gaussian.OpenDP()(np.zeros(3, np.int64), Fraction(100))
