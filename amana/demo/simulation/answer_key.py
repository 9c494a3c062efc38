"""The answer key of a simulation: the outcome of every row and the exact cells, counted from the invented persons.

Purpose: an oracle that shares no code with the streams: persons are known by their number, not by a key.
Called by: `amana.demo.simulation.generator`.

Invariants:
- Cells are those of the shipped policy with lateness off. With it on, rows of closed years are late and their cells are
  absent; years never share a cell, and no correction leads into or out of 2019.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from amana.demo.simulation import event_rows
from amana.demo.simulation.world import AgencyReport

__all__ = ["AnswerEntry", "cells", "outcomes"]

_GENDERS: Final = {"Feminine": "F", "Masculine": "M", "TransgenderFeminine": "X", "NonConforming": "X"}
_STATUSES: Final = {"A": "confirmed", "P": "possible", None: "unknown"}
_HEAD: Final = 4  # phenomenon, status, country and time begin every cell of a person
_FIRST_QUARTER: Final = "first-quarter"
"""Stands for the first quarter of a person-year until all of its rows are known."""
_SEXES: Final = (("F", "female"), ("M", "male"), ("unknown", "unknown"))


@dataclass(frozen=True, slots=True)
class AnswerEntry:
    """A row that the agency's publisher admits; `again` if an earlier row of the same file is exactly equal."""

    report: AgencyReport
    line: int
    again: bool = False

    @property
    def record(self) -> tuple[str, str]:
        """Identity of the record: agency id and record id."""
        return self.report.agency.id, self.report.record


def outcomes(entries: Sequence[AnswerEntry]) -> list[str]:
    """Return the outcome of every row, in the same order."""
    latest: dict[tuple[str, str], int] = {}
    for entry in entries:
        latest[entry.record] = max(latest.get(entry.record, 0), entry.report.revision)
    # An entry that is in force on its own: the first row of the latest revision, not withdrawn and in scope.
    in_force = [
        entry
        for entry in entries
        if latest[entry.record] == entry.report.revision
        and not entry.again
        and not entry.report.withdrawn
        and entry.report.facts.get("status") != "N"
    ]
    leading = {entries[0].record for entries in _groups(in_force)}
    return [_outcome(entry, latest, leading) for entry in entries]


def cells(entries: Sequence[AnswerEntry], results: Sequence[str]) -> Counter[str]:
    """Return cell → amount: for each person, year and kind the cells on which the agencies agree as far as they do."""
    exact: Counter[str] = Counter()
    quarters = _first_quarters(entries)
    counting = [entry for entry, outcome in zip(entries, results, strict=True) if outcome in {"counted", "duplicate"}]
    for leading, *others in _groups([entry for entry in counting if not entry.again]):
        voices = [list(_cells(entry.report)) for entry in (leading, *others)]
        quarter = quarters.get(_person_year(leading), leading.report.date[:4])
        for place, (cell, amount) in enumerate(voices[0]):
            name, *codes = _parts(cell)
            by_agency = [_parts(voice[place][0])[1:] for voice in voices]
            agreed = [
                _agreed(reported) or own for own, reported in zip(codes, zip(*by_agency, strict=True), strict=True)
            ]
            exact["|".join([name, *(quarter if code == _FIRST_QUARTER else code for code in agreed)])] += amount
    return +exact  # the plus leaves out cells of amount 0


def _first_quarters(entries: Sequence[AnswerEntry]) -> dict[tuple[object, ...], str]:
    """Return the earliest quarter that any row of a person, year and kind names, superseded and withdrawn ones too."""
    quarters: dict[tuple[object, ...], str] = {}
    for entry in entries:
        report, (year, _, month) = entry.report, entry.report.period.partition("-")
        if month and not report.withdrawn and report.facts.get("status") != "N":
            quarter = f"{year}-Q{(int(month) + 2) // 3}"
            quarters[_person_year(entry)] = min(quarter, quarters.get(_person_year(entry), quarter))
    return quarters


def _person_year(entry: AnswerEntry) -> tuple[object, ...]:
    """Return what is counted once: kind, person and year; for an aggregate, its record."""
    report = entry.report
    return report.kind, report.person.number if report.person else entry.record, report.date[:4]


def _groups(entries: Iterable[AnswerEntry]) -> Iterator[list[AnswerEntry]]:
    """Yield one entry of each agency for each person, year and kind, the leading one first; an aggregate is its own."""
    groups: defaultdict[tuple[object, ...], dict[str, AnswerEntry]] = defaultdict(dict)
    for entry in entries:
        voices = groups[_person_year(entry)]
        # An agency speaks by its earliest record with a known month; `World` lets no tie go further.
        known = voices.setdefault(entry.report.agency.id, entry)
        if _own_order(entry) < _own_order(known):
            voices[entry.report.agency.id] = entry
    for voices in groups.values():
        yield _ranked(list(voices.values()))


def _own_order(entry: AnswerEntry) -> tuple[bool, str]:
    return len(entry.report.period) == len("2024"), entry.report.period


