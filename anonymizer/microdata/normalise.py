# ruff: noqa: RUF001 - the look-alikes are the point of the table
"""Normalisation of a text for detection: its readings, each with the way back to the original characters.

Purpose: decide which characters are folded or dropped before detection (one form of digits, spaces, hyphens, letters),
and which further readings a person might see: look-alike letters as Latin, values that a line break tore apart, words
that an override turned round. The detectors decide what is personal.
Called by: `anonymizer.detection` for the readings of a text; `replacement`, `record_identifiers`, `text_dates`,
`places`, `anonymizer.names.rarity` and `anonymizer.training` for the normal form of a value.

    for reading in forms(text):
        start, end = reading.span(*found)     # of the original text

Invariants:
- Every span found maps back to the characters that it came from, those that were dropped included, so that a mask
  leaves nothing of the original behind.

Source: UAX #15 (NFKC); UAX #9 and UAX #31 for invisible characters.
"""

import bisect
import itertools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from anonymizer.microdata import lookalikes

__all__ = ["Normalised", "forms", "normalise"]

_LETTERS = {
    "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ٲ": "ا", "ٳ": "ا", "ٵ": "ا", "ى": "ي", "ی": "ي", "ې": "ي", "ے": "ي",
    "ۍ": "ي", "ک": "ك", "ڪ": "ك", "ة": "ه", "ہ": "ه", "ھ": "ه", "ە": "ه", "ۃ": "ه", "ؤ": "و", "ئ": "ي", "ı": "i",
    "ſ": "s",
}  # fmt: skip
_SIGNS = {
    "٫": ".", "٬": ",", "،": ",", "؛": ";", "؍": "/", "؟": "?", "۔": ".", "⁄": "/", "∕": "/", "⧸": "/", "∶": ":",
    "꞉": ":", "−": "-", "ー": "-", "⁃": "-", "˗": "-", "٭": "*", "‘": "'", "’": "'", "ʼ": "'", "′": "'", "“": '"',
    "”": '"', "\u1680": " ", "\u2800": " ", "\u0085": "\n", "\u2028": "\n", "\u2029": "\n",
}  # fmt: skip
_FOLD = str.maketrans(_LETTERS | _SIGNS)
_DROPPED_CATEGORIES = frozenset({"Cf", "Mn", "Me"})
_DROPPED = frozenset("\u0640\u115f\u1160\u3164\uffa0") | {chr(c) for c in range(0x80, 0xA0) if c != 0x85}  # noqa: PLR2004 (NEL, a line end)
_OVERRIDE: Final = re.compile("\u202e([^\u202c\n]+)")
_BREAK: Final = re.compile(r"(?P<hyphen>-?)\r?\n[ \t]{0,8}(?=\S)")
_MIXED: Final = re.compile(r"(?<![\w@./-])[^\W\d_]*[a-zà-ÿ][A-ZÀ-Þ][^\W\d_]*(?![\w@./-])")
_HUMP: Final = re.compile("[a-zà-ÿ][A-ZÀ-Þ]")
"""The core of a word in mixed case: most texts have none, and this search is faster than that for whole words."""

_ENDS: Final = frozenset(",;!?")
_INNER: Final = frozenset("@/0123456789")
_RUN: Final = 64  # characters beside a line break that may belong to one value
_PAIR: Final = 2  # a letter with a mark: remembered, as there are few


