"""Training of linear-chain CRFs by CRFsuite, and its weights in the form of `names.weights`.

Called by: `make`; `recipes` for `FitSettings`.

Invariant: equal sequences give equal weights.

Source: Okazaki (2007), CRFsuite; Nocedal (1980), L-BFGS; Andrew, Gao (2007) for the c1 penalty (OWL-QN).
"""

import itertools
import math
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pycrfsuite  # type: ignore[import-untyped]  # no type information of its own

from anonymizer.names.features import OFFSETS, Features, attributes
from anonymizer.names.tokens import Tokens, pieces
from anonymizer.names.weights import Weights, WeightTable

__all__ = ["BIAS", "FitSettings", "Piece", "calmed", "fit", "sequences", "styles_of", "train"]

_SLOTS: Final = {f"{offset}": ("around", slot) for slot, offset in enumerate(OFFSETS)} | {
    "0": ("here", 0),
    "<": ("pair", 0),
    ">": ("pair", 1),
    "!": ("flags", 0),
}
BIAS: Final = "bias"  # a feature that every word has
_LEAST_TEXTS: Final = 5  # in which a word must stand to count as evidence of a style
_WIDTH: Final = {"here": 1, "around": len(OFFSETS), "pair": 2, "flags": 1}

Piece = tuple[list[list[str]], list[str]]
"""One piece: the attributes of its tokens, and their labels."""


@dataclass(frozen=True, slots=True)
class FitSettings:
    """Settings of a training.

    Attributes:
        c1: weight of the penalty on absolute weights.
        c2: weight of the penalty on squared weights.
        iterations: most passes over the data.
        least_count: occurrences below which a feature is left out.
    """

    c1: float = 0.1
    c2: float = 0.05
    iterations: int = 100
    least_count: float = 1.0


def sequences(features: Features, tokens: Tokens, labels: Sequence[str]) -> list[Piece]:
    """Return a labelled document as training pieces, cut where the model cuts it when it reads."""
    rows = attributes(features, tokens.forms)
    bounds = pieces(tokens.forms).tolist()
    return [(rows[start:end], list(labels[start:end])) for start, end in itertools.pairwise(bounds)]


def train(data: Iterable[Piece], settings: FitSettings, path: Path) -> None:
    """Train one chain and write CRFsuite's own model file to `path`."""
    trainer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
    for rows, labels in data:
        trainer.append(rows, labels)
    trainer.set_params(
        {
            "c1": settings.c1,
            "c2": settings.c2,
            "max_iterations": settings.iterations,
            "feature.minfreq": settings.least_count,
            "feature.possible_transitions": True,  # pairs of labels that the data lack get a weight, too
        }
    )
    trainer.train(str(path))


def fit(
    members: Sequence[Iterable[Piece]], settings: FitSettings, order: Sequence[str], styles: WeightTable | None = None
) -> Weights:
    """Train one chain for each member and return their weights.

    Args:
        members: the training pieces of each member.
        settings: of the training.
        order: the order of labels; the label of tokens outside of all spans is the first.
        styles: evidence of word forms for the members' styles, None for a single member.
    """
    infos = []
    with tempfile.TemporaryDirectory() as folder:
        for number, data in enumerate(members):
            path = Path(folder, f"{number}.crfsuite")
            train(data, settings, path)
            tagger = pycrfsuite.Tagger()  # CRFsuite gives its weights away only through a tagger's dump
            tagger.open(str(path))
            infos.append(tagger.info())
            tagger.close()
    trained = {label for info in infos for label in info.labels}
    return _weights(infos, tuple(label for label in order if label in trained), styles)


def _weights(infos: Sequence[Any], labels: tuple[str, ...], styles: WeightTable | None) -> Weights:
    """Return CRFsuite's weights, one dump a member, as tables."""
    column = {label: place for place, label in enumerate(labels)}
    transitions = np.zeros((len(infos), len(labels), len(labels)), dtype=np.float32)
    cells: dict[str, dict[str, list[tuple[int, int, int, float]]]] = {name: {} for name in _WIDTH}
    for member, info in enumerate(infos):
        for (before, after), weight in info.transitions.items():
            transitions[member, column[before], column[after]] = weight
        for (attribute, label), weight in info.state_features.items():
            place, name = attribute.split(":", 1)  # a name may hold colons
            table, slot = _SLOTS[place]
            cells[table].setdefault(name, []).append((slot, member, column[label], weight))
    shape = (len(infos), len(labels))
    tables = {name: _table(cells[name], (_WIDTH[name], *shape)) for name in cells}
    return Weights(labels, transitions, **tables, styles=styles or styles_of([[]] * len(infos)))


def calmed(weights: Weights, by: Sequence[float]) -> Weights:
    """Add to each member's scores for clear words, so that one threshold suits all members."""
    values = weights.here.values.copy()
    row, outside = weights.here.names.index(BIAS), 0
    for member, amount in enumerate(by):
        values[row, 0, member, outside] += amount
    return replace(weights, here=WeightTable(weights.here.names, values))


def styles_of(texts: Sequence[Iterable[Sequence[str]]]) -> WeightTable:
    """Return the evidence of word forms for the style of a text, by naive Bayes.

    Args:
        texts: the texts of each style, as forms.

    Returns:
        For each word that stands in several texts, the logarithm of its share in each style, centred.
    """
    counts = [Counter(form.lower() for text in texts_of_style for form in text) for texts_of_style in texts]
    among = Counter(low for style in texts for text in style for low in {form.lower() for form in text})
    names = tuple(sorted(low for low, texts_with in among.items() if texts_with >= _LEAST_TEXTS))
    shares = [
        # Half a word more of each kind (Jeffreys' prior): a word that a style lacks has a finite logarithm.
        [math.log((count[name] + 0.5) / (count.total() + 0.5 * len(names))) for count in counts]
        for name in names
    ]
    values = np.array(shares, dtype=np.float32).reshape(len(names), 1, len(texts), 1)
    return WeightTable(names, values - values.mean(axis=2, keepdims=True) if names else values)


def _table(cells: dict[str, list[tuple[int, int, int, float]]], shape: tuple[int, int, int]) -> WeightTable:
    """Return a table of the weights (slot, member, label, weight) of each feature name."""
    names = tuple(sorted(cells))
    values = np.zeros((len(names), *shape), dtype=np.float32)
    for row, name in enumerate(names):
        for slot, member, label, weight in cells[name]:
            values[row, slot, member, label] = weight
    return WeightTable(names, values)
