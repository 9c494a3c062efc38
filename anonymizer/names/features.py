"""What a language tells its model about words: the only thing a new language has to bring.

Decides the form of features, and how they are spelled for training. Does not know any language. Features depend on one
word form, on two neighbouring forms, or are a few flags per token; so all but the flags can be remembered per form, and
a text is labelled by adding remembered rows.
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


def _no_flags(forms: Sequence[str]) -> Mapping[str, NDArray[np.bool_]]:  # noqa: ARG001 - the form of a flags function
    return {}


@dataclass(frozen=True, slots=True)
class Features:
    """The features of a language; names are free text without line breaks.

    `here(form)`: of the word itself. `around(form)`: of a word as seen by its neighbours, one and two words away on
    either side. `pair(form, next)`: of two neighbouring words, seen by both. `flags(forms)`: for a whole document, name
    to one truth value per token. The edges of a text count as line breaks.
    """

    here: Callable[[str], tuple[str, ...]]
    around: Callable[[str], tuple[str, ...]]
    pair: Callable[[str, str], tuple[str, ...]]
    flags: Callable[[Sequence[str]], Mapping[str, NDArray[np.bool_]]] = _no_flags


def attributes(features: Features, forms: Sequence[str]) -> list[list[str]]:
    """Spell out the features of every token of a document, for training: `0:name`, `-1:name`, `<:name` and so on."""
    padded = (LINE_BREAK, LINE_BREAK, *forms, LINE_BREAK, LINE_BREAK)
    around = {form: features.around(form) for form in set(padded)}
    here = {form: [f"0:{name}" for name in features.here(form)] for form in set(forms)}
    pairs = [features.pair(one, other) for one, other in itertools.pairwise(padded[1:-1])]
    rows = []
    for place, form in enumerate(forms):
        seen = [f"{offset}:{name}" for offset in OFFSETS for name in around[padded[place + 2 + offset]]]
        before = [f"<:{name}" for name in pairs[place]]
        after = [f">:{name}" for name in pairs[place + 1]]
        rows.append([*here[form], *seen, *before, *after])
    for name, values in features.flags(forms).items():
        for place in np.flatnonzero(values).tolist():
            rows[place].append(f"!:{name}")
    return rows
