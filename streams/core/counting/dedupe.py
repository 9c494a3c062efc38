"""Deduplication: the changes of counts and outcomes that one de-identified event causes in its person-year.

Purpose: decides, per kind and person token, which record is counted of the person-year, which deltas its cells get,
and which outcomes the raw records behind the events get. Keeps no state and sends nothing.

Called by: `streams.stages.dedupe`, once for each record of the topics `deidentified.*`.

Invariants:
- The counted record is that of `streams.core.counting.representative` over the events that are reported and in scope,
  at their latest revisions. It does not depend on the order in which events arrive.
- One record of a person-year counts at most; the deltas of one event take back what was counted before. What was
  counted is kept in the state, so that another policy or another rule takes back exactly that.
- An event is known by its agency and its id: no agency can revise another's.
- An equal revision with other content is a conflict, and changes no count.
- A person-year is in one first quarter at a time, and never in a later one afterwards: it is the earliest that any
  report in scope has named, at any revision, whether or not it was corrected or withdrawn since.
- An event that was erased is remembered, without content, until the removal of its records (`forget`): a copy of it
  that is still on its way must not count. A person-year without events is not kept.
- The bounds below are independent of the policy and of the number of agencies; `LARGEST_STATE` follows from them. No
  event of one agency takes the room of another's: `RESERVED` events of each are always admitted up to `MOST_EVENTS`.
- `through` is the offset of the last event that a state includes; an event at or below it changes nothing again.

    person = PersonYear()
    step = apply(person, event, "case/3", 17, cubes)   # the first event: counted
    step.deltas                                          # (Delta(cell="cases|...", agency="...", amount=1, ordinal=0),)
    apply(step.person, event, "case/3", 17, cubes)     # None: the state includes offset 17
"""

import json
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from schemas.identifiers import AgencyId, CubeKey, EventId
from schemas.reporters import together
from schemas.values import LARGEST_COUNT
from streams.core.calendar import quarter_of
from streams.core.counting.outcomes import Outcome, Position
from streams.core.counting.representative import CellReader, Cells, CountedRecord, representative

__all__ = [
    "CONFLICT",
    "LARGEST_CELLS",
    "LARGEST_STATE",
    "MOST_EVENTS",
    "MOST_OF_AGENCY",
    "RESERVED",
    "TOO_LARGE",
    "TOO_MANY",
    "Cells",
    "CountedRecord",
    "DedupeStep",
    "DeidentifiedEvent",
    "Delta",
    "PersonYear",
    "apply",
    "dump",
    "forget",
    "load",
]

CONFLICT: Final = "CON-020"
"""The code of an equal revision with other content."""

TOO_MANY: Final = "CON-050"
"""The code of an event beyond the number of events that one person-year may have."""

TOO_LARGE: Final = "CON-051"
"""The code of an event whose cells or amounts are larger than any that the contract allows."""

MOST_OF_AGENCY: Final = 64
"""Events of one agency about one person in one year, of one kind: more than one a week."""

MOST_SHARED: Final = 256
"""Events of one person-year up to which every agency may have `MOST_OF_AGENCY`."""

RESERVED: Final = 4
"""Events that an agency may have beyond `MOST_SHARED`, up to `MOST_EVENTS`."""

MOST_EVENTS: Final = 512
"""Events of one person-year: the shared ones, and the reserved ones of 64 agencies."""

LARGEST_CELLS: Final = 1_200
"""Bytes of the cells of one event in a state value; the largest event of the shipped policy needs about 700."""

LARGEST_STATE: Final = 800_000
"""Bytes that no state value reaches; a test builds the largest one. Requests hold more (`streams.runtime.outbox`)."""

_CELL_FRAME: Final = len('["",1000000],')

_COMPRESSED: Final = 4_096
"""Bytes from which on a state value is compressed: a person-year with many events is written anew for each of them."""


@dataclass(frozen=True, slots=True)
class DeidentifiedEvent:
    """One revision of an event, as far as deduplication needs it.

    Args:
        event_id: Id of the event.
        agency: The agency that published it.
        kind: Kind of the event.
        revision: 1 for the first report, higher for each correction.
        state: `reported`, `withdrawn`, `moved` to another person token, or `erased`.
        digest: Keyed hash of the content.
        period: Month of the event, `2024-03`.
        raw: Partition and offset of the raw record.
        cells: The cells that it adds to, None if the event is in no scope.
    """

    event_id: EventId
    agency: AgencyId
    kind: str
    revision: int
    state: str
    digest: str
    period: str
    raw: tuple[int, int]
    cells: Cells | None

    @property
    def key(self) -> str:
        """Return the event's key among those of all agencies."""
        return f"{self.agency}/{self.event_id}"

    @property
    def position(self) -> Position:
        """Return the place of the raw record."""
        return (self.agency, self.kind, *self.raw)

    @property
    def counts(self) -> bool:
        """Return whether the event may be counted: it is reported and in scope."""
        return self.state == "reported" and self.cells is not None


