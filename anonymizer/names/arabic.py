# ruff: noqa: RUF001 - Arabic letters are the matter
"""What the letters of an Arabic word tell: what is written onto it, and how a foreign name would be spelled.

Decides where conjunction, preposition and article end and the stem begins, and which Latin consonants an Arabic
spelling may stand for. Takes folded text (see `normalise`): one alef, no teh marbuta. Knows no names.
"""

import functools
import itertools
import re
from typing import Final

from anonymizer.names import rarity

__all__ = ["latin_skeleton", "skeleton", "split"]

_LONGER: Final = 4  # letters a word must have for anything to be taken off
_ARTICLE, _TO_THE = "ال", "لل"
_TWICE: Final = 3  # a level is a tenth of a decibel: a word twice as common is 30 levels lower
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
    """Return a word's stem and what stood before it: w (and), b (with, like), l (to), a (the), in that order.

    A single letter comes off before an article, or where the rest is at least twice as common as the whole.
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
    """Return the consonants that a spelling may stand for, each doubling once; vowels and gutturals are left out."""
    return _single(stem.translate(_TABLE))


def latin_skeleton(name: str) -> str:
    """Return the same of a lower-case name in Latin letters."""
    for pattern, sound in _LATIN:
        name = pattern.sub(sound, name)
    return _single(name)


def _single(letters: str) -> str:
    return "".join([letter for letter, _ in itertools.groupby(letters)])


def _commoner(word: str) -> bool:
    known = rarity.levels("ar")
    return known.get(word[1:], rarity.UNKNOWN) + 10 * _TWICE <= known.get(word, rarity.UNKNOWN)
