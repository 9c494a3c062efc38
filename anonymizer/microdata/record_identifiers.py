"""Search for a record's own identifiers in its free text: the surest of all findings.

Purpose: find the values of the record's identifying fields wherever its texts repeat them. The fields that identify are
known by their roles (`field_mapping`); the type of a value is told from its shape alone, never from its field's name.
Called by: `anonymizer.detection.presidio`, for every reading of a text.

1. Every value as it is written, whatever the case.
2. Phone and identity numbers digit by digit, however they are grouped.
3. Names word by word, as they sound in any script, with whatever is written together with them (`name_matching`).

Invariants:
- Spans are those of the original text, although the search runs on a normalised reading.
- A short word is found only as a word of its own: Sam is not in "example".
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from anonymizer.microdata import name_matching
from anonymizer.microdata.normalise import Normalised, normalise
from anonymizer.microdata.redaction import Finding

__all__ = ["identifier_findings"]

_SCORE: Final = 1.0  # certain: the record itself says that the value identifies somebody
_SHORTEST_NUMBER: Final = 5  # digits; shorter ones are counts, ages and house numbers
_NATIONAL_DIGITS: Final = 7  # of a phone number, without area and country: enough to call somebody
_WIDEST_GAP: Final = 3  # characters from one digit of a number to the next, two separators between them
_DIGIT: Final = re.compile(r"[0-9]")
_ONE_LETTER_PREFIXES: Final = frozenset("وبلفك")  # and, with, to, so, as: written together with the next word


def identifier_findings(text: Normalised, identifiers: Mapping[str, str]) -> list[Finding]:
    """Find the values of `identifiers` (field → value) in a text; spans are those of the original text."""
    lowered = text.text.lower()
    if len(lowered) != len(text.text):
        # a capital that becomes two characters, as the dotted I does, stays: every character keeps its place
        lowered = "".join(c.lower() if len(c.lower()) == 1 else c for c in text.text)
    values = [value for value in (normalise(value).text.strip() for value in identifiers.values()) if value]
    spans: set[tuple[int, int, str]] = set()
    for value in (value.lower() for value in values):
        kind = _type_of(value)
        # 1. as it is written
        spans.update((start, start + len(value), kind) for start in _places(lowered, value))
        # 2. numbers, however they are grouped
        if kind in {"PHONE_NUMBER", "NATIONAL_ID"}:
            digits = "".join(_DIGIT.findall(value))
            spans.update((start, end, kind) for start, end in _grouped_numbers(lowered, digits))
    # 3. names, as they sound
    names = name_matching.matcher_of([value for value in values if _type_of(value) == "PERSON"])
    spans.update((start, end, "PERSON") for start, end in names.spans(text.text, lowered))
    return [Finding(*text.span(start, end), kind, _SCORE) for start, end, kind in sorted(spans)]


def _type_of(value: str) -> str:
    """Return the entity type that the shape of a value tells."""
    digits = len(_DIGIT.findall(value))
    if "@" in value:
        return "EMAIL_ADDRESS"
    if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return "DATE_TIME"
    if digits >= _SHORTEST_NUMBER and 2 * digits >= len(value):
        return "PHONE_NUMBER" if value.startswith("+") else "NATIONAL_ID"
    return "ADDRESS" if digits else "PERSON"


def _places(text: str, value: str) -> Iterator[int]:
    """Yield the positions of a value as words of its own; one-letter Arabic prefixes may be written before it."""
    start = text.find(value) if len(value) > 1 else -1
    while start >= 0:
        end = start + len(value)
        before = text[max(0, start - 2) : start]
        is_prefixed = before[-1:] in _ONE_LETTER_PREFIXES and not before[:-1].isalnum()
        begins_word = not before[-1:].isalnum() or is_prefixed
        if begins_word and not (end < len(text) and value[-1].isalnum() and text[end].isalnum()):
            yield start
        start = text.find(value, start + 1)


def _grouped_numbers(text: str, digits: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of a number however its digits are grouped, with or without its international prefix."""
    if len(digits) < _SHORTEST_NUMBER:
        return
    # A text may have the national number alone, so that up to four leading digits are optional.
    tail = digits[-max(_NATIONAL_DIGITS, len(digits) - 4) :]
    for run in _runs(digit.start() for digit in _DIGIT.finditer(text)):
        at = "".join(text[place] for place in run).find(tail)
        if at >= 0:
            # the prefix is masked with it, also where it is written with two digits more, as 00 for +
            first = max(0, at - (len(digits) - len(tail)) - 2)
            yield run[first], run[at + len(tail) - 1] + 1


def _runs(places: Iterable[int]) -> Iterator[list[int]]:
    """Group the positions of digits of which each is at most a few separators from the next."""
    run: list[int] = []
    for place in places:
        if run and place - run[-1] > _WIDEST_GAP:
            yield run
            run = []
        run.append(place)
    if run:
        yield run
