"""How rare words are in the languages that need finer steps than the short lists give.

Decides the measure: a word's level is minus ten times the decadic logarithm of its share of all words, times ten; so
300 is one in a thousand and 600 one in a million. Does not decide what follows from it.

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
_RAREST: Final = 660
_EDGES: Final = {"ar": (330, 377, 421, 470, 515, 574, 644), "fr": (302, 378, 438, 493, 567, 650)}


@functools.cache
def levels(language: str) -> Mapping[str, int]:
    """Return the level of every word up to two in ten million; of spellings that fold to one, the commonest counts."""
    found: dict[str, int] = {}
    for level, words in enumerate(wordfreq.get_frequency_list(language, wordlist="large")[:_RAREST]):
        for word in _folded(words):
            found.setdefault(word, level)
    wordfreq.get_frequency_list.cache_clear()  # a list holds three times what is kept
    return found


def grade(language: str, word: str) -> str:
    """Return a word's rarity as one digit, 0 the commonest."""
    return str(bisect_right(_EDGES[language], levels(language).get(word, UNKNOWN)))


def _folded(words: list[str]) -> list[str]:
    """Fold character by character, a hundred times as quick as word by word; accents of these lists are composed."""
    joined = " ".join(words)
    return joined.translate({ord(c): normalise(c).text for c in set(joined) if not c.isascii()}).split()
