"""Tokens of a text, and the pieces of it that are labelled together.

Purpose: the one way in which texts are cut, and the longest stretch over which labels depend on each other.
Called by: `recogniser` and `model` cut texts; `spans`, `features`, `features_en`, `features_fr` and `features_ar` know
a line break by it; `anonymizer.training` cuts its corpora.

Invariant: training and detection cut a text in the same way, else the models see what they were not trained on.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["LINE_BREAK", "LONGEST_PIECE", "Tokens", "pieces", "tokenise"]

LINE_BREAK: Final = "\n"
# All pieces of a text advance together, one token at a time: the longest piece decides how long a text takes.
LONGEST_PIECE: Final = 40
_SHORTEST_PIECE: Final = 12
_TOKEN: Final = re.compile(r"\w+|[^\w\s]|\n[\s]*")
_ENDS: Final = frozenset({LINE_BREAK, ".", ";", "!", "?", ":"})


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of one text: their forms and spans (characters, half open); a line break is a token of its own."""

    forms: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]


def tokenise(text: str) -> Tokens:
    """Cut a text into maximal runs of word characters, single other characters, and line breaks."""
    spans = tuple([match.span() for match in _TOKEN.finditer(text)])
    forms = tuple([LINE_BREAK if text[start] == LINE_BREAK else text[start:end] for start, end in spans])
    return Tokens(forms, spans)


def pieces(forms: Sequence[str]) -> NDArray[np.int64]:
    """Return the bounds of pieces: `bounds[i]:bounds[i + 1]` is a piece of at most `LONGEST_PIECE` tokens.

    A piece ends with a sentence or a line if one ends late enough in it. Features still see the words on the other side
    of a cut; only the labels of two pieces are independent of each other.
    """
    ends = np.array([i + 1 for i, form in enumerate(forms) if form in _ENDS], dtype=np.int64)
    bounds = [0]
    while len(forms) - bounds[-1] > LONGEST_PIECE:
        last = int(np.searchsorted(ends, bounds[-1] + LONGEST_PIECE, side="right"))
        end = int(ends[last - 1]) if last else 0
        bounds.append(end if end >= bounds[-1] + _SHORTEST_PIECE else bounds[-1] + LONGEST_PIECE)
    if forms:
        bounds.append(len(forms))
    return np.array(bounds, dtype=np.int64)