def _ranked(voices: list[AnswerEntry]) -> list[AnswerEntry]:
    """Sort the agencies' entries: most agreed values, then the stronger status, then the year's order of agencies."""
    values = [_values(entry) for entry in voices]
    agreed = [_agreed(reported) for reported in zip(*values, strict=True)]

    def merit(entry: AnswerEntry) -> tuple[int, int, bytes]:
        fits = sum(value == of for value, of in zip(_values(entry), agreed, strict=True) if of is not None)
        strength = {"A": 2, "P": 1}.get(entry.report.facts.get("status") or "", 0)
        order = hashlib.sha256(f"{entry.report.date[:4]}|{entry.report.agency.id}".encode()).digest()
        return fits, strength, order

    return sorted(voices, key=merit, reverse=True)


def _values(entry: AnswerEntry) -> list[str]:
    """Return the distinct values in the cells of an entry: those of the first cell, then what each further one adds."""
    first, *further = (_parts(cell)[1:] for cell, _ in _cells(entry.report))
    return [*first, *(code for codes in further for code in codes[_HEAD:])]


def _parts(cell: str) -> list[str]:
    """Take a cell apart: population and cube as one, then its values."""
    population, cube, *codes = cell.split("|")
    return [f"{population}|{cube}", *codes]


def _agreed(reported: Sequence[str]) -> str | None:
    """Return the value that two agencies or more report, more often than any other; None if there is none."""
    (value, most), *rest = Counter(reported).most_common()
    return value if most > 1 and (not rest or rest[0][1] < most) else None


def _outcome(entry: AnswerEntry, latest: dict[tuple[str, str], int], leading: set[tuple[str, str]]) -> str:
    """Return the outcome of one entry; if several apply, the first of the list below."""
    if latest[entry.record] > entry.report.revision:
        return "superseded"
    if entry.again:
        return "duplicate"
    if entry.report.withdrawn:
        return "withdrawn"
    if entry.report.facts.get("status") == "N":
        return "out_of_scope"
    return "counted" if entry.record in leading else "duplicate"


def _cells(report: AgencyReport) -> Iterator[tuple[str, int]]:
    """Yield the keys of the cells to which a counted report contributes, with the amount."""
    facts, country, period, year = report.facts, report.facts["country"] or "unknown", report.period, report.date[:4]
    # Aggregates bring their own amounts; every other report counts one person.
    if report.person is None:
        yield from _aggregate_cells(report, country)
        return
    head = f"{facts['phenomenon']}|{_STATUSES[facts['status']]}|{country}"
    gender = _GENDERS.get(facts["gender"] or "", "unknown")
    if report.kind == "referral":
        yield f"referrals|service|{head}|{period}|{_FIRST_QUARTER}|{gender}|{facts['service'] or 'unknown'}", 1
        path = f"{facts['referred_from'] or 'unknown'}|{facts['referred_to'] or 'unknown'}"
        yield f"referrals|path|{head}|{year}|{path}", 1
        yield f"referrals|uptake|{head}|{period}|{_FIRST_QUARTER}|{facts['uptake'] or 'unknown'}", 1
    elif report.kind == "assistance":
        yield f"assistance|services|{head}|{period}|{_FIRST_QUARTER}|{gender}|{_joined(facts['services'])}", 1
    else:
        yield f"cases|profile|{head}|{period}|{gender}|{_age(report)}|{_joined(facts['forms'])}", 1
        yield f"cases|quarters|{head}|{period}|{_FIRST_QUARTER}", 1
        # The shipped policy counts origin, means and identification by year.
        codes = facts["citizenship"]
        citizenship = codes[0] if len(codes) == 1 else "multiple" if codes else "unknown"
        yield f"cases|origin|{head}|{year}|{citizenship}", 1
        yield f"cases|means|{head}|{year}|{_joined(facts['means'])}", 1
        yield f"cases|identification|{head}|{year}|{facts['decided_by'] or 'unknown'}", 1


def _aggregate_cells(report: AgencyReport, country: str) -> Iterator[tuple[str, int]]:
    """Yield the cells of an agency's own aggregate, with amounts that may be zero."""
    facts = report.facts
    told = {name: value if value is not None else "unknown" for name, value in facts.items()}
    place = f"{country}|{report.period}"
    if report.kind == "indicator":
        head = f"{told['phenomenon']}|{told['indicator']}|{place}"
        yield f"indicators|community|{head}|{told['population_group']}|{told['sex']}|{told['majority']}", facts["value"]
        yield f"indicators|crisis|{head}|{told['crisis']}|{told['crisis_phase']}|{told['emergency']}", facts["value"]
    elif report.kind == "justice":
        head = f"{told['phenomenon']}|{told['stage']}|{place}|{_joined(facts['forms'])}"
        yield f"justice|stage|{head}|{told['sex']}|{told['nationality']}", facts["value"]
    else:
        for sex, field in _SEXES:
            yield f"activities|participants|{place}|{facts['activity_type']}|{sex}", facts[field]
        everybody = sum(facts[field] for _, field in _SEXES)
        yield f"activities|audience|{place}|{told['audience']}", everybody
        yield f"activities|topics|{place}|{_joined(facts['topics'])}", everybody
        for item, amount in facts["items"].items():
            yield f"items|items|{place}|{item}", amount
        yield f"partners|partners|{place}|{told['audience']}", facts["partners"]


def _joined(codes: Sequence[str]) -> str:
    """Return a set of codes as one value of a cell key."""
    return "+".join(sorted(codes)) or "unknown"


def _age(report: AgencyReport) -> str:
    """Return the age band; whether the row gave years or the band itself makes no difference to the cell."""
    if report.person is None or report.facts["age"] == "none":
        return "unknown"
    return event_rows.band(event_rows.age_of(report, report.person))
