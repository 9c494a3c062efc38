"""Replacement of findings in the texts of one record: numbered placeholders, coarser dates, countries.

Purpose: decide which findings of a record are the same value, how placeholders are numbered, and what the policy leaves
of dates and places. The findings come from the detectors; overlapping ones are united as in `redaction`.
Called by: `streams.core.counting.deidentify` for the texts of a record, `amana redact` for one text.

1. Findings are united, and every value gets one type: the surest in the record.
2. The values are compared: equal ones share a number, part of one longer name is that person.
3. Dates and places that the policy may show are coarsened; everything else gets a placeholder.

Replacements are `[PERSON_1]`; `[DATE 2024-03]`, `[DATE 2024]`, or `[DATE 2024-05-19]` where dates are shifted; `[LOC
LBN]` for a place whose country is sure.

Invariants:
- Equal values share a number in all texts of a record; case, marks, script forms and spaces aside.
- A date on which somebody was born is never left, however coarse: ages have bands of their own.
- A value that cannot be coarsened for sure gets a placeholder.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from anonymizer import policy
from anonymizer.microdata import places, text_dates
from anonymizer.microdata.normalise import normalise
from anonymizer.microdata.redaction import Finding, united

__all__ = ["RecordContext", "replaced", "replaced_together"]

_LABELS: Final = {
    "DATE_TIME": "DATE", "DATETIME": "DATE", "DATE_OF_BIRTH": "DATE", "BIRTH_DATE": "DATE",
    "LOCATION": "LOC", "GPE": "LOC",
}  # fmt: skip
_BIRTHS: Final = frozenset({"DATE_OF_BIRTH", "BIRTH_DATE"})
_LONG_AGO_YEARS: Final = 10  # before the event
_NUMBERED: Final = re.compile(r"\[([A-Z_]{1,40})_([0-9]{1,9})\]")
_WORD: Final = re.compile(r"[^\W\d_]+")
_TITLES: Final = frozenset({
    "mr", "mrs", "ms", "miss", "dr", "prof", "sir", "m", "mme", "mlle", "me", "maitre", "s",
    "السيد", "السيده", "الدكتور", "الدكتوره", "الاستاذ",
})  # fmt: skip

Texts = Sequence[tuple[str, Iterable[Finding]]]
"""The texts of one record, each with its findings."""


@dataclass(frozen=True, slots=True)
class RecordContext:
    """Facts of the record that its texts are read with.

    Args:
        days: The number of days by which its dates are shifted, where the policy shifts them; 0 shows no date.
        year: The year of the event, None where it is not known.
        identifiers: Values of its identifying fields; a date among them is somebody's birth.
    """

    days: int = 0
    year: int | None = None
    identifiers: Collection[str] = ()


def replaced(text: str, findings: Iterable[Finding], rules: policy.Replacing, own: RecordContext | None = None) -> str:
    """Return one text with its findings replaced; see `replaced_together`."""
    return replaced_together([(text, findings)], rules, own)[0]


def replaced_together(texts: Texts, rules: policy.Replacing, own: RecordContext | None = None) -> tuple[str, ...]:
    """Return the texts of one record with every finding replaced; the rest of them is left as it is.

    Args:
        texts: In the order of the record; placeholders are numbered in that order.
        rules: The policy's rules for dates and places.
        own: Facts of the record; None for a text that belongs to none.
    """
    # 1. one type for every value, that of its surest finding: a person called Jordan in one sentence is not a country
    #    in the next
    united_texts = [(text, united(findings)) for text, findings in texts]
    surest: dict[str, tuple[float, str]] = {}
    for text, findings in united_texts:
        for finding in findings:
            value = _folded(text[finding.start : finding.end])
            surest[value] = max((finding.score, finding.type), surest.get(value, (0.0, "")))
    types = {value: kind for value, (_, kind) in surest.items()}
    # 2. the findings that are one value
    read_texts = [(text, [_read(text, finding, types) for finding in findings]) for text, findings in united_texts]
    coarse = _Coarsening(
        [value for _, occurrences in read_texts for value in occurrences], rules, own or RecordContext()
    )
    placeholder = _placeholders(read_texts, coarse)
    # 3. the policy's form, or the placeholder
    return tuple(
        _written(text, occurrences, lambda value: coarse(value) or placeholder(value))
        for text, occurrences in read_texts
    )


@dataclass(frozen=True, slots=True)
class _Occurrence:
    """One occurrence of a value in a text: a finding, and the value in it.

    Args:
        finding: Its place in the text.
        written: The characters at that place.
        label: Its type, as placeholders spell it.
        value: Equal for equal values of one label; a date is a `TextDate` where it can be read.
        words: The words of a person's name, without titles.
        birth: True for a date on which somebody was born.
    """

    finding: Finding
    written: str
    label: str
    value: Hashable
    words: frozenset[str] = frozenset()
    birth: bool = False


def _folded(written: str) -> str:
    """Return the letters and digits of a value, folded, so that its spellings are equal."""
    return "".join(filter(str.isalnum, normalise(written).text.casefold())) or written


def _read(text: str, finding: Finding, types: Mapping[str, str]) -> _Occurrence:
    """Read the value of a finding."""
    written = text[finding.start : finding.end]
    value: Hashable = _folded(written)
    kind = types[_folded(written)]
    label = _LABELS.get(kind, kind)
    if label == "PERSON":
        spoken = _WORD.findall(normalise(written).text.casefold())
        words = [word for word in spoken if word not in _TITLES] or spoken  # a title alone stands for itself
        return _Occurrence(finding, written, label, "".join(words) or written, frozenset(words))
    if label == "DATE":
        birth = finding.type in _BIRTHS or text_dates.about_birth(text[: finding.start])
        return _Occurrence(finding, written, label, text_dates.read(written) or value, birth=birth)
    return _Occurrence(finding, written, label, value)


class _Coarsening:
    """The policy's coarse forms of dates and places, in the texts of one record."""

    def __init__(self, occurrences: Sequence[_Occurrence], rules: policy.Replacing, own: RecordContext) -> None:
        self._rules, self._own = rules, own
        self._names = {word for value in occurrences for word in value.words}
        dates = [
            (occurrence.value, occurrence.birth)
            for occurrence in occurrences
            if isinstance(occurrence.value, text_dates.TextDate)
        ]
        births = [*(date for date, birth in dates if birth), *map(text_dates.read, own.identifiers)]
        self._births = [date for date in births if date is not None]
        self._year = own.year or max((date.year for date, birth in dates if not birth), default=0)

    def __call__(self, occurrence: _Occurrence) -> str | None:
        """Return the coarse form of a finding, None where only a placeholder may replace it."""
        coarse: str | None = None
        if isinstance(occurrence.value, text_dates.TextDate):
            coarse = self._date(occurrence.value)
        # a place that is also part of a person's name in this record stays hidden
        elif occurrence.label == "LOC" and self._rules.place == "country" and occurrence.value not in self._names:
            coarse = places.country_of(occurrence.written)
        return f"[{occurrence.label} {coarse}]" if coarse else None

    def _date(self, date: text_dates.TextDate) -> str | None:
        """Return the coarse form of a date, None for a birth."""
        # a date ten years before the event may be a birth that no word announces
        if self._rules.date == "placeholder" or self._year - date.year >= _LONG_AGO_YEARS:
            return None
        if any(date.holds(birth) for birth in self._births):
            return None
        if self._rules.date == "shift":
            return date.shifted(self._own.days) if self._own.days else None
        return date.coarse(self._rules.date)


