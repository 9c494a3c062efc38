"""Invented names made of syllables, in Latin and Arabic letters; no real person bears them.

Called by: `amana.demo.simulation.event_rows`, `amana.demo.simulation.generator`, `amana.demo.simulation.world`, tests
of the person key.

Invariants:
- Both scripts of one name have the same normal form.
- The three sorts of names have skeletons of their own, so no two triples share a normal form.
"""

import itertools
from functools import cache
from random import Random
from typing import Final

__all__ = ["FAMILY", "FATHER", "GIVEN", "Spelling", "arabic", "latin"]

Spelling = tuple[str, str]
"""A name in Latin and in Arabic letters."""

_CONSONANTS: Final = {
    "b": "\u0628", "t": "\u062a", "j": "\u062c", "d": "\u062f", "r": "\u0631", "z": "\u0632", "s": "\u0633",
    "f": "\u0641", "k": "\u0643", "l": "\u0644", "m": "\u0645", "n": "\u0646",
}  # fmt: skip
_VOWELS: Final = {"a": "\u0627", "i": "\u064a", "u": "\u0648"}
_OTHER_VOWELS: Final = {"a": "e", "i": "ee", "u": "ou"}
_ORDER: Final = 20231  # the names are the same in every simulation; only their bearers differ

# How many names there are of each sort. Given names have the lowest numbers, then fathers', then family names.
GIVEN: Final = 240
FATHER: Final = 240
FAMILY: Final = 780


@cache
def _skeletons() -> tuple[str, ...]:
    """Return every skeleton of three different consonants, in a fixed odd order."""
    # Arabic leaves short vowels out, and d before j would be read as one sound.
    triples = map("".join, itertools.permutations(_CONSONANTS, 3))
    skeletons = [skeleton for skeleton in triples if not skeleton.endswith("dj")]
    Random(_ORDER).shuffle(skeletons)  # noqa: S311 - an order, not a secret
    return tuple(skeletons)


@cache
def latin(number: int, variant: int = 0) -> str:
    """Return name `number` in Latin letters; spellings differ in vowels alone."""
    first, second, third = tuple(_skeletons()[number])
    vowels = [_vowel(number, place) for place in range(3)]
    if variant:
        vowels = [_OTHER_VOWELS[vowel] for vowel in vowels]
    return f"{first}{vowels[0]}{second}{vowels[1]}{third}{vowels[2] if number % 3 else ''}".capitalize()


@cache
def arabic(number: int) -> str:
    """Return name `number` in Arabic letters; short vowels are not written."""
    first, second, third = (_CONSONANTS[letter] for letter in _skeletons()[number])
    return first + _VOWELS[_vowel(number, 0)] + second + third + (_VOWELS["a"] if number % 3 else "")


def _vowel(number: int, place: int) -> str:
    """Return the vowel of a name after its consonant `place`: the number's digit in base 3."""
    return "aiu"[(number // 3**place) % 3]
