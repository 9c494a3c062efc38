"""The record's own identifiers in its free text: the strongest signal there is.

Decides where values that the structured fields call identifying stand in a text: names word by word, as they sound in
any script, with what is written together with them; numbers digit by digit; everything else as it is, whatever the
case. Does not decide which fields identify, and tells a value's type from its shape alone.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from anonymizer.microdata import name_matching
from anonymizer.microdata.normalise import Normalised, normalise
from anonymizer.microdata.redaction import Finding

__all__ = ["identifier_findings"]

_SCORE: Final = 1.0
_SHORTEST_NUMBER: Final = 5
_NATIONAL_DIGITS: Final = 7
_WIDEST_GAP: Final = 3
_DIGIT: Final = re.compile(r"[0-9]")


def identifier_findings(text: Normalised, identifiers: Mapping[str, str]) -> list[Finding]:
    """Find the values of `identifiers` (field → value) in a text; spans are those of the original text."""
    lowered = _small(text.text)
    values = [value for value in (normalise(value).text.strip() for value in identifiers.values()) if value]
    spans: set[tuple[int, int, str]] = set()
    for value in values:
        spans.update(_spans(lowered, value.lower()))
    names = name_matching.names([value for value in values if _kind(value) == "PERSON"])
    spans.update((start, end, "PERSON") for start, end in names.places(text.text, lowered))
    return [Finding(*text.span(start, end), kind, _SCORE) for start, end, kind in sorted(spans)]


def _small(text: str) -> str:
    """Return a text in small letters, every character at its place."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def _spans(text: str, value: str) -> Iterator[tuple[int, int, str]]:
    kind = _kind(value)
    for start in _places(text, value):
        yield start, start + len(value), kind
    if kind in {"PHONE_NUMBER", "NATIONAL_ID"}:
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
