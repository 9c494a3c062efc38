# ruff: noqa: RUF001 - letters of other scripts are the point of the tables
"""Phonetic comparison of names: whether two written words may be one name, in any script and spelling.

Purpose: reduce a word to its consonants, in classes that every transliteration agrees on, and say what must agree
besides where the consonants are few.
Called by: `name_matching`.

A word becomes a *key*, its consonants in classes (B b p; F f v; T t d th dh; S s z sh; K k q g j kh gh; H L M N R), and
*slots*, the vowels before, between and after them. Arabic and Persian write only long vowels, so that an empty slot of
theirs says little. Letters that are read in several ways give several readings.

There is a second algorithm for "the same name": the normal form of `connectors.ingest.event.person_key`. They answer
different questions and must not be united. This one searches a text: it compares two words, vowels included, and may
say "may be" too often, since a word masked too much does no harm; it can be changed with any version. The normal form
makes a key: two agencies must come to the same string without seeing each other's names. So it drops the vowels, keeps
more consonants apart, compares nothing, and cannot be changed without counting people twice across the change.

Invariants:
- A word is masked too much rather than too little: of several readings one that agrees is enough.

Source: the transliteration tables of ALA-LC, BGN/PCGN and DIN 31635, and the spellings that French, English and Turkish
civil registers make of the same names; other scripts by `anyascii`.

>>> same_name("Mohammed", "محمد"), same_name("Khadija", "Hatice"), same_name("Lina", "لانا")
(True, True, False)
"""

import functools
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from anyascii import anyascii

__all__ = ["keys", "same_name"]

_MEMORY: Final = 16_384  # words; a text repeats most of its words
_MOST_READINGS: Final = 24  # of one word; they multiply with every letter that is read in two ways
_SURE: Final = 5
"""Consonants from which on equal keys are enough."""
_MANY: Final = 3
"""Vowels in a word of one consonant from which on they need not be the same ones."""
_ABJAD: Final = re.compile("[\u0600-\u06ff]")
_CLASSES: Final = {"a": "a", "e": "ai", "i": "i", "y": "i", "o": "u", "u": "u", "w": "u", "'": "aiu"}
_VOWELS: Final = frozenset(_CLASSES)

