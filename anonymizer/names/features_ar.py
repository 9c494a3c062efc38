# ruff: noqa: RUF001 - Arabic letters are the matter
"""Features of Arabic words: letters, prefixes, rarity, word lists and neighbours, as there are no capitals.

The word lists are in the folder `lexicon` (`ar_*.txt`).

Called by: `languages`.

Invariants:
    - Words are folded (`normalise`).
    - The names of features belong to the trained model: change nothing here without training again.
"""

import functools
import re
from typing import Final

from anonymizer.names import arabic, lexicon, rarity
from anonymizer.names.features import Features
from anonymizer.names.tokens import LINE_BREAK

__all__ = ["FEATURES", "part"]

_EDGE: Final = ("edge",)
_ARABIC: Final = re.compile("[\u0600-\u06ff]")
_RUNS: Final = re.compile(r"(.)\1{2,}")
_RELATION: Final = ("يه", "يين", "يون", "يات", "يا", "ي")
_ROOT_ENDS: Final = ("", "ا", "يا", "ه")
_SHORTEST_ROOT: Final = 3
_SHORTEST_SKELETON: Final = 3
# Prefixes that a foreign name can have; with an article a word is seldom one.
_FOREIGN: Final = frozenset({"", "l", "w", "wl", "b"})
_LONGEST: Final = 8
_CACHE: Final = 100_000
_COMMON: Final = "5"
_SHORTEST: Final = 4


@functools.lru_cache(maxsize=_CACHE)
def _lists(word: str) -> tuple[str, ...]:
    """Return the lists that a word or its stem is on.

    G given names, L family names, C countries, F places, T words of places, each with `s` if the stem is on it; the
    roles of `ar_roles`; N a nisba; X and Y a skeleton of a name or a city.
    """
    stem, taken = arabic.split(word)
    lists = set(_name_lists(word, ""))
    if stem != word:
        lists |= set(_name_lists(stem, "s"))
    for form in (word, stem):
        if kind := lexicon.classes("ar_roles").get(form):
            lists |= set(kind.split("+"))
    if relation := _relation(stem):
        lists.add(f"N{relation}")
    sounds = arabic.skeleton(stem)
    if len(sounds) >= _SHORTEST_SKELETON and taken in _FOREIGN:
        lists |= {kind for kind in (lexicon.classes("ar_skeletons").get(sounds),) if kind}
    return tuple(sorted(lists))


def _name_lists(form: str, suffix: str) -> list[str]:
    """Return the letters of the lists of names that a form is on, with or without the article, and a suffix each."""

    def _is_on(name: str) -> bool:
        members = lexicon.words(name)
        return form in members or f"ال{form}" in members

    names = (("G", "ar_given"), ("L", "ar_family"), ("C", "ar_countries"), ("F", "ar_places"))
    lists = [f"{letter}{suffix}" for letter, name in names if _is_on(name)]
    if len(form) > 2 and _is_on("ar_place_words"):  # noqa: PLR2004 - two letters say nothing
        lists.append(f"T{suffix}")
    return lists


def _relation(stem: str) -> str:
    """Return "c" for a nisba of a country, "t" for one of a place (the Lebanese, a Damascene), else an empty string."""
    for end in _RELATION:
        root = stem.removesuffix(end)
        if root != stem and len(root) >= _SHORTEST_ROOT:
            roots = [article + root + ending for article in ("", "ال") for ending in _ROOT_ENDS]
            if any(name in lexicon.words("ar_countries") for name in roots):
                return "c"
            if any(name in lexicon.words("ar_places") for name in roots[: len(_ROOT_ENDS)]):
                return "t"
    return ""


@functools.lru_cache(maxsize=_CACHE)
def _kind(word: str) -> str:
    """Return one name for all words that behave alike: of the same rarity, last prefix and lists."""
    if word == LINE_BREAK:
        return "edge"
    if not _ARABIC.match(word):
        return _shape(word)[:2]
    stem, taken = arabic.split(word)
    grade = min(rarity.grade("ar", word), rarity.grade("ar", stem))
    return grade + taken[-1:] + "".join(name[0] for name in _lists(word))


def _shape(word: str) -> str:
    """Return the shape of a word in another script: X upper case, x lower case, d a digit, runs cut to two."""
    marks = ["X" if c.isupper() else "x" if c.isalpha() else "d" if c.isdigit() else c for c in word]
    return _RUNS.sub(r"\1\1", "".join(marks))[:6]


def _here(word: str) -> tuple[str, ...]:
    """Name the features of a word itself; one in another script has few."""
    if word == LINE_BREAK:
        return _EDGE
    if not _ARABIC.match(word):
        return ("bias", f"w={word.lower()}", f"h={_shape(word)}")
    stem, taken = arabic.split(word)
    grade, lists = rarity.grade("ar", word), _lists(word)
    size = min(_LONGEST, len(stem))
    names = ["bias", f"w={word}", f"s={stem}", f"t={taken}", f"r={grade}", f"q={grade}{rarity.grade('ar', stem)}"]
    names += [f"n={size}", f"tn={taken}{size}", f"rs={grade}{stem[-2:]}", f"rp={grade}{stem[:2]}", f"p={word[:3]}"]
    names += [f"p{n}={stem[:n]}" for n in (2, 3, 4)] + [f"s{n}={stem[-n:]}" for n in (1, 2, 3, 4)]
    names += [f"x={name}" for name in lists] + [f"x={name}{grade}" for name in lists]
    names += [f"X={''.join(lists)} {grade}{taken}", f"k={arabic.skeleton(stem)}"]
    names += [f"b={stem[i : i + 2]}" for i in range(len(stem) - 1)]
    return tuple(dict.fromkeys(names))


def _around(word: str) -> tuple[str, ...]:
    """Name the features of a word as its neighbours see it."""
    if word == LINE_BREAK:
        return _EDGE
    if not _ARABIC.match(word):
        return (f"w={word.lower()}", f"h={_shape(word)}", f"k={_kind(word)}")
    stem, taken = arabic.split(word)
    names = [f"w={word}", f"r={rarity.grade('ar', word)}", f"t={taken}", f"s2={stem[-2:]}", f"p2={word[:2]}"]
    names += [f"k={_kind(word)}", *(f"x={name}" for name in _lists(word))]
    return (*names, f"s={stem}") if stem != word else tuple(names)


def _pair(word: str, following: str) -> tuple[str, ...]:
    """Name the features of two neighbouring words."""
    if LINE_BREAK in {word, following}:
        return ()
    first = arabic.split(word)[0]
    return (f"w={word} {following}", f"k={_kind(word)} {_kind(following)}", f"m={first} {_kind(following)}")


def part(form: str) -> bool:
    """Tell whether a word of a person's name is looked for alone in the rest of the text: rare, and not short."""
    return len(form) >= _SHORTEST and form.isalpha() and rarity.grade("ar", form) > _COMMON


FEATURES: Final = Features(_here, _around, _pair)
