"""What stands in the place of a finding: a numbered placeholder, a coarser date, a country.

Decides which findings are the same value, how placeholders are numbered within a record, and what the policy leaves of
dates and places. Does not find anything, and unites overlapping findings as `redact` does. What cannot be made coarser
for sure gets a placeholder.

- `[PERSON_1]`: equal values share a number in all texts of a record; case, marks, script forms and spaces aside. Part
  of one longer name of the record is that person; part of two is neither.
- `[DATE 2024-03]`, `[DATE 2024]`, or `[DATE 2024-05-19]` where dates are shifted; `[LOC LBN]` for a place whose country
  is known.
- A date on which somebody was born is never left, however coarse: ages have bands of their own.
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
_LONG_AGO_YEARS: Final = 10
_NUMBERED: Final = re.compile(r"\[([A-Z_]{1,40})_([0-9]{1,9})\]")
_WORD: Final = re.compile(r"[^\W\d_]+")
_TITLES: Final = frozenset({
    "mr", "mrs", "ms", "miss", "dr", "prof", "sir", "m", "mme", "mlle", "me", "maitre", "s",
    "السيد", "السيده", "الدكتور", "الدكتوره", "الاستاذ",
})  # fmt: skip

Texts = Sequence[tuple[str, Iterable[Finding]]]
"""The texts of one record, each with what was found in it."""


@dataclass(frozen=True, slots=True)
class RecordContext:
    """What a record says of itself that bears on its texts.

    Args:
        days: By how many days its dates are shifted, where the policy shifts them; 0 refuses to show a date.
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
    """Return the texts of one record with every finding replaced; what was not found is left as it stands.

    Args:
        texts: In the order of the record; placeholders are numbered in that order.
        rules: What the policy leaves of dates and places.
        own: What the record says of itself.
    """
    found = [(text, united(findings)) for text, findings in texts]
    types = _types(found)
    marked = [(text, [_mark(text, finding, types) for finding in findings]) for text, findings in found]
    shown = _Shown([mark for _, marks in marked for mark in marks], rules, own or RecordContext())
    number = _numbering(marked, shown)
    return tuple(_written(text, marks, lambda mark: shown(mark) or number(mark)) for text, marks in marked)


@dataclass(frozen=True, slots=True)
class _Mark:
    """A finding with what was found: its label, the value that makes it equal to others, and what else it says.

    Args:
        finding: Where it stands.
        written: What stands there.
        label: Its type, as placeholders spell it.
        value: Equal for equal values of one label.
        words: Of a person's name, without titles.
        birth: Whether somebody was born on this date.
    """

    finding: Finding
    written: str
    label: str
    value: Hashable
    words: frozenset[str] = frozenset()
    birth: bool = False


def _types(texts: Texts) -> Mapping[str, str]:
    """Return for every value of a record its type where it was surest: a person called Jordan is no place elsewhere."""
    surest: dict[str, tuple[float, str]] = {}
    for text, findings in texts:
        for one in findings:
            value = _same(text[one.start : one.end])
            surest[value] = max((one.score, one.type), surest.get(value, (0.0, "")))
    return {value: kind for value, (_, kind) in surest.items()}


def _same(written: str) -> str:
    """Return what two spellings of one value have in common: its letters and digits, folded."""
    return "".join(filter(str.isalnum, normalise(written).text.casefold())) or written


def _mark(text: str, finding: Finding, types: Mapping[str, str]) -> _Mark:
    written = text[finding.start : finding.end]
    value: Hashable = _same(written)
    kind = types[_same(written)]
    label = _LABELS.get(kind, kind)
    if label == "PERSON":
        every = _WORD.findall(normalise(written).text.casefold())
        words = [word for word in every if word not in _TITLES] or every
        return _Mark(finding, written, label, "".join(words) or written, frozenset(words))
    if label == "DATE":
        birth = finding.type in _BIRTHS or text_dates.about_birth(text[: finding.start])
        return _Mark(finding, written, label, text_dates.read(written) or value, birth=birth)
    return _Mark(finding, written, label, value)


class _Shown:
    """What the policy lets be seen of a date or a place."""

    def __init__(self, marks: Sequence[_Mark], rules: policy.Replacing, own: RecordContext) -> None:
        self._rules, self._own = rules, own
        self._names = {word for mark in marks for word in mark.words}
        told = [mark.value for mark in marks if mark.birth]
        self._births = [
            date for date in (*told, *map(text_dates.read, own.identifiers)) if isinstance(date, text_dates.TextDate)
        ]
        years = [mark.value.year for mark in marks if isinstance(mark.value, text_dates.TextDate) and not mark.birth]
        self._year = own.year or max(years, default=0)

    def __call__(self, mark: _Mark) -> str | None:
        """Return what stands for a finding, None where only a placeholder may."""
        left: str | None = None
        if isinstance(mark.value, text_dates.TextDate):
            left = self._date(mark.value)
        elif mark.label == "LOC" and self._rules.place == "country" and mark.value not in self._names:
            left = places.country_of(mark.written)
        return f"[{mark.label} {left}]" if left else None

    def _date(self, date: text_dates.TextDate) -> str | None:
        """Leave nothing of a birth, nor of a date so long before the others that it may be one."""
        if self._rules.date == "placeholder" or self._year - date.year >= _LONG_AGO_YEARS:
            return None
        if any(date.holds(birth) for birth in self._births):
            return None
        if self._rules.date == "shift":
            return date.shifted(self._own.days) if self._own.days else None
        return date.coarse(self._rules.date)


def _numbering(marked: Sequence[tuple[str, Sequence[_Mark]]], shown: _Shown) -> Callable[[_Mark], str]:
    """Number the distinct values of each label in their order; numbers that a text holds already are left out."""
    numbered = [mark for _, marks in marked for mark in marks if shown(mark) is None]
    person = _persons([mark for mark in numbered if mark.words])
    taken = {found.group() for text, marks in marked for found in _NUMBERED.finditer(_written(text, marks, _nothing))}
    used: Counter[str] = Counter()
    names: dict[tuple[str, Hashable], str] = {}
    for mark in numbered:
        key = mark.label, person.get(mark.value, mark.value)
        while key not in names:
            used[mark.label] += 1
            name = f"[{mark.label}_{used[mark.label]}]"
            if name not in taken:
                names[key] = name
    return lambda mark: names[mark.label, person.get(mark.value, mark.value)]


def _persons(marks: Sequence[_Mark]) -> Mapping[Hashable, frozenset[str]]:
    """Return for every name of a record the one longest name it is part of; itself where there is none or are several.

    A name is the set of its words, so that their order does not matter.
    """
    spelt: dict[Hashable, frozenset[str]] = {}
    for mark in marks:
        spelt[mark.value] = max(mark.words, spelt.get(mark.value, mark.words), key=len)
    longest = [name for name in set(spelt.values()) if not any(name < other for other in spelt.values())]
    wholes = {value: [whole for whole in longest if name <= whole] for value, name in spelt.items()}
    return {value: found[0] if len(found) == 1 else spelt[value] for value, found in wholes.items()}


def _written(text: str, marks: Iterable[_Mark], say: Callable[[_Mark], str]) -> str:
    pieces: list[str] = []
    last = 0
    for mark in marks:
        pieces += text[last : mark.finding.start], say(mark)
        last = mark.finding.end
    return "".join([*pieces, text[last:]])


def _nothing(_: _Mark) -> str:
    return "\n"