# Grapheme → its readings; a reading is consonant classes (capitals) or vowels (small), and the sounds it may be.
_LATIN: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "b": (("B", "b"),), "p": (("B", "p"),), "f": (("F", "f"),), "v": (("F", "fv"), ("u", "")), "t": (("T", "t"),),
    "d": (("T", "d"),), "s": (("S", "sx"),), "z": (("S", "z"),), "x": (("KS", "ks"), ("K", "k")), "k": (("K", "k"),),
    "c": (("K", "kjc"), ("S", "scx")), "q": (("K", "kgq"),), "g": (("K", "gj"),), "j": (("K", "jgc"),),
    "h": (("H", "h"), ("", "")), "l": (("L", "l"),), "m": (("M", "m"),), "n": (("N", "n"),), "r": (("R", "r"),),
    "dzh": (("K", "jk"),), "ddzh": (("K", "jk"),), "dj": (("K", "jgck"),), "ddj": (("K", "jgck"),),
    "ck": (("K", "k"), ("SK", "xk")), "tch": (("S", "xc"), ("TS", "tx")), "tsh": (("S", "xc"),),
    "shch": (("S", "x"),), "sh": (("S", "xs"),), "ph": (("F", "f"),),
    "sch": (("S", "xs"), ("SS", "sx"), ("SK", "sk")), "ch": (("S", "xc"), ("K", "kh"), ("TS", "tx")),
    "kh": (("K", "kh"), ("H", "h")), "gh": (("K", "gG"),), "th": (("T", "t"), ("S", "s")),
    "dh": (("T", "d"), ("S", "z")), "ts": (("TS", "ts"), ("S", "xc")), "zh": (("S", "zx"), ("K", "j")),
    "χ": (("K", "kh"), ("H", "h"), ("", "")), "dχ": (("T", "d"), ("S", "z")), "tχ": (("T", "t"), ("S", "s")),
    "ντχ": (("T", "d"), ("S", "z")), "ντσ": (("NS", "nxc"), ("TS", "ds")), "ντ": (("T", "d"), ("NT", "ntd")),
    "μπ": (("B", "b"), ("MB", "mbp")), "γκ": (("K", "g"), ("NK", "ngk")), "τζ": (("K", "jgck"), ("TS", "tz")),
    "ου": (("u", ""),), "ντζ": (("K", "jgck"), ("NK", "njgck"), ("NTS", "ntz")),
    "νττζ": (("K", "jgck"), ("NK", "njgck")), "ττσ": (("S", "xc"),), "τσ": (("S", "xc"), ("TS", "ts")),
    "τχ": (("T", "t"), ("S", "s")), "2": (("'", ""),), "3": (("'", ""),), "5": (("K", "kh"), ("H", "h")),
    "7": (("H", "h"),), "9": (("K", "kgq"), ("S", "s")),
} | {vowel: ((vowel, ""),) for vowel in _CLASSES}  # fmt: skip
_ARABIC: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "ا": (("a", ""),), "و": (("u", ""), ("F", "v")), "ي": (("i", ""),), "ع": (("'", ""),), "ء": (("'", ""),),
    "ب": (("B", "bp"),), "پ": (("B", "p"),), "ت": (("T", "t"),), "ط": (("T", "t"),), "ث": (("T", "t"), ("S", "s")),
    "د": (("T", "d"),), "ذ": (("T", "d"), ("S", "z")), "ض": (("T", "d"), ("S", "z")), "ظ": (("S", "z"), ("T", "d")),
    "س": (("S", "s"),), "ص": (("S", "s"),), "ش": (("S", "x"),), "ز": (("S", "z"),), "ژ": (("S", "zx"), ("K", "j")),
    "چ": (("S", "xc"), ("K", "j")), "ج": (("K", "jgck"),), "ح": (("H", "h"),), "ه": (("H", "h"), ("", "")),
    "خ": (("K", "kh"), ("H", "h")), "غ": (("K", "gG"),), "ق": (("K", "kgq"),), "ك": (("K", "k"),), "گ": (("K", "g"),),
    "ف": (("F", "fv"),), "ڤ": (("F", "fv"),), "ل": (("L", "l"),), "م": (("M", "m"),), "ن": (("N", "n"),),
    "ر": (("R", "r"),),
}  # fmt: skip
_GRAPHEMES: Final = re.compile("|".join(sorted(_LATIN, key=len, reverse=True)))
_ENDINGS: Final = {
    _LATIN["h"]: (("", ""), ("H", "h")),
    _ARABIC["ه"]: (("a", ""), ("H", "h")),
    _ARABIC["ي"]: (("i", ""), ("a", "")),  # alef maqsura is folded into yeh
}
_SILENT: Final = "tdsxz"
"""Letters that French does not pronounce at the end of a word."""
_OTHER_SCRIPT: Final = re.compile("(νττζ|ντζ|ττσ|ντσ|ντχ|ντ|μπ|γκ|τζ|τσ|τχ|ου)|([χх])|([^\x00-\x7f])")
_PREFIXES: Final = re.compile("[وف]?(?:لل|[بك]?ال|[بلك])?(?=..)")
_SUFFIXES: Final = re.compile("(?<=...)(?:ها|هم|هن|هما|كم|نا|ه|ي|ك)$")
_ARTICLES: Final = re.compile("^(?:(?:al|el|ul)(?=[^aeiouy]..)|[aeu](?=([rsztdnl])\\1))")
_SERVANT: Final = re.compile("^(?:abd[aeiou]l?(?=[^aeiouy]..)|عبدال(?=..))")
"""Abd with the article, whose l is written or assimilated."""


@dataclass(frozen=True, slots=True)
class Pronunciation:
    """One way to read a word.

    Args:
        key: Its consonants, a class each.
        slots: The vowels before, between and after the consonants: one more than these.
        sounds: The sounds that each consonant may be.
        full: True where all vowels are written, False in Arabic script.
    """

    key: str
    slots: tuple[str, ...]
    sounds: tuple[str, ...]
    full: bool


class _Place(NamedTuple):
    """Position of a slot: before the first consonant, behind the last."""

    head: bool
    tail: bool


@functools.lru_cache(_MEMORY)
def keys(word: str) -> frozenset[str]:
    """Return the keys of all readings of a normalised word, with and without prefixes and article."""
    return frozenset(reading.key for reading in _readings(word))