@dataclass(frozen=True, slots=True)
class PersonYear:
    """The state of one token, including all input up to the offset `through`.

    Args:
        through: Offset of the last included event, -1 before the first.
        events: The latest revision of each event, by its key.
        counted: The record that is counted; None if no event counts.
        first_quarter: The earliest quarter that any report has named, `2024-Q1`; empty while no month is known.
    """

    through: int = -1
    events: Mapping[str, DeidentifiedEvent] = field(default_factory=dict)
    counted: CountedRecord | None = None
    first_quarter: str = ""


@dataclass(frozen=True, slots=True)
class Delta:
    """One change of one cell; `ordinal` numbers the changes of one input offset, from 0."""

    cell: CubeKey
    agency: AgencyId
    amount: int
    ordinal: int


@dataclass(frozen=True, slots=True)
class DedupeStep:
    """The result of one event.

    Args:
        person: The new state.
        deltas: The changes of cells.
        outcomes: The outcomes of raw records.
        refused: The code under which the event goes to quarantine, None if it was included.
        disputes: Attributes of which the agencies report different values since this event.
        settled: Attributes of which they no longer do.
    """

    person: PersonYear
    deltas: tuple[Delta, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    refused: str | None = None
    disputes: tuple[str, ...] = ()
    settled: tuple[str, ...] = ()


def apply(
    person: PersonYear, event: DeidentifiedEvent, source: str, offset: int, cubes: CellReader
) -> DedupeStep | None:
    """Include `event` in the state of its person-year; return None if the state includes it already.

    Args:
        person: The state of the event's token.
        event: The event.
        source: Kind and partition that the event was read from, as `case/3`.
        offset: Its offset there.
        cubes: Takes cell keys apart by the cubes of the policy.
    """
    if offset <= person.through:
        return None
    key = event.key
    latest = person.events.get(key)
    if latest is not None and event.revision <= latest.revision:
        return _not_higher(replace(person, through=offset), latest, event, (source, offset), cubes)
    if (code := _beyond_bounds(person, latest, event)) is not None:
        return _refused(replace(person, through=offset), event, source, offset, code)
    events = {**person.events, key: event}
    first_quarter = _first_quarter(person, event)
    counted = representative((known for known in events.values() if known.counts), cubes)
    counted = _in_quarter(counted, first_quarter, cubes)
    after = PersonYear(offset, events, counted, first_quarter)
    changed = _results(person, event, after)
    old, new = (record.disputed if record else () for record in (person.counted, counted))
    return DedupeStep(
        after,
        _deltas(person, after),
        _outcomes(changed, source, offset),
        disputes=tuple(name for name in new if name not in old),
        settled=tuple(name for name in old if name not in new),
    )


def _first_quarter(person: PersonYear, event: DeidentifiedEvent) -> str:
    """Return the earliest quarter that any report has named, with that of `event`."""
    named = quarter_of(event.period) if event.counts else ""
    if len(named) <= len("2024"):
        return person.first_quarter
    return min(named, person.first_quarter) if person.first_quarter else named


def _in_quarter(counted: CountedRecord | None, first_quarter: str, cubes: CellReader) -> CountedRecord | None:
    """Return the counted record in the first quarter of its person-year."""
    if counted is None:
        return None
    cells = cubes.in_quarter(counted.cells, first_quarter)
    return counted if cells == counted.cells else replace(counted, cells=cells)


def _beyond_bounds(person: PersonYear, latest: DeidentifiedEvent | None, event: DeidentifiedEvent) -> str | None:
    """Return the code of the bound that `event` exceeds, None if the person-year has room for it."""
    size = 0
    for key, amount in event.cells or ():
        size += len(key) + _CELL_FRAME
        if size > LARGEST_CELLS or amount > LARGEST_COUNT:
            return TOO_LARGE
    # Revisions replace their event. Most person-years have few events, of which none has to be counted.
    if latest is not None or event.state == "erased" or len(person.events) < RESERVED:
        return None
    own = sum(known.agency == event.agency for known in person.events.values())
    every = len(person.events)
    if own >= MOST_OF_AGENCY or every >= MOST_EVENTS or (every >= MOST_SHARED and own >= RESERVED):
        return TOO_MANY
    return None


def _refused(person: PersonYear, event: DeidentifiedEvent, source: str, offset: int, code: str) -> DedupeStep:
    # A move has its outcome under the new token; here nothing of the event is counted that it could take back.
    if event.state == "moved":
        return DedupeStep(person)
    return DedupeStep(person, outcomes=_outcomes({event.position: "quarantined"}, source, offset), refused=code)


def _not_higher(
    person: PersonYear, latest: DeidentifiedEvent, event: DeidentifiedEvent, at: tuple[str, int], cubes: CellReader
) -> DedupeStep:
    """Decide on a revision that is not higher than the latest one; `at` is the source and the offset of the event."""
    # The de-identifier sends at least once: a second copy of the same raw record must not change its outcome.
    if event.state == "moved" or (event.revision == latest.revision and event.raw == latest.raw):
        return DedupeStep(person)
    same = event.digest == latest.digest and (event.state == "withdrawn") == (latest.state == "withdrawn")
    if event.revision == latest.revision and latest.state != "moved" and not same:
        return _refused(person, event, *at, CONFLICT)
    if event.revision == latest.revision:
        return DedupeStep(person, outcomes=_outcomes({event.position: "duplicate"}, *at))
    # It is superseded, and has named its quarter all the same: so the order of arrival changes nothing.
    first_quarter = _first_quarter(person, event)
    after = replace(person, first_quarter=first_quarter, counted=_in_quarter(person.counted, first_quarter, cubes))
    return DedupeStep(after, _deltas(person, after), _outcomes({event.position: "superseded"}, *at))


def _results(before: PersonYear, event: DeidentifiedEvent, after: PersonYear) -> dict[Position, str]:
    """Return the outcomes that change: of the event, of its earlier revision, of the leading event before and after."""
    old, new = _leading(before), _leading(after)
    results: dict[Position, str] = {}
    if old is not new:
        if old is not None:
            results[old.position] = "duplicate"
        if new is not None:
            results[new.position] = "counted"
    latest = before.events.get(event.key)
    # An event that moved away has its outcome under its new token; here nothing of it is left to be superseded.
    if latest is not None and latest.state != "moved":
        results[latest.position] = "superseded"
    if event.state in {"withdrawn", "erased"}:
        results[event.position] = "withdrawn"
    elif event.state == "reported" and event is not new:
        results[event.position] = "out_of_scope" if event.cells is None else "duplicate"
    return dict(sorted(results.items()))


def _leading(person: PersonYear) -> DeidentifiedEvent | None:
    """Return the event that leads the counted record."""
    counted = person.counted
    return None if counted is None else person.events[counted.key]


def _deltas(before: PersonYear, after: PersonYear) -> tuple[Delta, ...]:
    """Take back the amounts of the record that was counted, and add those of the new one.

    They count for all agencies together that reported the person: each of them knows it.
    """
    net: Counter[tuple[CubeKey, AgencyId]] = Counter()
    for person, sign in ((before, -1), (after, 1)):
        if person.counted is not None:
            reporters = together(event.agency for event in person.events.values() if event.counts)
            for cell, amount in person.counted.cells:
                net[cell, reporters] += sign * amount
    # Sorted, so that a batch that is handled again gives every delta the same sequence mark.
    changes = sorted((key, amount) for key, amount in net.items() if amount)
    return tuple(Delta(cell, agency, amount, n) for n, ((cell, agency), amount) in enumerate(changes))


def _outcomes(changed: Mapping[Position, str], source: str, offset: int) -> tuple[Outcome, ...]:
    return tuple(Outcome(where, result, source, offset, n) for n, (where, result) in enumerate(changed.items()))


def forget(person: PersonYear) -> PersonYear:
    """Return the state without the events that were erased."""
    events = {key: event for key, event in person.events.items() if event.state != "erased"}
    return replace(person, events=events)


def dump(person: PersonYear) -> bytes:
    """Write `person` as compact JSON, compressed if it is long; the state keeps `through` and the kind beside it."""
    rows = {key: [e.revision, e.state, e.digest, e.period, *e.raw, e.cells] for key, e in person.events.items()}
    counted: list[Any] = []
    if (record := person.counted) is not None:
        # The cells are repeated only where they are not those of the leading event.
        own = record.cells == person.events[record.key].cells
        counted = [record.key, record.disputed, None if own else record.cells]
    text = json.dumps([rows, counted, person.first_quarter], separators=(",", ":"), sort_keys=True).encode()
    return zlib.compress(text, 1) if len(text) > _COMPRESSED else text


def load(through: int, kind: str, payload: bytes) -> PersonYear:
    """Read the state of one kind that `dump` wrote."""
    # A state that was written before the first quarter was kept has two parts.
    rows, counted, *first_quarter = json.loads(payload if payload.startswith(b"[") else zlib.decompress(payload))
    events: dict[str, DeidentifiedEvent] = {}
    for key, (revision, state, digest, period, partition, offset, cells) in rows.items():
        agency, _, event_id = key.partition("/")
        raw = partition, offset
        events[key] = DeidentifiedEvent(event_id, agency, kind, revision, state, digest, period, raw, _cells(cells))
    first = "".join(first_quarter)
    if not counted:
        return PersonYear(through, events, None, first)
    key, disputed, cells = counted
    own = events[key].cells or ()
    record = CountedRecord(events[key].agency, key, own if cells is None else _cells(cells) or (), tuple(disputed))
    return PersonYear(through, events, record, first)


def _cells(rows: list[list[Any]] | None) -> Cells | None:
    return None if rows is None else tuple((cell, amount) for cell, amount in rows)
