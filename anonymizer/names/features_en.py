"""What English tells its model about words, with capitals and without.

Decides the features; the lists are in `lexicon`. Where a text has no capitals to go by, `LOWER` looks at nothing but
the lower-cased word, so that both models are as good as their texts allow.
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
"""Levels of classes that neighbours look at: the finest says too little about a word next to it."""


def shape(form: str) -> str:
    """Return a form's shape: X for upper case, x for lower case, d for digits, runs cut to two, eight characters."""
    marks = ["X" if c.isupper() else "x" if c.isalpha() else "d" if c.isdigit() else c for c in form]
    return _RUNS.sub(r"\1\1", "".join(marks))[:_LONGEST_SHAPE]


def _kinds(low: str) -> list[str]:
    """Lists that a lower-cased word is on; common words are on no list of names."""
    common = lexicon.commonness("en").get(low, _RARE)
    found = [f"c={common}"]
    kind = lexicon.classes("people").get(low)
    if kind is None and low.endswith("s"):
        kind = lexicon.classes("people").get(low[:-1])
    if kind:
        found.append(f"k={kind}")
    if kind := lexicon.classes("middle_east").get(low):
        found.append(f"r={kind}")
    if common > _RARE_ENOUGH:
        found += [f"l={name}" for name in ("places", "given", "family") if low in lexicon.words(name)]
    return found


def _classes(low: str) -> list[str]:
    """Classes of words used alike, the coarsest first; a plural is what its singular is."""
    known = lexicon.classes("en_word_classes")
    found = known.get(low) or (known.get(low[:-1]) if low.endswith("s") else None)
    return found.split(".") if found else []


def _alike(low: str) -> list[str]:
    return [f"v{level}={one}" for level, one in enumerate(_classes(low))]


def _pair_of(one: str, other: str, looks: tuple[str, str]) -> tuple[str, ...]:
    """Name two neighbours by their words, and by their coarsest classes; by how they look where they have none."""
    kinds = [(_classes(form.lower()) or [look[:2]])[0] for form, look in zip((one, other), looks, strict=True)]
    return (f"{_word(one)} {_word(other)}", f"v {' '.join(kinds)}")


def _word(form: str) -> str:
    """Return what stands for the word: itself, or its shape if it is a number but no year."""
    if not form.isdigit():
        return form.lower()
    return "year" if len(form) == _YEAR_DIGITS and int(form) in _YEARS else f"digits{min(len(form), 6)}"


def _affixes(low: str) -> list[str]:
    return [f"p{n}={low[:n]}" for n in (2, 3, 4)] + [f"s{n}={low[-n:]}" for n in (2, 3, 4)]


def _here(form: str) -> tuple[str, ...]:
    if form == LINE_BREAK:
        return _EDGE
    low, look, kinds = form.lower(), shape(form), _kinds(form.lower())
    seen = [f"{look[0]}{kind}" for kind in kinds]
    return ("bias", f"w={_word(form)}", f"h={look}", *_affixes(low), *kinds, *seen, *_alike(low))


def _around(form: str) -> tuple[str, ...]:
    if form == LINE_BREAK:
        return _EDGE
    look, kinds, alike = shape(form), _kinds(form.lower()), _alike(form.lower())
    return (f"w={_word(form)}", f"h={look}", *(f"{look[0]}{kind}" for kind in kinds), *alike[:_SEEN_LEVELS])


def _pair(one: str, other: str) -> tuple[str, ...]:
    if LINE_BREAK in {one, other}:
        return ()
    return _pair_of(one, other, (shape(one), shape(other)))


def _flags(forms: Sequence[str]) -> Mapping[str, NDArray[np.bool_]]:
    """Capitalised words that the document also has in lower case, and those that it repeats."""
    seen = set(forms)
    capital = np.array([form[0].isupper() for form in forms], dtype=np.bool_)
    also = np.array([form.lower() in seen for form in forms], dtype=np.bool_)
    return {"also lower": capital & also}


def _lower_here(form: str) -> tuple[str, ...]:
    if form == LINE_BREAK:
        return _EDGE
    low = form.lower()
    return ("bias", f"w={_word(low)}", f"h={shape(low)}", *_affixes(low), *_kinds(low), *_alike(low))


def _lower_around(form: str) -> tuple[str, ...]:
    if form == LINE_BREAK:
        return _EDGE
    low = form.lower()
    return (f"w={_word(low)}", f"h={shape(low)}", *_kinds(low), *_alike(low)[:_SEEN_LEVELS])


def _lower_pair(one: str, other: str) -> tuple[str, ...]:
    if LINE_BREAK in {one, other}:
        return ()
    return _pair_of(one, other, (shape(one.lower()), shape(other.lower())))


CASED: Final = Features(_here, _around, _pair, _flags)
LOWER: Final = Features(_lower_here, _lower_around, _lower_pair)
