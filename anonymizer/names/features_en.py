"""Features of English words: `CASED` for ordinary texts, `LOWER` for texts without capitals or all in capitals.

`LOWER` sees the lower-cased word alone, so that a text in capitals and one in small letters are read alike. The word
lists are in the folder `lexicon`.

Called by: `languages`.

Invariant: the names of features belong to the trained models: change nothing here without training again.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anonymizer.names import lexicon
from anonymizer.names.features import Features
from anonymizer.names.tokens import LINE_BREAK

__all__ = ["CASED", "LOWER"]

_EDGE: Final = ("edge",)
_RUNS: Final = re.compile(r"(.)\1{2,}")
_RARE: Final = "9"
_RARE_ENOUGH: Final = "1"
_LONGEST_SHAPE: Final = 8
_YEARS: Final = range(1800, 2100)
_YEAR_DIGITS: Final = 4
_SEEN_LEVELS: Final = 2
"""Levels of word classes that neighbours see; the finest tells too little about the word next to it."""


def shape(form: str) -> str:
    """Return the shape of a form: X upper case, x lower case, d a digit; runs are cut to two, the whole to eight."""
    marks = ["X" if c.isupper() else "x" if c.isalpha() else "d" if c.isdigit() else c for c in form]
    return _RUNS.sub(r"\1\1", "".join(marks))[:_LONGEST_SHAPE]


def _kinds(low: str) -> list[str]:
    """Return the commonness of a lower-cased word and the lists that it is on."""
    common = lexicon.commonness("en").get(low, _RARE)
    kinds = [f"c={common}"]
    kind = lexicon.classes("people").get(low)
    if kind is None and low.endswith("s"):
        kind = lexicon.classes("people").get(low[:-1])
    if kind:
        kinds.append(f"k={kind}")
    if kind := lexicon.classes("middle_east").get(low):
        kinds.append(f"r={kind}")
    if common > _RARE_ENOUGH:  # among the commonest words a name on a list would mislead: "will", "may"
        kinds += [f"l={name}" for name in ("places", "given", "family") if low in lexicon.words(name)]
    return kinds


def _classes(low: str) -> list[str]:
    """Return the classes of words used alike, the coarsest first; a plural has those of its singular."""
    by_word = lexicon.classes("en_word_classes")
    classes = by_word.get(low) or (by_word.get(low[:-1]) if low.endswith("s") else None)
    return classes.split(".") if classes else []


def _alike(low: str) -> list[str]:
    """Name the word classes of a lower-cased word by level."""
    return [f"v{level}={number}" for level, number in enumerate(_classes(low))]


def _pair_of(form: str, following: str, looks: tuple[str, str]) -> tuple[str, ...]:
    """Name two neighbours by their words, and by their coarsest word classes or, without any, their shapes."""
    kinds = [(_classes(word.lower()) or [look[:2]])[0] for word, look in zip((form, following), looks, strict=True)]
    return (f"{_word(form)} {_word(following)}", f"v {' '.join(kinds)}")


def _word(form: str) -> str:
    """Return a word in lower case, `year` for a year, and `digits` with the count for another number."""
    if not form.isdigit():
        return form.lower()
    return "year" if len(form) == _YEAR_DIGITS and int(form) in _YEARS else f"digits{min(len(form), 6)}"


def _affixes(low: str) -> list[str]:
    """Name the first and the last two to four letters of a word."""
    return [f"p{n}={low[:n]}" for n in (2, 3, 4)] + [f"s{n}={low[-n:]}" for n in (2, 3, 4)]


def _here(form: str) -> tuple[str, ...]:
    """Name the features of a word itself."""
    if form == LINE_BREAK:
        return _EDGE
    low, look, kinds = form.lower(), shape(form), _kinds(form.lower())
    seen = [f"{look[0]}{kind}" for kind in kinds]
    return ("bias", f"w={_word(form)}", f"h={look}", *_affixes(low), *kinds, *seen, *_alike(low))


def _around(form: str) -> tuple[str, ...]:
    """Name the features of a word as its neighbours see it."""
    if form == LINE_BREAK:
        return _EDGE
    look, kinds, alike = shape(form), _kinds(form.lower()), _alike(form.lower())
    return (f"w={_word(form)}", f"h={look}", *(f"{look[0]}{kind}" for kind in kinds), *alike[:_SEEN_LEVELS])


def _pair(form: str, following: str) -> tuple[str, ...]:
    """Name the features of two neighbouring words."""
    if LINE_BREAK in {form, following}:
        return ()
    return _pair_of(form, following, (shape(form), shape(following)))


def _flags(forms: Sequence[str]) -> Mapping[str, NDArray[np.bool_]]:
    """Flag the capitalised words that the document also has in lower case: mostly first words of sentences."""
    seen = set(forms)
    capital = np.array([form[0].isupper() for form in forms], dtype=np.bool_)
    also = np.array([form.lower() in seen for form in forms], dtype=np.bool_)
    return {"also lower": capital & also}


def _lower_here(form: str) -> tuple[str, ...]:
    """Name the features of a word itself, without its capitals."""
    if form == LINE_BREAK:
        return _EDGE
    low = form.lower()
    return ("bias", f"w={_word(low)}", f"h={shape(low)}", *_affixes(low), *_kinds(low), *_alike(low))


def _lower_around(form: str) -> tuple[str, ...]:
    """Name the features of a word as its neighbours see it, without its capitals."""
    if form == LINE_BREAK:
        return _EDGE
    low = form.lower()
    return (f"w={_word(low)}", f"h={shape(low)}", *_kinds(low), *_alike(low)[:_SEEN_LEVELS])


def _lower_pair(form: str, following: str) -> tuple[str, ...]:
    """Name the features of two neighbouring words, without their capitals."""
    if LINE_BREAK in {form, following}:
        return ()
    return _pair_of(form, following, (shape(form.lower()), shape(following.lower())))


CASED: Final = Features(_here, _around, _pair, _flags)
LOWER: Final = Features(_lower_here, _lower_around, _lower_pair)
