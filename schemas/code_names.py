"""Names of codes in tables: when two spellings are one code, and what a name says about other codes.

Purpose: the knowledge that everybody has who reads a table: `Total` sums the rows beside it, `2024-Q1` lies in `2024`,
`LBN-Beirut` in `LBN`, `6-17` in `<18`. Whoever protects a table and whoever attacks one start from the same names.
Called by: `anonymizer.tabular.levels` and `anonymizer.attacks.levels_read`, which hold names against counts;
`connectors.offline.table_files`, which refuses codes and columns that are equal when folded.

Invariants:
- A name alone decides nothing: what it says is held against the counts.
- Folding keeps letters apart that mean something else: `é` and `e`, `-` and a blank.
- Two spellings are of one code if they are equal when folded, or are one number: `01` and `1.0` are 1 in a spreadsheet.

Source: Unicode Standard Annex 15 (NFKC) and chapter 3.13 (case folding); SDMX for `_T` (total) and `_O` (other).

>>> folded("  Bey\u200brut\u00a0\u0661") == folded("BEYRUT 1"), folded("إدلـب") == folded("ادلب")
(True, True)
>>> same_code("01") == same_code("1.0") == same_code("1"), same_code("LB01") == same_code("LB1")
(True, False)
>>> [total_strength(name) for name in ("Grand Total", "المجموع", "Both", "LBN")]
[2, 2, 1, 0]
>>> strength_within("2024-Q1", "2024"), strength_within("LBN-Beirut", "LBN"), strength_within("6-17", "<18")
(2, 2, 2)
>>> strength_within("LBN", "LBN-Beirut"), strength_within("North East", "North"), span_of("2024-13")
(0, 1, None)
"""

import csv
import functools
import math
import re
import unicodedata
from importlib import resources
from typing import Final, NamedTuple

from schemas.trend import TOTAL

__all__ = ["REST", "NameSpan", "crossing", "folded", "same_code", "span_of", "strength_within", "total_strength"]

REST: Final = "_O"
"""Persons of a group who have none of its listed codes. From SDMX, where `_O` is other."""

# Spellings of one letter: forms of alef, the Persian yeh and kaf, letters that stand for others at a word's end.
_LETTERS: Final = str.maketrans("أإآٱىیېےکةۀە", "ااااييييكههه", "\u0640")
_ARABIC_MARKS: Final = re.compile("[\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed]")

_WHOLE_NUMBER: Final = re.compile(r"0*([0-9]+?)(?:\.0*)?", re.ASCII)

_PARTED: Final = "-_./:>|"  # between the name of a whole and that of its part
_P_CODE: Final = re.compile(r"[a-z]{2,3}[0-9]*")

_YEAR: Final = r"(?P<year>(?:19|20)[0-9]{2})"
_MONTH: Final = "0?[1-9]|1[0-2]"
_TIMES: Final = (
    (re.compile(rf"{_YEAR}"), 12),
    (re.compile(rf"{_YEAR}[ \-/]?[hs](?P<part>[12])|[hs](?P<part2>[12])[ \-/]?(?P<year2>(?:19|20)[0-9]{{2}})"), 6),
    (re.compile(rf"{_YEAR}[ \-/]?[qt](?P<part>[1-4])|[qt](?P<part2>[1-4])[ \-/]?(?P<year2>(?:19|20)[0-9]{{2}})"), 3),
    (re.compile(rf"{_YEAR}[\-/]?m?(?P<part>{_MONTH})|(?P<part2>{_MONTH})[\-/](?P<year2>(?:19|20)[0-9]{{2}})"), 1),
    (re.compile(r"(?P<part>)[hs](?P<part2>[12])"), 6),
    (re.compile(r"(?P<part>)[qt](?P<part2>[1-4])"), 3),
)  # fmt: skip
_YEARS: Final = re.compile(r"((?:19|20)[0-9]{2}) ?[-/] ?((?:19|20)[0-9]{2})")
_BAND: Final = re.compile(r"([0-9]{1,3}) ?(?:-{1,2}|to|à|الى) ?([0-9]{1,3})(?: years| ans| سنة)?")
_BELOW: Final = re.compile(r"(?:<|under |below |less than |moins de |اقل من |تحت )(=)? ?([0-9]{1,3})")
_ABOVE: Final = re.compile(
    r"(?:(>=|≥|from )|(>|over |above |more than |plus de |اكثر من )) ?([0-9]{1,3})"
    r"|([0-9]{1,3}) ?(?:\+|and over|and above|et plus)"
)


