"""The learning curve: subsets of texts are nested, and the fitted law is recovered from its own points."""

import itertools

import numpy as np

from anonymizer.training.corpora import LabelledText
from tests.bench import learning

DOCUMENTS = [LabelledText(f"Nobody came {n}.", (), "en", "x") for n in range(40)]


def test_a_part_lies_within_the_larger_ones_in_the_order_of_the_corpus() -> None:
    parts = [learning._part(part, 0, DOCUMENTS) for part in learning.PARTS]
    assert [len(part) for part in parts] == [10, 20, 30, 40]
    for smaller, larger in itertools.pairwise(parts):
        assert [one for one in larger if one in smaller] == smaller
    assert learning._part(0.25, 1, DOCUMENTS) != parts[0]


def test_a_power_law_is_found_again() -> None:
    aim, sizes = learning.AIMS[0], np.array([20.0, 40.0, 60.0, 80.0])
    missed = 0.2 * sizes**-0.4
    counts = np.stack([1_000 * (1 - missed), np.full(4, 1_000.0)], axis=1)[:, None]
    scale, power, texts = learning._law(aim, sizes, counts)
    np.testing.assert_allclose([scale, power, texts], [0.2, 0.4, (0.2 / 0.025) ** 2.5])


def test_a_curve_that_does_not_fall_reaches_nothing() -> None:
    counts = np.tile([90.0, 100.0], (4, 1, 1))
    assert learning._law(learning.AIMS[0], np.array([1.0, 2.0, 3.0, 4.0]), counts)[2] == np.inf