def _placeholders(
    texts: Sequence[tuple[str, Sequence[_Occurrence]]], coarse: _Coarsening
) -> Callable[[_Occurrence], str]:
    """Number the distinct values of each label in their order, and return the placeholder of each."""
    numbered = [value for _, occurrences in texts for value in occurrences if coarse(value) is None]
    persons = _persons([value for value in numbered if value.words])
    # A text may hold "[PERSON_1]" as it came. That number is left out, or two persons would seem one.
    taken = {
        placeholder.group()
        for text, occurrences in texts
        for placeholder in _NUMBERED.finditer(_written(text, occurrences, lambda _: "\n"))
    }
    used: Counter[str] = Counter()
    names: dict[tuple[str, Hashable], str] = {}
    for occurrence in numbered:
        key = occurrence.label, persons.get(occurrence.value, occurrence.value)
        while key not in names:
            used[occurrence.label] += 1
            name = f"[{occurrence.label}_{used[occurrence.label]}]"
            if name not in taken:
                names[key] = name
    return lambda occurrence: names[occurrence.label, persons.get(occurrence.value, occurrence.value)]


def _persons(occurrences: Sequence[_Occurrence]) -> Mapping[Hashable, frozenset[str]]:
    """Return for every name of a record the one longest name that it is part of, else the name itself.

    A name is the set of its words, so that their order does not matter.
    """
    words: dict[Hashable, frozenset[str]] = {}
    for occurrence in occurrences:
        words[occurrence.value] = max(occurrence.words, words.get(occurrence.value, occurrence.words), key=len)
    longest = [name for name in set(words.values()) if not any(name < other for other in words.values())]
    # "Layla" is Layla Tavri; but beside Layla Tavri and Layla Narda she may be either, so she is neither
    wholes = {value: [whole for whole in longest if name <= whole] for value, name in words.items()}
    return {value: names[0] if len(names) == 1 else words[value] for value, names in wholes.items()}


def _written(text: str, occurrences: Iterable[_Occurrence], replace: Callable[[_Occurrence], str]) -> str:
    """Return a text with `replace` applied to every finding."""
    pieces: list[str] = []
    last = 0
    for occurrence in occurrences:
        pieces += text[last : occurrence.finding.start], replace(occurrence)
        last = occurrence.finding.end
    return "".join([*pieces, text[last:]])
