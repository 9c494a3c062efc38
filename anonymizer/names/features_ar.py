# ruff: noqa: RUF001 - Arabic letters are the matter
"""What Arabic tells its model about words: no capitals, so letters, rarity, lists and neighbours have to do.

Decides the features; the lists are in `lexicon` (`ar_*.txt`), the letters in `arabic`. Takes folded text.
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
_FOREIGN: Final = frozenset({"", "l", "w", "wl", "b"})
_LONGEST: Final = 8
_CACHE: Final = 100_000
_COMMON: Final = "5"
_SHORTEST: Final = 4


@functools.lru_cache(maxsize=_CACHE)
def _lists(word: str) -> tuple[str, ...]:
    """Lists that a word or its stem is on: G given, L family, C country, F place, T word of a place, and so on."""
    stem, taken = arabic.split(word)
    found = set(_named(word, ""))
    if stem != word:
        found |= set(_named(stem, "s"))
    for form in (word, stem):
        if kind := lexicon.classes("ar_roles").get(form):
            found |= set(kind.split("+"))
    if relation := _relation(stem):
        found.add(f"N{relation}")
    sounds = arabic.skeleton(stem)
    if len(sounds) >= _SHORTEST_SKELETON and taken in _FOREIGN:
        found |= {kind for kind in (lexicon.classes("ar_skeletons").get(sounds),) if kind}
    return tuple(sorted(found))


def _named(form: str, mark: str) -> list[str]:
    def on(name: str) -> bool:
        known = lexicon.words(name)
        return form in known or f"ال{form}" in known

    names = (("G", "ar_given"), ("L", "ar_family"), ("C", "ar_countries"), ("F", "ar_places"))
    found = [f"{letter}{mark}" for letter, name in names if on(name)]
    if len(form) > 2 and on("ar_place_words"):  # noqa: PLR2004 - two letters say nothing
        found.append(f"T{mark}")
    return found


def _relation(stem: str) -> str:
    """Say whether a word is a nisba, of a country (c) or a place (t): the Lebanese, a Damascene."""
    for end in _RELATION:
        root = stem.removesuffix(end)
        if root != stem and len(root) >= _SHORTEST_ROOT:
            roots = [article + root + ending for article in ("", "ال") for ending in _ROOT_ENDS]
            if any(one in lexicon.words("ar_countries") for one in roots):
                return "c"
            if any(one in lexicon.words("ar_places") for one in roots[: len(_ROOT_ENDS)]):
                return "t"
    return ""


@functools.lru_cache(maxsize=_CACHE)
def _kind(word: str) -> str:
    """One name for all that behaves alike: rarity, what is written onto it, lists."""
    if word == LINE_BREAK:
        return "edge"
    if not _ARABIC.match(word):
        return _shape(word)[:2]
    stem, taken = arabic.split(word)
    grade = min(rarity.grade("ar", word), rarity.grade("ar", stem))
    return grade + taken[-1:] + "".join(one[0] for one in _lists(word))


def _shape(word: str) -> str:
    marks = ["X" if c.isupper() else "x" if c.isalpha() else "d" if c.isdigit() else c for c in word]
    return _RUNS.sub(r"\1\1", "".join(marks))[:6]


def _here(word: str) -> tuple[str, ...]:
    if word == LINE_BREAK:
        return _EDGE
    if not _ARABIC.match(word):
        return ("bias", f"w={word.lower()}", f"h={_shape(word)}")
    stem, taken = arabic.split(word)
    grade, lists = rarity.grade("ar", word), _lists(word)
    size = min(_LONGEST, len(stem))
    found = ["bias", f"w={word}", f"s={stem}", f"t={taken}", f"r={grade}", f"q={grade}{rarity.grade('ar', stem)}"]
    found += [f"n={size}", f"tn={taken}{size}", f"rs={grade}{stem[-2:]}", f"rp={grade}{stem[:2]}", f"p={word[:3]}"]
    found += [f"p{n}={stem[:n]}" for n in (2, 3, 4)] + [f"s{n}={stem[-n:]}" for n in (1, 2, 3, 4)]
    found += [f"x={one}" for one in lists] + [f"x={one}{grade}" for one in lists]
    found += [f"X={''.join(lists)} {grade}{taken}", f"k={arabic.skeleton(stem)}"]
    found += [f"b={stem[i : i + 2]}" for i in range(len(stem) - 1)]
    return tuple(dict.fromkeys(found))


def _around(word: str) -> tuple[str, ...]:
    if word == LINE_BREAK:
        return _EDGE
    if not _ARABIC.match(word):
        return (f"w={word.lower()}", f"h={_shape(word)}", f"k={_kind(word)}")
    stem, taken = arabic.split(word)
    found = [f"w={word}", f"r={rarity.grade('ar', word)}", f"t={taken}", f"s2={stem[-2:]}", f"p2={word[:2]}"]
    found += [f"k={_kind(word)}", *(f"x={one}" for one in _lists(word))]
    return (*found, f"s={stem}") if stem != word else tuple(found)


def _pair(one: str, other: str) -> tuple[str, ...]:
    if LINE_BREAK in {one, other}:
        return ()
    first = arabic.split(one)[0]
    return (f"w={one} {other}", f"k={_kind(one)} {_kind(other)}", f"m={first} {_kind(other)}")


def part(form: str) -> bool:
    """Say whether a word of a person's name is looked for alone in the rest of the text: rare, and no short one."""
    return len(form) >= _SHORTEST and form.isalpha() and rarity.grade("ar", form) > _COMMON


FEATURES: Final = Features(_here, _around, _pair)
