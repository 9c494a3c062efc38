"""The answer key of a simulation: the outcome of every row and the exact cells, counted from the invented persons.

Purpose: an oracle that shares no code with the streams: persons are known by their number, not by a key.
Called by: `amana.demo.simulation.generator`.

Invariants:
- Cells are those of the shipped policy with lateness off. With it on, rows of closed years are late and their cells are
  absent; years never share a cell, and no correction leads into or out of 2019.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from amana.demo.simulation import event_rows
from amana.demo.simulation.world import AgencyReport

__all__ = ["AnswerEntry", "cells", "outcomes"]

_GENDERS: Final = {"Feminine": "F", "Masculine": "M", "TransgenderFeminine": "X", "NonConforming": "X"}
_STATUSES: Final = {"A": "confirmed", "P": "possible", None: "unknown"}
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
    representatives = _representatives(in_force)
    return [_outcome(entry, latest, representatives) for entry in entries]


def cells(entries: Sequence[AnswerEntry], results: Sequence[str]) -> Counter[str]:
    """Return cell → amount, over all rows whose outcome is `counted`."""
    exact: Counter[str] = Counter()
    for entry, outcome in zip(entries, results, strict=True):
        if outcome == "counted":
            for cell, amount in _cells(entry.report):
                exact[cell] += amount
    return +exact  # the plus leaves out cells of amount 0


def _representatives(entries: Iterable[AnswerEntry]) -> frozenset[tuple[str, str]]:
    """Return the records of the representative events: one per person, year and kind; an aggregate is its own."""
    groups: defaultdict[tuple[object, ...], list[tuple[str, str, str]]] = defaultdict(list)
    for entry in entries:
        report = entry.report
        who: object = report.person.number if report.person else entry.record
        group = (report.kind, who, report.date[:4])
        # As in dedupe, the earliest month wins, then the smallest agency id; `World` lets no tie go further.
        groups[group].append((report.period, *entry.record))
    return frozenset(min(group)[1:] for group in groups.values())


def _outcome(
    entry: AnswerEntry, latest: dict[tuple[str, str], int], representatives: frozenset[tuple[str, str]]
) -> str:
    """Return the outcome of one entry; if several apply, the first of the list below."""
    if latest[entry.record] > entry.report.revision:
        return "superseded"
    if entry.again:
        return "duplicate"
    if entry.report.withdrawn:
        return "withdrawn"
    if entry.report.facts.get("status") == "N":
        return "out_of_scope"
    return "counted" if entry.record in representatives else "duplicate"


def _cells(report: AgencyReport) -> Iterator[tuple[str, int]]:
    """Yield the keys of the cells to which a counted report contributes, with the amount."""
    facts, country, period, year = report.facts, report.facts["country"] or "unknown", report.period, report.date[:4]
    # Aggregates bring their own amounts; every other report counts one person.
    if report.kind == "indicator":
        yield f"indicators|indicator|{facts['phenomenon']}|{country}|{period}|{facts['indicator']}", facts["value"]
        return
    if report.kind == "activity":
        for sex, field in _SEXES:
            yield f"activities|participants|{country}|{period}|{facts['activity_type']}|{sex}", facts[field]
        return
    head = f"{facts['phenomenon']}|{_STATUSES[facts['status']]}|{country}"
    gender = _GENDERS.get(facts["gender"] or "", "unknown")
    if report.kind == "referral":
        yield f"referrals|service|{head}|{period}|{gender}|{facts['service'] or 'unknown'}", 1
    elif report.kind == "assistance":
        yield f"assistance|services|{head}|{period}|{gender}|{_joined(facts['services'])}", 1
    else:
        yield f"cases|profile|{head}|{period}|{gender}|{_age(report)}|{_joined(facts['forms'])}", 1
        # The shipped policy counts origin and means by year, the profile and identification by month or quarter.
        codes = facts["citizenship"]
        citizenship = codes[0] if len(codes) == 1 else "multiple" if codes else "unknown"
        yield f"cases|origin|{head}|{year}|{citizenship}", 1
        yield f"cases|means|{head}|{year}|{_joined(facts['means'])}", 1
        yield f"cases|identification|{head}|{period}|{facts['decided_by'] or 'unknown'}", 1


def _joined(codes: Sequence[str]) -> str:
    """Return a set of codes as one value of a cell key."""
    return "+".join(sorted(codes)) or "unknown"


def _age(report: AgencyReport) -> str:
    """Return the age band; whether the row gave years or the band itself makes no difference to the cell."""
    if report.person is None or report.facts["age"] == "none":
        return "unknown"
    return event_rows.band(event_rows.age_of(report, report.person))