class NameSpan(NamedTuple):
    """What a name spans: `time` in months, `season` in months of no year, `age` in years; the end is not within."""

    kind: str
    start: float
    end: float


@functools.cache
def folded(name: str) -> str:
    """Return a name without differences that no reader sees: form, case, blanks, digits, marks, letters of one kind."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    plain = _ARABIC_MARKS.sub("", plain).translate(_LETTERS)
    return " ".join("".join(map(_kept, plain)).split())


def _kept(character: str) -> str:
    category = unicodedata.category(character)
    if category in {"Cf", "Cc"}:
        # Joiners and marks of direction are not seen; a control such as a tab is a blank.
        return " " if character.isspace() else ""
    if category == "Pd" or character == "\u2212":
        return "-"
    digit = unicodedata.digit(character, None)
    return character if digit is None else str(digit)


def same_code(name: str) -> str:
    """Return what all spellings of a code have in common: the folded name, or the number without superfluous zeros."""
    plain = folded(name)
    number = _WHOLE_NUMBER.fullmatch(plain)
    return number[1] if number else plain


def _read_names() -> dict[str, frozenset[str]]:
    """Return the names of totals, folded, by their use: the whole name, a part of it, or perhaps a total."""
    text = (resources.files("schemas") / "codes" / "total_names.csv").read_text(encoding="utf-8")
    by_use: dict[str, set[str]] = {"whole": {folded(TOTAL)}}
    for row in csv.DictReader(text.splitlines()):
        by_use.setdefault(row["use"], set()).add(folded(row["name"]))
    return {use: frozenset(names) for use, names in by_use.items()}


_TOTALS: Final = _read_names()


def total_strength(name: str) -> int:
    """Return how surely a name is that of a total: 2 surely, 1 perhaps, 0 not."""
    plain = folded(name)
    if plain in _TOTALS["whole"] or any(_begins_or_ends(plain, part) for part in _TOTALS["part"]):
        return 2
    return 1 if plain in _TOTALS["perhaps"] else 0


def _begins_or_ends(plain: str, word: str) -> bool:
    """Tell whether a name begins or ends with a word, or is that word."""
    begins = plain.startswith(word) and not plain[len(word) :][:1].isalnum()
    return begins or (plain.endswith(word) and not plain[: -len(word)][-1:].isalnum())


@functools.cache
def span_of(name: str) -> NameSpan | None:
    """Return the time or the ages that a name spans, None if it names neither."""
    plain = folded(name)
    if years := _YEARS.fullmatch(plain):
        first, last = int(years[1]), int(years[2])
        return NameSpan("time", first * 12, last * 12 + 12) if first < last else None
    for form, months in _TIMES:
        if found := form.fullmatch(plain):
            named = found.groupdict()
            year, part = named.get("year") or named.get("year2"), named.get("part") or named.get("part2")
            start = int(year or 0) * 12 + months * (int(part or 1) - 1)
            return NameSpan("time" if year else "season", start, start + months)
    return _ages(plain)


def _ages(plain: str) -> NameSpan | None:
    if band := _BAND.fullmatch(plain):
        low, high = int(band[1]), int(band[2])
        return NameSpan("age", low, high + 1) if low < high else None
    if below := _BELOW.fullmatch(plain):
        return NameSpan("age", 0, int(below[2]) + bool(below[1]))
    if above := _ABOVE.fullmatch(plain):
        return NameSpan("age", int(above[3] or above[4]) + bool(above[2]), math.inf)
    return None


def strength_within(part: str, whole: str) -> int:
    """Return how surely a name is that of a part of another: 2 surely, 1 if the counts say so too, 0 not."""
    inner, outer = span_of(part), span_of(whole)
    if inner and outer:
        inside = inner.kind == outer.kind and outer.start <= inner.start and inner.end <= outer.end
        return 2 if inside and inner != outer else 0
    short, long = folded(whole), folded(part)
    rest = long[len(short) :]
    if not short or not rest or not long.startswith(short):
        return 0
    if rest.lstrip(" ")[:1] in set(_PARTED) and len(rest.strip(" " + _PARTED)) > 0:
        return 2
    return 1 if rest[0] == " " or (rest.isdigit() and _P_CODE.fullmatch(short)) else 0


def crossing(one: str, other: str) -> bool:
    """Tell whether two names span times or ages that overlap, without one lying within the other."""
    a, b = span_of(one), span_of(other)
    if a is None or b is None or a.kind != b.kind:
        return False
    apart = a.end <= b.start or b.end <= a.start
    nested = (a.start <= b.start and b.end <= a.end) or (b.start <= a.start and a.end <= b.end)
    return not apart and not nested
