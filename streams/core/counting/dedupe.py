"""One leaf for each person and year: what one de-identified event changes.

Decides, per population and person token, which event represents the person-year, what that adds to and takes from the
cells, and what becomes of the raw records behind it. Does not decide where state is kept or deltas are sent.

The leaf is the event with the least (period, agency, event id) among those that are reported and in scope, at their
latest revision: whatever order events arrive in, the same leaf comes out. An equal revision with other content is a
conflict and changes nothing. What a state includes is told by `through`, the offset of the last event; below it
nothing is done again.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from streams.core.counting.outcomes import Outcome, Position

__all__ = [
    "CONFLICT",
    "DedupeStep",
    "DeidentifiedEvent",
    "Delta",
    "Leaf",
    "PersonYear",
    "SeenEvent",
    "apply",
    "dump",
    "load",
]

CONFLICT = "CON-020"
"""The code of an equal revision with other content."""

Cells = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class DeidentifiedEvent:
    """What dedupe reads of a de-identified record; `cells` is None where the event is out of every scope."""

    event_id: str
    agency: str
    kind: str
    revision: int
    state: str
    digest: str
    period: str
    raw: tuple[int, int]
    cells: Cells | None


@dataclass(frozen=True, slots=True)
class SeenEvent:
    """The latest revision of one event under one token."""

    agency: str
    revision: int
    state: str
    digest: str
    period: str
    raw: tuple[int, int]
    cells: Cells | None


@dataclass(frozen=True, slots=True)
class PersonYear:
    """The state of one token: latest revisions by event id, including all input up to the offset `through`."""

    through: int = -1
    events: Mapping[str, SeenEvent] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delta:
    """One change of one cell; `ordinal` is its place among the changes of its input offset."""

    cell: str
    agency: str
    amount: int
    ordinal: int


@dataclass(frozen=True, slots=True)
class DedupeStep:
    """What one event comes to; `conflict` where it is refused."""

    person: PersonYear
    deltas: tuple[Delta, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    conflict: bool = False


Leaf = tuple[str, SeenEvent] | None


def apply(person: PersonYear, event: DeidentifiedEvent, source: str, offset: int) -> DedupeStep | None:
    """Include `event`, read from `source` (as `case/3`) at `offset`; None where the state includes it already."""
    if offset <= person.through:
        return None
    known = person.events.get(event.event_id)
    if known is not None and event.revision <= known.revision:
        return _repeated(replace(person, through=offset), known, event, source, offset)
    after = PersonYear(offset, {**person.events, event.event_id: _seen(event)})
    results_before, results_after = _results(person, event.kind), _results(after, event.kind)
    if known is not None and known.state != "moved":
        results_after[_position(known, event.kind)] = "superseded"
    changed = {where: result for where, result in sorted(results_after.items()) if results_before.get(where) != result}
    return DedupeStep(after, _deltas(_leaf(person), _leaf(after)), _outcomes(changed, source, offset))


def _repeated(person: PersonYear, known: SeenEvent, event: DeidentifiedEvent, source: str, offset: int) -> DedupeStep:
    """Judge a revision that is not higher: the raw record itself again says nothing new."""
    if event.state == "moved" or (event.revision == known.revision and event.raw == known.raw):
        return DedupeStep(person)
    same = event.digest == known.digest and (event.state == "withdrawn") == (known.state == "withdrawn")
    conflict = event.revision == known.revision and known.state != "moved" and not same
    result = "superseded" if event.revision < known.revision else "quarantined" if conflict else "duplicate"
    where = (event.agency, event.kind, *event.raw)
    return DedupeStep(person, outcomes=_outcomes({where: result}, source, offset), conflict=conflict)


def _seen(event: DeidentifiedEvent) -> SeenEvent:
    return SeenEvent(event.agency, event.revision, event.state, event.digest, event.period, event.raw, event.cells)


def _position(seen: SeenEvent, kind: str) -> Position:
    return (seen.agency, kind, *seen.raw)


def _leaf(person: PersonYear) -> Leaf:
    counting = (
        (key, seen) for key, seen in person.events.items() if seen.state == "reported" and seen.cells is not None
    )
    return min(counting, key=lambda pair: (pair[1].period, pair[1].agency, pair[0]), default=None)


def _results(person: PersonYear, kind: str) -> dict[Position, str]:
    """Tell the outcome of every event's latest raw record; a moved event's is told under its new token."""
    leaf = _leaf(person)
    results = {}
    for key, seen in person.events.items():
        if seen.state == "moved":
            continue
        if seen.state == "withdrawn":
            result = "withdrawn"
        elif seen.cells is None:
            result = "out_of_scope"
        else:
            result = "counted" if leaf is not None and leaf[0] == key else "duplicate"
        results[_position(seen, kind)] = result
    return results


def _deltas(before: Leaf, after: Leaf) -> tuple[Delta, ...]:
    """Take back what the old leaf added, add what the new one does; what is in both cancels out."""
    net: Counter[tuple[str, str]] = Counter()
    for leaf, sign in ((before, -1), (after, 1)):
        if leaf is not None:
            for cell, amount in leaf[1].cells or ():
                net[cell, leaf[1].agency] += sign * amount
    changes = sorted((key, amount) for key, amount in net.items() if amount)
    return tuple(Delta(cell, agency, amount, n) for n, ((cell, agency), amount) in enumerate(changes))


def _outcomes(changed: Mapping[Position, str], source: str, offset: int) -> tuple[Outcome, ...]:
    return tuple(Outcome(where, result, source, offset, n) for n, (where, result) in enumerate(changed.items()))


def dump(person: PersonYear) -> bytes:
    """Write the events of `person` as compact JSON; `through` is kept beside it."""
    rows = {
        key: [s.agency, s.revision, s.state, s.digest, s.period, *s.raw, s.cells] for key, s in person.events.items()
    }
    return json.dumps(rows, separators=(",", ":"), sort_keys=True).encode()


def load(through: int, payload: bytes) -> PersonYear:
    """Read what `dump` wrote."""
    events = {}
    for key, (agency, revision, state, digest, period, partition, offset, cells) in json.loads(payload).items():
        kept = None if cells is None else tuple((cell, amount) for cell, amount in cells)
        events[key] = SeenEvent(agency, revision, state, digest, period, (partition, offset), kept)
    return PersonYear(through, events)