@functools.lru_cache(_MEMORY // 8)
def _readings(word: str) -> tuple[Pronunciation, ...]:
    """Return the readings of a normalised word, with and without prefixes and article."""
    return tuple(dict.fromkeys(itertools.chain.from_iterable(map(_read, _stems(word.lower())))))


def same_name(word: str, other: str) -> bool:
    """Return whether two normalised words may be one name."""
    shared = keys(word) & keys(other)
    if any(len(key) >= _SURE for key in shared):
        return True
    return any(_agree(a, b) for a in _readings(word) for b in _readings(other) if a.key == b.key) if shared else False


def _stems(word: str) -> Iterator[str]:
    """Yield a word with and without the particles that may be written together with it."""
    if not _ABJAD.search(word):
        yield from dict.fromkeys((word, _ARTICLES.sub("", word, count=1), _SERVANT.sub("abd", word)))
        return
    prefixes = _PREFIXES.match(word)
    ends = range(1, prefixes.end() + 1) if prefixes else ()  # of one prefix, two, and so on
    for stem in {word, *(word[end:] for end in ends)}:
        yield stem
        yield _SERVANT.sub("عبد", stem)
        bare = _SUFFIXES.sub("", stem)
        if bare != stem and len(bare) > 3:  # noqa: PLR2004 - shorter ones are ordinary words with a pronoun
            yield from {bare, bare.removesuffix("ت")}


def _read(word: str) -> Iterator[Pronunciation]:
    """Yield the readings of one stem."""
    full = not _ABJAD.search(word)
    if full:
        # Another script is spelt in Latin; Greek digraphs and chi stay, as they are read in ways of their own.
        latin = _OTHER_SCRIPT.sub(lambda m: m[1] or ("χ" if m[2] else anyascii(m[0]).lower()), word)
        units = [_LATIN[grapheme] for grapheme in _GRAPHEMES.findall(latin)]
    else:
        # Allah is written with two lams and spoken with one, doubled
        units = [_ARABIC[c] for c in word.replace("لله", "له") if c in _ARABIC]
    if units and units[-1] in _ENDINGS:
        units[-1] = _ENDINGS[units[-1]]
    if full and len(word) > _SURE and word[-1] in _SILENT:
        units[-1] = (*units[-1], ("", ""))
    for choice in itertools.islice(itertools.product(*units), _MOST_READINGS):
        apart = _reading(choice, full=full, merged=False)
        yield apart
        # neighbours of one class may also be one sound that is spelt with both
        if any(a == b for a, b in itertools.pairwise(apart.key)):
            yield _reading(choice, full=full, merged=True)


def _reading(choice: tuple[tuple[str, str], ...], *, full: bool, merged: bool) -> Pronunciation:
    """Return one reading; neighbours of one class count once where the letter is doubled, or wherever `merged`."""
    key: list[str] = []
    slots = [""]
    sounds: list[str] = []
    for code, sound in choice:
        if code in _VOWELS:
            slots[-1] += code
        for consonant in code if code.isupper() else "":
            same = key and key[-1] == consonant and slots[-1] in ("", "'" if merged else "")
            if same and (merged or (full and sounds[-1] == sound)):
                continue
            key.append(consonant)
            sounds.append(sound)
            slots.append("")
    if sounds and len(key) > 2 and not slots[-1]:  # noqa: PLR2004 - not in the shortest: "about" is no Abd
        sounds[-1] += {"t": "d", "d": "t", "p": "b", "b": "p"}.get(sounds[-1], "")  # Murat and Murad
    return Pronunciation("".join(key), tuple(slots), tuple(sounds), full)


def _agree(reading: Pronunciation, other: Pronunciation) -> bool:
    """Return whether two readings of one key agree in vowels and sounds."""
    # The more consonants agree, the more differences are allowed: none up to two consonants, or one where both words
    # begin with a vowel and have all vowels written; then one for every further consonant.
    size = len(reading.key)
    if size == 0:
        return len(reading.slots[0]) > 1 and _classes(reading.slots[0]) == _classes(other.slots[0])
    last = len(reading.slots) - 1
    # One consonant says little (Ali, Lea and Elio share L), so that the vowels must be the same, unless they are many.
    strict = (
        size == 1
        and reading.full
        and other.full
        and min(sum(map(len, reading.slots)), sum(map(len, other.slots))) < _MANY
    )
    cost = sum(
        _clash((a, reading.full), (b, other.full), _Place(place == 0, place == last), strict=strict)
        for place, (a, b) in enumerate(zip(reading.slots, other.slots, strict=True))
    )
    cost += sum(set(a).isdisjoint(b) for a, b in zip(reading.sounds, other.sounds, strict=True))
    begin_with_vowels = reading.full and other.full and size > 1 and bool(reading.slots[0] and other.slots[0])
    return cost <= max(int(begin_with_vowels), size - 2)


def _classes(vowels: str) -> list[str]:
    """Return the classes of vowels, neighbours of one class once."""
    return [vowel for vowel, _ in itertools.groupby(v if v == "e" else _CLASSES[v][0] for v in vowels)]


def _clash(slot: tuple[str, bool], other: tuple[str, bool], place: _Place, *, strict: bool) -> bool:
    """Return whether the vowels of two slots disagree; a slot is given with whether all its vowels are written."""
    (a, a_full), (b, b_full) = slot, other
    if a_full != b_full:
        return _clash_across(a, b, place) if b_full else _clash_across(b, a, place)
    if strict:
        return _classes(a) != _classes(b)
    if not a or not b:
        return a != b
    return _sounds(a).isdisjoint(_sounds(b))


def _clash_across(written: str, spoken: str, place: _Place) -> bool:
    """Return whether a slot of Arabic script, with long vowels alone, clashes with one of all vowels."""
    if not written:
        # a short vowel is not written, except at the head, where it needs an alef to carry it
        return bool(spoken) and (place.head or (place.tail and not set(spoken) <= {"e"}))  # a final e may be mute
    if not spoken:
        return not set(written) <= {"'"}
    if place.head and written.startswith("a"):
        return False  # alef at the head carries any vowel
    return _sounds(written).isdisjoint(_sounds(spoken))


def _sounds(vowels: str) -> frozenset[str]:
    """Return every sound that one of the vowels may be."""
    return frozenset(sound for vowel in vowels for sound in _CLASSES[vowel])
