"""The record's own identifiers in its free text: the strongest signal there is.

Decides where values that the structured fields call identifying stand in a text: as a whole, word by word for names,
digit by digit for numbers, whatever the case, spaces, separators or script of the digits. Does not find inflected or
transliterated forms.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from anonymizer.microdata.normalise import Normalised, normalise
from anonymizer.microdata.redact import Finding

__all__ = ["known_findings"]

_SCORE: Final = 1.0
_SHORTEST_WORD: Final = 3
_SHORTEST_NUMBER: Final = 5
_NATIONAL_DIGITS: Final = 7
_WIDEST_GAP: Final = 3
_WORD: Final = re.compile(r"[^\W\d_]+")
_DIGIT: Final = re.compile(r"[0-9]")


def known_findings(text: Normalised, known: Mapping[str, str]) -> list[Finding]:
    """Find the values of `known` (field → value) in a text; spans are those of the original text."""
    lowered = text.text.lower() if len(text.text.lower()) == len(text.text) else text.text
    spans: set[tuple[int, int, str]] = set()
    for value in known.values():
        spans.update(_spans(lowered, normalise(value).text.lower().strip()))
    return [Finding(*text.span(start, end), kind, _SCORE) for start, end, kind in sorted(spans)]


def _spans(text: str, value: str) -> Iterator[tuple[int, int, str]]:
    kind = _kind(value)
    for start in _places(text, value):
        yield start, start + len(value), kind
    if kind == "PERSON":
        for word in _WORD.findall(value):
            if len(word) >= _SHORTEST_WORD:
                yield from ((start, start + len(word), kind) for start in _places(text, word))
    elif kind in {"PHONE_NUMBER", "NATIONAL_ID"}:
        yield from ((start, end, kind) for start, end in _numbers(text, "".join(_DIGIT.findall(value))))


def _kind(value: str) -> str:
    """Tell the type of a value from its shape: fields are never told apart by their names."""
    digits = len(_DIGIT.findall(value))
    if "@" in value:
        return "EMAIL_ADDRESS"
    if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return "DATE_TIME"
    if digits >= _SHORTEST_NUMBER and 2 * digits >= len(value):
        return "PHONE_NUMBER" if value.startswith("+") else "NATIONAL_ID"
    return "ADDRESS" if digits else "PERSON"


def _places(text: str, value: str) -> Iterator[int]:
    """Yield where a value stands as words of its own; Arabic's one-letter prefixes may precede it."""
    start = text.find(value) if len(value) > 1 else -1
    while start >= 0:
        end = start + len(value)
        if _opens(text, start) and not (end < len(text) and value[-1].isalnum() and text[end].isalnum()):
            yield start
        start = text.find(value, start + 1)


def _opens(text: str, start: int) -> bool:
    before = text[max(0, start - 2) : start]
    return not before[-1:].isalnum() or (before[-1:] in set("وبلفك") and not before[:-1].isalnum())


def _numbers(text: str, digits: str) -> Iterator[tuple[int, int]]:
    """Yield spans of a number however it is grouped, with or without its international prefix."""
    if len(digits) < _SHORTEST_NUMBER:
        return
    tail = digits[-max(_NATIONAL_DIGITS, len(digits) - 4) :]
    for run in _runs(m.start() for m in _DIGIT.finditer(text)):
        found = "".join(text[i] for i in run)
        at = found.find(tail)
        if at >= 0:
            first = max(0, at - (len(digits) - len(tail)) - 2)
            yield run[first], run[at + len(tail) - 1] + 1


def _runs(places: Iterable[int]) -> Iterator[list[int]]:
    """Group digit positions that lie at most a few separators apart."""
    run: list[int] = []
    for place in places:
        if run and place - run[-1] > _WIDEST_GAP:
            yield run
            run = []
        run.append(place)
    if run:
        yield run