@dataclass(frozen=True, slots=True)
class Normalised:
    """A reading of a text.

    Args:
        text: The reading.
        starts: The place in the original where its character i begins; None where every character keeps its place.
        ends: The place in the original where its character i ends; likewise.
        news: The places, in ascending order, where a further reading differs from the first.
    """

    text: str
    starts: tuple[int, ...] | None
    ends: tuple[int, ...] | None
    news: tuple[int, ...] = ()

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Map a non-empty span of the normalised text to the original one, half open, in characters."""
        if self.starts is None or self.ends is None:
            return start, end
        return min(self.starts[start:end]), max(self.ends[start:end])  # min and max: an override turns the order round

    def differs(self, start: int, end: int) -> bool:
        """Return whether a span of a further reading differs from the first reading."""
        place = bisect.bisect_left(self.news, start)
        return place < len(self.news) and self.news[place] < end


def normalise(text: str) -> Normalised:
    """Fold a text: NFKC, no accents, no invisible characters, ASCII digits, spaces and hyphens, one form of alef."""
    # three ways by cost: nothing to do, one character for each, and the general case with a map of places
    if text.isascii():
        return Normalised(text, None, None)
    if all(len(_SINGLES[character]) == 1 for character in set(text)):
        return Normalised("".join(map(_SINGLES.__getitem__, text)), None, None)
    return _mapped(text)


def forms(text: str) -> tuple[Normalised, ...]:
    """Return the readings of a text, of which every finding counts.

    1. Its normal form.
    2. Look-alikes read as Latin.
    3. Words in mixed case written as names are.
    4. Torn values joined over a line break, without and with the hyphen before it.
    5. Overridden words turned round, as they are shown.

    All but the first are given only where they differ from the readings before. A recogniser of words, rather than of
    shapes, should keep its findings in a further reading only where that reading `differs`.
    """
    # 1. the normal form
    first = normalise(text)
    # 2. look-alikes
    read = lookalikes.skeleton(first.text)
    news = (
        tuple(i for i, (a, b) in enumerate(zip(first.text, read, strict=True)) if a != b) if read != first.text else ()
    )
    base = Normalised(read, first.starts, first.ends, news)
    further = [base] if news else []
    # 3. mixed case
    if _HUMP.search(read) and (turns := list(_MIXED.finditer(read))):
        base = _cased(base, turns)
        further.append(base)
        read = base.text
    # 4. line breaks
    if "\n" in read:
        torn = [m for m in _BREAK.finditer(read) if _is_torn(read, m)]
        plain, hyphened = [(m.end("hyphen"), m.end()) for m in torn], [m.span() for m in torn if m["hyphen"]]
        further += [_joined(base, gaps) for gaps in (plain, hyphened) if gaps]
    # 5. overrides
    if "\u202e" in text:
        further.append(_as_displayed(text))
    return (first, *further)


def _cased(form: Normalised, words: Sequence[re.Match[str]]) -> Normalised:
    """Write words as a name is written: a capital, then small letters."""
    letters = list(form.text)
    news = set(form.news)
    for word in words:
        for place in range(word.start(), word.end()):
            turned = letters[place].upper() if place == word.start() else letters[place].lower()
            # a letter that would become two stays, since every character keeps its place
            if len(turned) == 1 and turned != letters[place]:
                letters[place] = turned
                news.add(place)
    return Normalised("".join(letters), form.starts, form.ends, tuple(sorted(news)))


def _is_torn(text: str, line_break: re.Match[str]) -> bool:
    """Return whether a line break may be within a value: not where a sentence or a title ends."""
    left = text[max(0, line_break.start() - _RUN) : line_break.start()].split()[-1:]
    right = text[line_break.end() : line_break.end() + _RUN].split(maxsplit=1)[0]
    if not left or text[line_break.start() - 1].isspace() or left[0][-1] in _ENDS:
        return False
    # a full stop or a colon is within an e-mail address or a number where the text goes on in small letters
    if left[0][-1] in ".:":
        return not _INNER.isdisjoint(left[0] + right) and not right[0].isupper()
    return not (left[0][-1].islower() and right[0].isupper() and _INNER.isdisjoint(left[0] + right))


def _joined(form: Normalised, gaps: Sequence[tuple[int, int]]) -> Normalised:
    """Return a reading without the gaps."""
    kept = [i for (_, a), (b, _) in itertools.pairwise([(0, 0), *gaps, (len(form.text), 0)]) for i in range(a, b)]
    seams = {a for _, a in gaps}  # the character behind a gap is the one that is new: it has another neighbour
    starts = form.starts or range(len(form.text))
    ends = form.ends or range(1, len(form.text) + 1)
    return Normalised(
        "".join(form.text[i] for i in kept),
        tuple(starts[i] for i in kept),
        tuple(ends[i] for i in kept),
        tuple(place for place, i in enumerate(kept) if i in seams),
    )


def _as_displayed(text: str) -> Normalised:
    """Turn round the text behind a right-to-left override, up to its end or that of the line."""
    order = list(range(len(text)))
    turned: set[int] = set()
    for override in _OVERRIDE.finditer(text):
        start, end = override.span(1)
        order[start:end] = reversed(order[start:end])
        turned.update(range(start, end))
    form = _mapped("".join(text[i] for i in order))
    starts, ends = form.starts or (), form.ends or ()
    places = [order[a:b] for a, b in zip(starts, ends, strict=True)]
    return Normalised(
        form.text,
        tuple(map(min, places)),
        tuple(max(place) + 1 for place in places),
        tuple(i for i, place in enumerate(places) if place[0] in turned),
    )


def _mapped(text: str) -> Normalised:
    """Fold a text in which characters may become none or several, with the map of places."""
    out: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    last = 0
    for start, end in [*_clusters(text), (len(text), len(text))]:
        out.append("".join(map(_SINGLES.__getitem__, text[last:start])))
        starts.extend(range(last, start))
        ends.extend(range(last + 1, start + 1))
        kept = (_SINGLES.__getitem__ if end - start <= _PAIR else _folded)(text[start:end])
        if not kept and ends:
            ends[-1] = end  # a dropped character belongs to the one before it, so that a mask covers it too
        out.append(kept)
        starts.extend([start] * len(kept))
        ends.extend([end] * len(kept))
        last = end
    return Normalised("".join(out), tuple(starts), tuple(ends))


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of characters with their marks, and of characters that fold to none or to several."""
    marks = text.translate(_MARKS)
    last = 0
    while (place := marks.find("1", last)) >= 0:
        start = place - 1 if place > last and unicodedata.combining(text[place]) else place
        last = place + 1
        while last < len(text) and unicodedata.combining(text[last]):
            last += 1
        yield start, last


def _folded(cluster: str) -> str:
    """Fold a character with the marks that combine with it."""
    apart = unicodedata.normalize("NFKD", cluster)
    if apart.startswith(" ") and unicodedata.category(cluster[0]) == "Lo":
        return ""  # a vowel mark on its own, in Arabic's presentation forms
    bare = "".join(map(_kept, apart))
    return unicodedata.normalize("NFC", bare).translate(_FOLD)


def _kept(character: str) -> str:
    """Return a part of a decomposed character as it is kept, or nothing."""
    category = unicodedata.category(character)
    if character in _DROPPED or category in _DROPPED_CATEGORIES:
        return ""
    if category == "Pd":
        return "-"
    digit = unicodedata.digit(character, None)
    return character if digit is None else str(digit)


class _Memo(dict[str, str]):
    """Memory of folded characters, alone or with one mark; it grows with those met, of which there are few."""

    def __missing__(self, character: str) -> str:
        self[character] = folded = _folded(character)
        return folded


_SINGLES = _Memo()


class _MarkMemo(dict[int, str]):
    """Memory of code points: "1" for a mark and for a character that folds to none or to several, else "0"."""

    def __missing__(self, number: int) -> str:
        character = chr(number)
        # a digit each, so that `str.translate` marks a whole text in C
        self[number] = flag = str(int(bool(unicodedata.combining(character)) or len(_SINGLES[character]) != 1))
        return flag


_MARKS = _MarkMemo()
