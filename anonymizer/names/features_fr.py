"""Features of French words: case, rarity, word lists, numbers, and titles anywhere in the document.

French writes months and nationalities without capitals, so lists and numbers count for more than in English. The word
lists are in the folder `lexicon`.

Called by: `languages`.

Invariants:
    - Words are normalised: without accents, but with their capitals.
    - The names of features belong to the trained model: change nothing here without training again.
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
    """Return the shape of a form: X upper case, x lower case, d a digit; runs are cut to two, the whole to eight."""
    marks = ["X" if c.isupper() else "x" if c.isalpha() else "d" if c.isdigit() else c for c in form]
    return _RUNS.sub(r"\1\1", "".join(marks))[:_LONGEST_SHAPE]


def _number(form: str) -> str:
    """Return the kind of number of a form with digits, empty without digits.

    D a day of a month, B two other digits, Y a year, 4 four other digits, O an ordinal (`1er`), Z letters and digits;
    else the count of digits, at most 6.
    """
    if not form.isdecimal():
        mixed = "Z" if any(c.isdigit() for c in form) else ""
        return "O" if mixed and form.endswith("er") and form[:-2].isdecimal() else mixed
    if len(form) <= _LONGEST_DAY:
        return "D" if 1 <= int(form) <= _LAST_DAY else "B"
    if len(form) == _YEAR_DIGITS:
        return "Y" if int(form) in _YEARS else "4"
    return str(min(len(form), 6))


# The caches are bounded: a worker reads texts for weeks and meets ever more spellings.
@functools.lru_cache(maxsize=_CACHE)
def _lists(form: str) -> tuple[str, ...]:
    """Return the lists that a word is on; those of names and cities need a capital, as many are also common words."""
    low = form.lower().replace("œ", "oe")  # as the lists spell it
    lists = [name for name in ("given", "family", "places") if form[0].isupper() and low in lexicon.words(name)]
    if low in lexicon.words("fr_countries"):
        lists.append("country")
    # A nationality is a country's name with an ending of peoples.
    roots = [root for end in _PEOPLES if low.endswith(end) and len(root := low.removesuffix(end)) >= _SHORTEST_ROOT]
    if any(root + end in lexicon.words("fr_countries") for root in roots for end in ("", "e", "ie", "s")):
        lists.append("people")
    kind = lexicon.classes("fr_words").get(low)
    return tuple([*lists, kind] if kind else lists)


@functools.lru_cache(maxsize=_CACHE)
def _kind(form: str) -> str:
    """Return one name for all words that behave alike: of the same kind of number, or case, rarity and lists."""
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
    """Return A for all capitals, 1 for a single capital, X for a capital first, x for none."""
    if form.isupper():
        return "A" if len(form) > 1 else "1"
    return "X" if form[0].isupper() else "x"


def _here(form: str) -> tuple[str, ...]:
    """Name the features of a word itself."""
    if form == LINE_BREAK:
        return _EDGE
    low = form.lower()
    names = ["bias", f"w={low}", f"h={_shape(form)}", f"k={_kind(form)}"]
    if form[0].isalnum() and len(form) > 1:
        names += [f"p{n}={low[:n]}" for n in (2, 3, 4)] + [f"s{n}={low[-n:]}" for n in (1, 2, 3, 4)]
    if form[0].isalpha():
        # Case, rarity in French and in English, ending, lists.
        case, grade = _case(form), rarity.grade("fr", low)
        english = lexicon.commonness("en").get(low, "9")
        names += [f"W={form}", f"r={case}{grade}", f"e={case}{english}", f"re={case}{grade}{english}"]
        names += [f"c2={case}{low[-2:]}", f"c3={case}{low[-3:]}", f"n={case}{min(len(form), _LONGEST)}"]
        names += [f"x={name}" for name in _lists(form)]
    return tuple(dict.fromkeys(names))


def _around(form: str) -> tuple[str, ...]:
    """Name the features of a word as its neighbours see it."""
    if form == LINE_BREAK:
        return _EDGE
    low = form.lower()
    names = [f"w={low}", f"h={_shape(form)[:4]}", f"k={_kind(form)}"]
    if form[0].isalpha():
        names += [f"s3={low[-3:]}", f"r={rarity.grade('fr', low)}", *(f"x={name}" for name in _lists(form))]
    return tuple(names)


def _pair(word: str, following: str) -> tuple[str, ...]:
    """Name the features of two neighbouring words; at the edge of a line only their kinds."""
    if LINE_BREAK in {word, following}:
        return (f"k={_kind(word)} {_kind(following)}",)
    first, second = word.lower(), following.lower()
    kinds = _kind(word), _kind(following)
    return (f"w={first} {second}", f"k={kinds[0]} {kinds[1]}", f"m={first} {kinds[1]}", f"n={kinds[0]} {second}")


def _flags(forms: Sequence[str]) -> Mapping[str, NDArray[np.bool_]]:
    """Flag capitalised words by their other occurrences: after a title, also in lower case, never so, often.

    A flag stands at every occurrence of the word, so that one clear place helps all the others.
    """
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
    """Return the capitalised forms that stand behind a title somewhere in the document."""
    titled: set[str] = set()
    for place, form in enumerate(forms):
        if form[0].isupper() and form.lower() in _TITLES:
            # "Mme" may have a full stop, a token of its own; the name ends with the first word in small letters.
            after = place + 2 if "." in forms[place + 1 : place + 2] else place + 1
            while after < len(forms) and forms[after][0].isupper():
                titled.add(forms[after])
                after += 1
    return titled


def part(form: str) -> bool:
    """Tell whether a word of a person's name is looked for alone in the rest of the text: rare, with a capital."""
    low = form.lower()
    if len(form) < _SHORTEST or not form.isalpha() or not form[0].isupper() or low in _TITLES:
        return False
    return rarity.grade("fr", low) > _COMMON


FEATURES: Final = Features(_here, _around, _pair, _flags)
