"""Five folds by document, each read by a model that has not seen it, and thresholds that leave equally much to read.

Decides how two models are made comparable. The folds are those of `corpora.fold_of`, the first of which is held out for
the figures.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from anonymizer.microdata import evaluation
from anonymizer.microdata.evaluation import EvaluationReport
from anonymizer.names.languages import LANGUAGES
from anonymizer.names.model import Model
from anonymizer.names.recogniser import LanguageReader
from anonymizer.names.weights import Weights, from_bytes
from anonymizer.training import make
from anonymizer.training.corpora import FOLDS, LabelledText, fold_of
from anonymizer.training.recipes import Recipe
from tests.bench import detection_figures

__all__ = ["Unseen", "at_kept", "trained"]

_HALVINGS = 12
_LEAST, _MOST = 2.0, 22.0
"""How often one is halved to give one minus the threshold: thresholds lie between 0.75 and all but one."""


class _Remembering(Model):
    """A model that reads a text once, however many thresholds are held against what it says."""

    def __init__(self, weights: Weights, recipe: Recipe) -> None:
        super().__init__(weights, recipe.features)
        self._said: dict[tuple[str, ...], NDArray[np.float64]] = {}

    def probabilities_of(self, texts: Sequence[Sequence[str]]) -> list[NDArray[np.float64]]:
        for forms in texts:
            if tuple(forms) not in self._said:
                self._said[tuple(forms)] = super().probabilities_of([forms])[0]
        return [self._said[tuple(forms)] for forms in texts]


@dataclass(frozen=True, slots=True)
class Unseen:
    """Documents, a model of this recipe that has not seen them, and what finds besides it."""

    documents: Sequence[LabelledText]
    recipe: Recipe
    model: Model
    besides: detection_figures.Find

    def reports(self, threshold: float) -> list[EvaluationReport]:
        """Measure every document for itself."""
        reader = LanguageReader(LANGUAGES[self.recipe.language], threshold, lambda _name, _features: self.model)
        find = detection_figures.united(self.besides, lambda text, _language: [one[:2] for one in reader.find(text)])
        return [evaluation.report([detection_figures.evaluated(one, find)]) for one in self.documents]


def trained(
    recipe: Recipe,
    documents: Sequence[LabelledText],
    besides: detection_figures.Find,
    chosen: Callable[[Sequence[LabelledText]], Sequence[LabelledText]] = lambda seen: seen,
) -> list[Unseen]:
    """Train a recipe's first member on the chosen ones of each four folds, for the documents of the fifth."""
    recipe = replace(recipe, others=(), calm=())
    corpus = recipe.corpora[0].name
    found = []
    for fold in range(FOLDS):
        seen = [one for one in documents if fold_of(one) != fold]
        weights = from_bytes(make.trained(recipe, {corpus: chosen(seen)}))
        unseen = [one for one in documents if fold_of(one) == fold]
        found.append(Unseen(unseen, recipe, _Remembering(weights, recipe), besides))
    return found


def at_kept(folds: Sequence[Unseen], kept: float) -> list[EvaluationReport]:
    """Measure every document at the one threshold that leaves this share of the words to read, or little more."""
    low, high = _LEAST, _MOST
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        value = evaluation.pooled(_at(folds, middle)).kept.value
        low, high = (middle, high) if value is None or value >= kept else (low, middle)
    return _at(folds, low)


def _at(folds: Sequence[Unseen], halvings: float) -> list[EvaluationReport]:
    return [report for fold in folds for report in fold.reports(1 - 2**-halvings)]
