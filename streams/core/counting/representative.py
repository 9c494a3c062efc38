"""The representative record of a person-year: what is counted of the reports of several agencies about one person.

Purpose: one rule that neither the order of arrival nor the date of another agency's report decides. Each agency has one
voice, its own representative event; the agencies then decide attribute by attribute.

    1. voice       of each agency: its earliest event with a known month, then the one with the least event id
    2. agreement   an attribute has an agreed value if two agencies or more report it, and more than any other value
    3. leader      the voice that has most of the agreed values; then the stronger status; then the year's order of the
                   agencies, by the hash of year and agency id
    4. record      the leader's cells, with the agreed values in place of its own where they differ

Called by: `streams.core.counting.dedupe`, for each event that changes a person-year.

Invariants:
- The record does not depend on the order in which events arrive.
- One agency changes no attribute on which two others agree against any further value.
- A date decides over the agency's own events alone. Between agencies a month is an attribute like any other.
- The year's order of the agencies depends on nothing that an agency may choose, and everyone can recompute it.
- The record is one event's wherever one event has all agreed values, which is nearly always.

>>> reader = CellReader({"cases|profile": ("status", "country")})
>>> reader.attributes((("cases|profile|confirmed|LBN", 1),))
{'status': 'confirmed', 'country': 'LBN'}
"""

import functools
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from anonymizer.released_dimensions import FIRST_QUARTER
from schemas.identifiers import AgencyId, CubeKey

__all__ = ["DISPUTED", "CellReader", "Cells", "CountedRecord", "ReportedEvent", "representative"]

Cells = tuple[tuple[CubeKey, int], ...]
"""Cell keys with the amounts that an event adds to them."""

DISPUTED: Final = ("country", "phenomenon", "status")
"""Attributes of which different reports of two agencies are a conflict that the officer is told of."""

_QUORUM: Final = 2  # agencies behind an agreed value
_STRENGTH: Final = {"confirmed": 2, "possible": 1}
_REMEMBERED: Final = 4_096  # events whose cells were taken apart
_WITH_MONTH: Final = len("2024-03")

Attributes = Mapping[str, str]


class ReportedEvent(Protocol):
    """An event as far as the rule reads it."""

    @property
    def key(self) -> str:
        """The event's key among those of all agencies."""
        ...

    @property
    def agency(self) -> AgencyId:
        """The agency that published it."""
        ...

    @property
    def period(self) -> str:
        """Month of the event, or its year where no month is known."""
        ...

    @property
    def cells(self) -> Cells | None:
        """The cells that the event adds to."""
        ...


@dataclass(frozen=True, slots=True)
class CountedRecord:
    """The record that is counted of a person-year.

    Args:
        agency: The agency of the leading event.
        key: Key of the leading event; its raw record has the outcome `counted`.
        cells: The cells that are counted.
        disputed: Those of `DISPUTED` of which the agencies report different known values, sorted.
    """

    agency: AgencyId
    key: str
    cells: Cells
    disputed: tuple[str, ...] = ()


class CellReader:
    """Takes cell keys apart by the cubes of a policy.

    Args:
        cubes: `population|cube` -> the dimensions of the cube, in the order of a cell key's values.
    """

    def __init__(self, cubes: Mapping[str, tuple[str, ...]]) -> None:
        self._cubes = cubes
        self._quarterly = any(FIRST_QUARTER in dimensions for dimensions in cubes.values())
        # The voices of one person-year are read again for each of its events.
        self.attributes = functools.lru_cache(_REMEMBERED)(self._read)

    def _read(self, cells: Cells) -> Attributes:
        """Return the values in the keys of an event's cells, by dimension; cells of unknown cubes have none."""
        found: dict[str, str] = {}
        for key, _ in cells:
            head, values = _apart(key)
            names = self._cubes.get(head, ())
            if len(names) == len(values):
                found.update(zip(names, values, strict=True))
        # It says again what the period says: an agreement on the date would count twice.
        found.pop(FIRST_QUARTER, None)
        return found

    def in_quarter(self, cells: Cells, first_quarter: str) -> Cells:
        """Return cells in the first quarter of their person-year; without a known quarter they stay as they are."""
        if not self._quarterly or not first_quarter:
            return cells
        return self.replaced(cells, {FIRST_QUARTER: first_quarter})

    def replaced(self, cells: Cells, agreed: Attributes) -> Cells:
        """Return cells with the agreed values in place of their own; amounts stay, and so do cells of unknown cubes."""
        changed = []
        for key, amount in cells:
            head, values = _apart(key)
            names = self._cubes.get(head, ())
            if len(names) == len(values):
                values = [agreed.get(name, value) for name, value in zip(names, values, strict=True)]
            changed.append((CubeKey("|".join((head, *values))), amount))
        return tuple(changed)


