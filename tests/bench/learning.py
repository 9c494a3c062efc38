"""What more labelled texts would bring: `python -m tests.bench.learning CORPORA`.

Trains on a quarter, a half, three quarters and all of the training documents of each of five folds and measures at the
same share of words kept; parts are drawn twice, the smaller ones within the larger. A power law through the
shares that are missed says how many texts would be needed for the aim, were nothing in the way but their number;
documents drawn with replacement, a thousand times, say how little is known of that.
"""

import argparse
import functools
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anonymizer.microdata import evaluation
from anonymizer.microdata.evaluation import EvaluationReport, Share
from anonymizer.training import make
from anonymizer.training.corpora import FOLDS, LabelledText
from anonymizer.training.recipes import RECIPES
from tests.bench import detection_figures, folds

PARTS = (0.25, 0.5, 0.75, 1.0)
_DRAWS = 2
_RESAMPLES = 1_000
_SEED = 11
_LEAST_POWER = 0.01
"""A curve flatter than that reaches nothing."""

Counts = NDArray[np.float64]
"""Hits and totals: parts by documents by two."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What is to be reached with a model, and at which share of words kept."""

    model: str
    kept: float
    measure: str
    of: Callable[[EvaluationReport], Share]
    least: float
    with_patterns: bool


AIMS = (
    Aim("en.bin", 0.87, "quasi", lambda report: report.quasi, 0.975, with_patterns=True),
    Aim("fr.bin", 0.88, "all mentions", lambda report: report.mentions["all"], 0.95, with_patterns=False),
)


def main() -> None:
    """Print a table and what follows from it for each aim."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("corpora", type=Path)
    options.add_argument("--model", choices=[aim.model for aim in AIMS], help="this one only")
    asked = options.parse_args()
    for aim in AIMS:
        if asked.model in {None, aim.model}:
            _print(aim, asked.corpora)


def _print(aim: Aim, folder: Path) -> None:
    recipe = next(one for one in RECIPES if one.model == aim.model)
    documents = make.read(recipe, folder)[recipe.corpora[0].name]
    besides = functools.cache(detection_figures.patterns()) if aim.with_patterns else _nothing
    print(f"| texts trained on | {aim.measure} | leak nothing | kept |\n|---|---|---|---|")
    sizes = np.array(PARTS) * len(documents) * (1 - 1 / FOLDS)
    counts = []
    for part, size in zip(PARTS, sizes, strict=True):
        draws = range(_DRAWS if part < 1 else 1)
        drawn = [folds.trained(recipe, documents, besides, functools.partial(_part, part, draw)) for draw in draws]
        counts.append(_row(size, aim, [folds.at_kept(read, aim.kept) for read in drawn]))
    _needed(aim, sizes, np.array(counts))


def _nothing(_text: str, _language: str) -> list[tuple[int, int]]:
    return []


def _part(part: float, draw: int, documents: Sequence[LabelledText]) -> list[LabelledText]:
    """Choose a part of the documents; of one draw, every part lies within the larger ones."""
    drawn = sorted(documents, key=lambda one: hashlib.sha256(f"{draw} {one.text}".encode()).digest())
    first = drawn[: round(part * len(documents))]
    return [one for one in documents if one in first]


def _row(size: float, aim: Aim, draws: Sequence[Sequence[EvaluationReport]]) -> Counts:
    """Print the means over some draws; return the hits and totals by document."""
    pooled = [evaluation.pooled(reports) for reports in draws]
    shares = np.array([(aim.of(one).value, one.clean.value, one.kept.value) for one in pooled], dtype=np.float64)
    print(f"| {size:.0f} | {' | '.join(f'{value:.4f}' for value in shares.mean(axis=0))} |", flush=True)
    counts = np.array([[(aim.of(one).hits, aim.of(one).total) for one in reports] for reports in draws])
    return np.asarray(counts.mean(axis=0))


def _needed(aim: Aim, sizes: Counts, counts: Counts) -> None:
    """Say how many texts the power law asks for, with the middle 95 % over documents drawn again."""
    draw = np.random.default_rng(_SEED)
    scale, power, texts = _law(aim, sizes, counts)
    drawn = [_law(aim, sizes, counts[:, draw.integers(0, counts.shape[1], counts.shape[1])]) for _ in range(_RESAMPLES)]
    low, middle, high = np.percentile([one[2] for one in drawn], [2.5, 50, 97.5], method="nearest")
    steep = np.percentile([one[1] for one in drawn], [2.5, 97.5])
    print(f"missed = {scale:.3f} n^-{power:.3f} ({steep[0]:.3f} to {steep[1]:.3f})")
    print(f"{aim.least} at {texts:,.0f} texts ({low:,.0f} to {high:,.0f}; median {middle:,.0f})", flush=True)


def _law(aim: Aim, sizes: Counts, counts: Counts) -> tuple[float, float, float]:
    """Fit missed = a n^-b by least squares of logarithms; return a, b and the n that reaches the aim."""
    hits, totals = counts.sum(axis=1).T
    slope, start = np.polyfit(np.log(sizes), np.log((totals - hits) / totals), 1)
    texts = np.exp((np.log(1 - aim.least) - start) / slope) if slope < -_LEAST_POWER else np.inf
    return float(np.exp(start)), float(-slope), float(texts)


if __name__ == "__main__":
    main()
