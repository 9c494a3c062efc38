"""The features of words: the form in which a language describes a text to its model.

A feature depends on one word form, on two neighbouring forms, or is one of a few flags of a token. All but the flags
can therefore be remembered per form, and `model` labels a text by adding remembered rows.

Called by: `features_en`, `features_fr`, `features_ar`, which hold the features of a language; `languages` and
`recogniser`, which hand them on; `model`, which sums their weights; `anonymizer.training`, whose `fit` spells them out
for CRFsuite (`attributes`).

Invariant: a trained model fits exactly the features it was trained on. Whoever changes one trains again.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anonymizer.names.tokens import LINE_BREAK

__all__ = ["OFFSETS", "Features", "attributes"]

OFFSETS: Final = (-2, -1, 1, 2)
"""Places, relative to a token, of the neighbours whose features it sees."""


def _no_flags(forms: Sequence[str]) -> Mapping[str, NDArray[np.bool_]]:  # noqa: ARG001 - the form of a flags function
    """Flag nothing."""
    return {}


@dataclass(frozen=True, slots=True)
class Features:
    """The features of a language, as functions that return the names of features: free text without line breaks.

    Attributes:
        here: names of features of a word itself.
        around: names of features of a word as its neighbours see it, one and two words away on either side.
        pair: names of features of two neighbouring words, seen by both.
        flags: for the forms of a whole document, name of a flag to one truth value per token.

    The edges of a text count as line breaks.
    """

    here: Callable[[str], tuple[str, ...]]
    around: Callable[[str], tuple[str, ...]]
    pair: Callable[[str, str], tuple[str, ...]]
    flags: Callable[[Sequence[str]], Mapping[str, NDArray[np.bool_]]] = _no_flags


def attributes(features: Features, forms: Sequence[str]) -> list[list[str]]:
    """Spell out the features of every token of a document, for training.

    The prefix of a name tells where it comes from: `0:` the word itself, `-2:` to `2:` a neighbour, `<:` the pair with
    the word before, `>:` the pair with the word behind, `!:` a flag.
    """
    padded = (LINE_BREAK, LINE_BREAK, *forms, LINE_BREAK, LINE_BREAK)
    around = {form: features.around(form) for form in set(padded)}
    here = {form: [f"0:{name}" for name in features.here(form)] for form in set(forms)}
    pairs = [features.pair(form, following) for form, following in itertools.pairwise(padded[1:-1])]
    rows = []
    for place, form in enumerate(forms):
        neighbours = [f"{offset}:{name}" for offset in OFFSETS for name in around[padded[place + 2 + offset]]]
        before = [f"<:{name}" for name in pairs[place]]
        after = [f">:{name}" for name in pairs[place + 1]]
        rows.append([*here[form], *neighbours, *before, *after])
    for name, values in features.flags(forms).items():
        for place in np.flatnonzero(values).tolist():
            rows[place].append(f"!:{name}")
    return rows
