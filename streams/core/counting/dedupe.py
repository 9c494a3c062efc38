"""Deduplication: the changes of counts and outcomes that one de-identified event causes in its person-year.

Purpose: decides, per kind and person token, which event represents the person-year, which deltas its cells get, and
which outcomes the raw records behind the events get. Keeps no state and sends nothing.

Called by: `streams.stages.dedupe`, once for each record of the topics `deidentified.*`.

Invariants:
- The representative event is the event with the least (period, agency, event id) among those that are reported and in
  scope, at their latest revisions. It does not depend on the order in which events arrive.
- At most one event of a person-year counts; the deltas of one event take back what the old representative added.
- An equal revision with other content is a conflict, and changes no count.
- `through` is the offset of the last event that a state includes; an event at or below it changes nothing again.

    person = PersonYear()
    step = apply(person, event, "case/3", 17)   # the first event: counted
    step.deltas                                 # (Delta(cell="cases|...", agency="...", amount=1, ordinal=0),)
    apply(step.person, event, "case/3", 17)     # None: the state includes offset 17
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from schemas.identifiers import AgencyId, CubeKey, EventId
from streams.core.counting.outcomes import Outcome, Position

__all__ = ["CONFLICT", "DedupeStep", "DeidentifiedEvent", "Delta", "PersonYear", "apply", "dump", "load"]

CONFLICT = "CON-020"
"""The code of an equal revision with other content."""

Cells = tuple[tuple[CubeKey, int], ...]
"""Cell keys with the amounts that an event adds to them."""


@dataclass(frozen=True, slots=True)
class DeidentifiedEvent:
    """One revision of an event, as far as deduplication needs it.

    Args:
        event_id: Id of the event.
        agency: The agency that published it.
        kind: Kind of the event.
        revision: 1 for the first report, higher for each correction.
        state: `reported`, `withdrawn`, or `moved` to another person token.
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
    def position(self) -> Position:
        """Return the place of the raw record."""
        return (self.agency, self.kind, *self.raw)


@dataclass(frozen=True, slots=True)
class PersonYear:
    """The state of one token: the latest revision of each event, including all input up to the offset `through`."""

    through: int = -1
    events: Mapping[EventId, DeidentifiedEvent] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delta:
    """One change of one cell; `ordinal` numbers the changes of one input offset, from 0."""

    cell: CubeKey
    agency: AgencyId
    amount: int
    ordinal: int


@dataclass(frozen=True, slots=True)
class DedupeStep:
    """The result of one event: the new state, deltas and outcomes; `conflict` if the event was refused."""

    person: PersonYear
    deltas: tuple[Delta, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    conflict: bool = False


def apply(person: PersonYear, event: DeidentifiedEvent, source: str, offset: int) -> DedupeStep | None:
    """Include `event` in the state of its person-year; return None if the state includes it already.

    Args:
        person: The state of the event's token.
        event: The event.
        source: Kind and partition that the event was read from, as `case/3`.
        offset: Its offset there.
    """
    if offset <= person.through:
        return None
    latest = person.events.get(event.event_id)
    if latest is not None and event.revision <= latest.revision:
        return _not_higher(replace(person, through=offset), latest, event, source, offset)
    after = PersonYear(offset, {**person.events, event.event_id: event})
    results_before, results_after = _results(person), _results(after)
    # An event that moved away has its outcome under its new token; here nothing of it is left to be superseded.
    if latest is not None and latest.state != "moved":
        results_after[latest.position] = "superseded"
    changed = {where: result for where, result in sorted(results_after.items()) if results_before.get(where) != result}
    return DedupeStep(
        after, _deltas(_representative(person), _representative(after)), _outcomes(changed, source, offset)
    )


def _not_higher(
    person: PersonYear, latest: DeidentifiedEvent, event: DeidentifiedEvent, source: str, offset: int
) -> DedupeStep:
    """Decide on a revision that is not higher than the latest one."""
    # The de-identifier sends at least once: a second copy of the same raw record must not change its outcome.
    if event.state == "moved" or (event.revision == latest.revision and event.raw == latest.raw):
        return DedupeStep(person)
    same = event.digest == latest.digest and (event.state == "withdrawn") == (latest.state == "withdrawn")
    conflict = event.revision == latest.revision and latest.state != "moved" and not same
    result = "superseded" if event.revision < latest.revision else "quarantined" if conflict else "duplicate"
    return DedupeStep(person, outcomes=_outcomes({event.position: result}, source, offset), conflict=conflict)


def _representative(person: PersonYear) -> DeidentifiedEvent | None:
    """Return the representative event, None if no event of the person-year counts."""
    counting = (event for event in person.events.values() if event.state == "reported" and event.cells is not None)
    return min(counting, key=lambda event: (event.period, event.agency, event.event_id), default=None)


def _results(person: PersonYear) -> dict[Position, str]:
    """Return the outcome of the latest raw record of every event."""
    representative = _representative(person)
    results = {}
    for event in person.events.values():
        if event.state == "moved":
            continue  # it has its outcome under its new token
        if event.state == "withdrawn":
            result = "withdrawn"
        elif event.cells is None:
            result = "out_of_scope"
        else:
            result = "counted" if event is representative else "duplicate"
        results[event.position] = result
    return results


def _deltas(before: DeidentifiedEvent | None, after: DeidentifiedEvent | None) -> tuple[Delta, ...]:
    """Take back the amounts of the old representative event and add those of the new one."""
    net: Counter[tuple[CubeKey, AgencyId]] = Counter()
    for event, sign in ((before, -1), (after, 1)):
        if event is not None:
            for cell, amount in event.cells or ():
                net[cell, event.agency] += sign * amount
    # Sorted, so that a batch that is handled again gives every delta the same sequence mark.
    changes = sorted((key, amount) for key, amount in net.items() if amount)
    return tuple(Delta(cell, agency, amount, n) for n, ((cell, agency), amount) in enumerate(changes))


def _outcomes(changed: Mapping[Position, str], source: str, offset: int) -> tuple[Outcome, ...]:
    return tuple(Outcome(where, result, source, offset, n) for n, (where, result) in enumerate(changed.items()))


def dump(person: PersonYear) -> bytes:
    """Write the events of `person` as compact JSON; the state keeps `through` and the kind beside it."""
    rows = {
        key: [e.agency, e.revision, e.state, e.digest, e.period, *e.raw, e.cells] for key, e in person.events.items()
    }
    return json.dumps(rows, separators=(",", ":"), sort_keys=True).encode()


def load(through: int, kind: str, payload: bytes) -> PersonYear:
    """Read the events of one kind that `dump` wrote."""
    events = {}
    for key, (agency, revision, state, digest, period, partition, offset, rows) in json.loads(payload).items():
        cells = None if rows is None else tuple((cell, amount) for cell, amount in rows)
        raw = partition, offset
        events[key] = DeidentifiedEvent(key, agency, kind, revision, state, digest, period, raw, cells)
    return PersonYear(through, events)
