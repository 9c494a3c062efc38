# ruff: noqa: RUF001 - Arabic letters are the matter
"""Stems and consonant skeletons of Arabic words.

    split("والمدرسه") == ("مدرسه", "wa")     the stem, and the prefixes: and, the
    skeleton                                 the consonants of an Arabic spelling in Latin letters
    latin_skeleton                           those of a Latin spelling; equal ones may be the same foreign name

Called by: `features_ar`; `anonymizer.training.arabic_lists` for the list of skeletons.

Invariant: words are folded (`normalise`): one form of alef, heh for teh marbuta. No names are known here.
"""

import functools
import itertools
import re
from typing import Final

from anonymizer.names import rarity

__all__ = ["latin_skeleton", "skeleton", "split"]

_LONGER: Final = 4  # letters a word must have for anything to be taken off
_ARTICLE, _TO_THE = "ال", "لل"
_TWICE_DECIBELS: Final = 3  # twice as common
_CONSONANTS: Final = {
    "ب": "b", "پ": "b", "ت": "t", "ط": "t", "ث": "t", "ج": "g", "چ": "S", "خ": "k", "د": "d", "ض": "d", "ذ": "z",
    "ر": "r", "ز": "z", "ظ": "z", "س": "s", "ص": "s", "ش": "S", "غ": "g", "ف": "f", "ڤ": "f", "ق": "k", "ك": "k",
    "گ": "g", "ل": "l", "م": "m", "ن": "n", "ح": "", "ع": "", "ه": "", "و": "", "ي": "", "ا": "", "ء": "",
}  # fmt: skip
_TABLE: Final = str.maketrans(_CONSONANTS)
_LATIN: Final = (
    (re.compile("tch|tsch|sch|sh|ch"), "S"),
    (re.compile("ph"), "f"),
    (re.compile("th"), "t"),
    (re.compile("ck|qu|q|kh"), "k"),
    (re.compile("gh"), "g"),
    (re.compile("dh"), "d"),
    (re.compile("c(?=[eiy])"), "s"),
    (re.compile("c"), "k"),
    (re.compile("x"), "ks"),
    (re.compile("p"), "b"),
    (re.compile("v"), "f"),
    (re.compile("j"), "g"),
    (re.compile("[^bdfgklmnrstzS]"), ""),
)


@functools.lru_cache(maxsize=100_000)
def split(word: str) -> tuple[str, str]:
    """Return the stem of a word and its prefixes: w (and), b (with, like), l (to), a (the), in that order.

    A prefix of a single letter is taken off before an article, or if the rest is at least twice as common as the whole:
    the same letters also begin ordinary words.
    """
    stem, taken = word, ""
    if stem[0] in "وف" and len(stem) > _LONGER and (stem[1:3] in {_ARTICLE, _TO_THE} or _commoner(stem)):
        stem, taken = stem[1:], "w"
    if stem.startswith(_TO_THE) and len(stem) > _LONGER:
        return stem[2:], taken + "la"
    if stem[0] in "بكل" and len(stem) > _LONGER and (stem[1:3] == _ARTICLE or _commoner(stem)):
        stem, taken = stem[1:], taken + ("l" if stem[0] == "ل" else "b")
    if stem.startswith(_ARTICLE) and len(stem) > _LONGER:
        return stem[2:], taken + "a"
    return stem, taken


def skeleton(stem: str) -> str:
    """Return the consonants of an Arabic stem in Latin letters, without vowels, gutturals and doubling."""
    return _single(stem.translate(_TABLE))


def latin_skeleton(name: str) -> str:
    """Return the consonants of a lower-case name in Latin letters, in the same alphabet as `skeleton`."""
    for pattern, sound in _LATIN:
        name = pattern.sub(sound, name)
    return _single(name)


def _single(letters: str) -> str:
    """Return letters with each doubling written once."""
    return "".join([letter for letter, _ in itertools.groupby(letters)])


def _commoner(word: str) -> bool:
    """Tell whether a word without its first letter is at least twice as common as the word."""
    levels = rarity.levels("ar")
    return levels.get(word[1:], rarity.UNKNOWN) + 10 * _TWICE_DECIBELS <= levels.get(word, rarity.UNKNOWN)
