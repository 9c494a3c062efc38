"""What French tells its model about words: months and nationalities have no capitals, titles and numbers say much.

Decides the features; the lists are in `lexicon`. Takes folded text, without accents. Whether a capitalised word stands
after a title, or in lower case, anywhere in the document is a flag of each of its occurrences.
"""

import functools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anonymizer.names import lexicon, rarity
from anonymizer.names.features import Features
from anonymizer.names.tokens import LINE_BREAK

__all__ = ["FEATURES", "part"]

_EDGE: Final = ("edge",)
_RUNS: Final = re.compile(r"(.)\1{2,}")
_LONGEST_SHAPE: Final = 8
_LONGEST: Final = 9
_CACHE: Final = 100_000
_TITLES: Final = frozenset({"m", "mm", "mme", "mmes", "mlle", "me", "dr"})
_PEOPLES: Final = (
    "aises", "aise", "ais", "iennes", "ienne", "iens", "ien", "oises", "oise", "ois", "aines", "aine", "ains", "ain",
    "anes", "ane", "ans", "an", "es", "e", "s",
)  # fmt: skip
_SHORTEST_ROOT: Final = 4
_LONGEST_DAY, _LAST_DAY = 2, 31
_YEARS: Final = range(1800, 2100)
_YEAR_DIGITS: Final = 4
_OFTEN: Final = 3
_COMMON: Final = "2"
_SHORTEST: Final = 3


def _shape(form: str) -> str:
    marks = ["X" if c.isupper() else "x" if c.isalpha() else "d" if c.isdigit() else c for c in form]
    return _RUNS.sub(r"\1\1", "".join(marks))[:_LONGEST_SHAPE]


def _number(form: str) -> str:
    """Name what a form with digits can be: D a day, B two digits, Y a year, O an ordinal; empty without digits."""
    if not form.isdecimal():
        mixed = "Z" if any(c.isdigit() for c in form) else ""
        return "O" if mixed and form.endswith("er") and form[:-2].isdecimal() else mixed
    if len(form) <= _LONGEST_DAY:
        return "D" if 1 <= int(form) <= _LAST_DAY else "B"
    if len(form) == _YEAR_DIGITS:
        return "Y" if int(form) in _YEARS else "4"
    return str(min(len(form), 6))


@functools.lru_cache(maxsize=_CACHE)
def _lists(form: str) -> tuple[str, ...]:
    """Lists that a word is on; names of people and cities count only where there is a capital."""
    low = _spelled(form)
    found = [name for name in ("given", "family", "places") if form[0].isupper() and low in lexicon.words(name)]
    if low in lexicon.words("fr_countries"):
        found.append("country")
    if _of_country(low):
        found.append("people")
    kind = lexicon.classes("fr_words").get(low)
    return tuple([*found, kind] if kind else found)


def _spelled(form: str) -> str:
    """Return a form as the lists spell it: in lower case, its ligature as two letters."""
    return form.lower().replace("œ", "oe")


def _of_country(low: str) -> bool:
    roots = [low.removesuffix(end) for end in _PEOPLES if low.endswith(end)]
    return any(
        root + end in lexicon.words("fr_countries")
        for root in roots
        if len(root) >= _SHORTEST_ROOT
        for end in ("", "e", "ie", "s")
    )


@functools.lru_cache(maxsize=_CACHE)
def _kind(form: str) -> str:
    """One name for all that behaves alike: digits, case, rarity, lists."""
    if form == LINE_BREAK:
        return "edge"
    if number := _number(form):
        return number
    if not form[0].isalpha():
        return form
    grade = rarity.grade("fr", form.lower())
    lists = "".join(name[0] if name != "people" else "n" for name in _lists(form))
    return _case(form) + ("" if form.isupper() else grade) + lists


def _case(form: str) -> str:
    if form.isupper():
        return "A" if len(form) > 1 else "1"
    return "X" if form[0].isupper() else "x"


def _here(form: str) -> tuple[str, ...]:
    if form == LINE_BREAK:
        return _EDGE
    low = form.lower()
    found = ["bias", f"w={low}", f"h={_shape(form)}", f"k={_kind(form)}"]
    if form[0].isalnum() and len(form) > 1:
        found += [f"p{n}={low[:n]}" for n in (2, 3, 4)] + [f"s{n}={low[-n:]}" for n in (1, 2, 3, 4)]
    if form[0].isalpha():
        found += _alphabetic(form, low)
    return tuple(dict.fromkeys(found))


def _alphabetic(form: str, low: str) -> list[str]:
    case, grade = _case(form), rarity.grade("fr", low)
    english = lexicon.commonness("en").get(low, "9")
    found = [f"W={form}", f"r={case}{grade}", f"e={case}{english}", f"re={case}{grade}{english}"]
    found += [f"c2={case}{low[-2:]}", f"c3={case}{low[-3:]}", f"n={case}{min(len(form), _LONGEST)}"]
    return found + [f"x={name}" for name in _lists(form)]


def _around(form: str) -> tuple[str, ...]:
    if form == LINE_BREAK:
        return _EDGE
    low = form.lower()
    found = [f"w={low}", f"h={_shape(form)[:4]}", f"k={_kind(form)}"]
    if form[0].isalpha():
        found += [f"s3={low[-3:]}", f"r={rarity.grade('fr', low)}", *(f"x={name}" for name in _lists(form))]
    return tuple(found)


def _pair(one: str, other: str) -> tuple[str, ...]:
    if LINE_BREAK in {one, other}:
        return (f"k={_kind(one)} {_kind(other)}",)
    first, second = one.lower(), other.lower()
    kinds = _kind(one), _kind(other)
    return (f"w={first} {second}", f"k={kinds[0]} {kinds[1]}", f"m={first} {kinds[1]}", f"n={kinds[0]} {second}")


def _flags(forms: Sequence[str]) -> Mapping[str, NDArray[np.bool_]]:
    """What the document says elsewhere of a capitalised word: after a title, also in lower case, never so, often."""
    seen, capital, titled = set(forms), [form[0].isupper() for form in forms], _titled(forms)
    counts = Counter(form for form in forms if form[0].isupper())
    small = [form.lower() in seen for form in forms]
    flags = {
        "titled": [form in titled for form in forms],
        "small": [big and low for big, low in zip(capital, small, strict=True)],
        "never small": [big and not low for big, low in zip(capital, small, strict=True)],
        "often": [counts[form] >= _OFTEN and not low for form, low in zip(forms, small, strict=True)],
    }
    return {name: np.array(values, dtype=np.bool_) for name, values in flags.items()}


def _titled(forms: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for place, form in enumerate(forms):
        if form[0].isupper() and form.lower() in _TITLES:
            after = place + 2 if "." in forms[place + 1 : place + 2] else place + 1
            while after < len(forms) and forms[after][0].isupper():
                found.add(forms[after])
                after += 1
    return found


def part(form: str) -> bool:
    """Say whether a word of a person's name is looked for alone in the rest of the text: rare, with a capital."""
    low = form.lower()
    if len(form) < _SHORTEST or not form.isalpha() or not form[0].isupper() or low in _TITLES:
        return False
    return rarity.grade("fr", low) > _COMMON


FEATURES: Final = Features(_here, _around, _pair, _flags)