def _apart(key: CubeKey) -> tuple[str, list[str]]:
    """Take a cell key apart: `population|cube`, and its values."""
    parts = key.split("|")
    return "|".join(parts[:2]), parts[2:]


def representative(counting: Iterable[ReportedEvent], cubes: CellReader) -> CountedRecord | None:
    """Return the record that is counted of these events, None if there are none.

    Args:
        counting: The events of the person-year that are reported and in scope, in any order.
        cubes: Takes cell keys apart by the cubes of the policy.
    """
    # 1. Voices. Most person-years have one event, or events of one agency: no agreement is needed.
    voices: dict[AgencyId, ReportedEvent] = {}
    for event in counting:
        known = voices.setdefault(event.agency, event)
        if known is not event and _own_order(event) < _own_order(known):
            voices[event.agency] = event
    if not voices:
        return None
    if len(voices) == 1:
        (only,) = voices.values()
        return CountedRecord(only.agency, only.key, only.cells or ())
    return _together([voices[agency] for agency in sorted(voices)], cubes)


def _own_order(event: ReportedEvent) -> tuple[bool, str, str]:
    # An event without a month would sort before every event with one.
    return len(event.period) < _WITH_MONTH, event.period, event.key


def _order_of_year(voice: ReportedEvent) -> bytes:
    return _rank(voice.period[:4], voice.agency)


def _together(voices: Sequence[ReportedEvent], cubes: CellReader) -> CountedRecord:
    """Return the record on which several agencies agree as far as they do."""
    if all(voice.cells == voices[0].cells for voice in voices):
        leader = max(voices, key=_order_of_year)
        return CountedRecord(leader.agency, leader.key, leader.cells or ())
    reports = [cubes.attributes(voice.cells or ()) for voice in voices]
    # 2. Agreement. What two voices agree on, both have: it neither chooses between them nor changes their cells.
    agreed = _agreed(reports) if len(voices) > _QUORUM else {}
    # 3. Leader.
    merits = [
        (
            sum(report.get(name) == value for name, value in agreed.items()),
            _STRENGTH.get(report.get("status", ""), 0),
            _order_of_year(voice),
        )
        for voice, report in zip(voices, reports, strict=True)
    ]
    first = merits.index(max(merits))
    leader, report = voices[first], reports[first]
    # 4. Record.
    cells = leader.cells or ()
    if any(report.get(name, value) != value for name, value in agreed.items()):
        cells = cubes.replaced(cells, agreed)
    return CountedRecord(leader.agency, leader.key, cells, _disputed(reports))


@functools.lru_cache(_REMEMBERED)
def _rank(year: str, agency: AgencyId) -> bytes:
    """Return a number that ranks the agencies, each year in another order."""
    return hashlib.sha256(f"{year}|{agency}".encode()).digest()


def _agreed(reports: Sequence[Attributes]) -> dict[str, str]:
    """Return the values that two agencies or more report, each more often than any other of its dimension."""
    agreed = {}
    for name in set().union(*reports):
        values = [report[name] for report in reports if name in report]
        most, second, best = 0, 0, ""
        for value in set(values):
            support = values.count(value)
            if support > most:
                most, second, best = support, most, value
            elif support > second:
                second = support
        if most >= _QUORUM and second < most:
            agreed[name] = best
    return agreed


def _disputed(reports: Sequence[Attributes]) -> tuple[str, ...]:
    """Return the disputed attributes: two agencies report two values of it, and both know what they report."""
    disputed = []
    for name in DISPUTED:
        values = {report.get(name, "unknown") for report in reports}
        values.discard("unknown")
        if len(values) > 1:
            disputed.append(name)
    return tuple(disputed)
