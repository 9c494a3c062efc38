"""Word rarity in centibels, the unit of wordfreq: -100 * log10(frequency); 300 is one word in 1,000.

Purpose: one grade for the rarity of a word, that the features of Arabic and French use. English has coarser steps
(`commonness` of `lexicon`).

Called by: `features_ar`, `features_fr` and `arabic`.

Invariants:
- Of several spellings that fold to one word, the commonest counts.
- A word on no list has the level 999, and so the rarest grade.

Source: the large lists of wordfreq, folded as all text is.
"""

import functools
from bisect import bisect_right
from collections.abc import Mapping
from typing import Final

import wordfreq  # type: ignore[import-untyped,unused-ignore]  # no type information of its own

from anonymizer.microdata.normalise import normalise

__all__ = ["UNKNOWN", "grade", "levels"]

UNKNOWN: Final = 999
"""The level of a word that is on no list."""

_RAREST: Final = 660  # about two in ten million
_EDGES: Final = {"ar": (330, 377, 421, 470, 515, 574, 644), "fr": (302, 378, 438, 493, 567, 650)}


@functools.cache
def levels(language: str) -> Mapping[str, int]:
    """Return the level of every word down to two in ten million; of spellings that fold to one, the commonest's."""
    by_word: dict[str, int] = {}
    for level, words in enumerate(wordfreq.get_frequency_list(language, wordlist="large")[:_RAREST]):
        # Folded by character, a hundred times as fast as by word; the result is the same, as accents here are composed.
        joined = " ".join(words)
        folds = {ord(c): normalise(c).text for c in set(joined) if not c.isascii()}
        for word in joined.translate(folds).split():
            by_word.setdefault(word, level)
    wordfreq.get_frequency_list.cache_clear()  # a list holds three times what is kept
    return by_word


def grade(language: str, word: str) -> str:
    """Return the rarity of a word as one digit, 0 for the commonest words."""
    return str(bisect_right(_EDGES[language], levels(language).get(word, UNKNOWN)))
