"""Erasure of an event: the keys under which its records lie, what is left of it, and the record that takes it back.

Purpose: everything about an event is found again by keys that its id alone gives, so that all of it can be removed
without reading it. An erasure takes the event back like a withdrawal, and then forgets what it said.

Called by: `streams.stages.deidentify_outputs` (keys of all records), `streams.stages.erasure_outputs`;
`connectors.operations.erased_persons` and `streams.stages.dedupe` (`forgetting`, `forgotten`);
`connectors.operations.erasure_notes` (`event_of_note`).

Invariants:
- Each accepted revision has a record key of its own: compaction removes repetitions and what was erased, nothing else.
- What is left of an erased event is the number of its revisions and the offset up to which it is erased, under a keyed
  hash of its id: a copy that was published before the erasure never comes back, however late it is read.

>>> [*record_texts("police-jor/case/7", 2)]
['police-jor/case/7/1', 'police-jor/case/7/2', 'police-jor/case/7/2/moved']
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from schemas.catalogue import FieldSpec
from schemas.identifiers import PersonToken
from streams.core.counting.deidentify import NONE_YET, EventHistory
from streams.core.counting.outcomes import Position

__all__ = [
    "NO_YEAR",
    "event_of_note",
    "event_text",
    "forgetting",
    "forgotten",
    "left_of",
    "markers",
    "note_key",
    "record_text",
    "record_texts",
]

NO_YEAR: Final = "0000"
"""The year of what belongs to no year: what is left of erased events, and the count of requests for unknown ones."""


def event_text(agency: str, kind: str, event_id: str) -> str:
    """Return the text whose keyed hash is the state key of an event."""
    return f"{agency}/{kind}/{event_id}"


def record_text(event: str, accepted: int, *, moved: bool = False) -> str:
    """Return the text whose keyed hash is the key of a de-identified record.

    Args:
        event: text of the event.
        accepted: number of the event's accepted revisions with this one.
        moved: whether the record takes the event from its earlier token.
    """
    return f"{event}/{accepted}/moved" if moved else f"{event}/{accepted}"


def record_texts(event: str, accepted: int) -> Iterator[str]:
    """Yield the texts of every record that an event with so many accepted revisions can have."""
    for number in range(1, accepted + 1):
        yield record_text(event, number)
        if number > 1:  # the first revision moves nothing
            yield record_text(event, number, moved=True)


def note_key(key: str, position: Position, *, known: bool) -> str:
    """Return the key of the note about one request.

    Args:
        key: state key of the event.
        position: the place of the request.
        known: whether there was an event to take back. A replayed request that a crash makes be handled again finds
            none, at the same place: its note must not replace the first.
    """
    _, _, partition, offset = position
    return f"{key}/{partition}/{offset}" + ("" if known else "/again")


def event_of_note(key: str) -> str:
    """Return the state key of the event that a note is about."""
    return key.partition("/")[0]


def left_of(history: EventHistory | None, offset: int, *, replayed: bool) -> EventHistory:
    """Return the state of an event that is erased by the request at a raw offset.

    A request counts as one more revision: whatever had a lower one is superseded.
    """
    before = history or EventHistory(0, PersonToken(""), "", NO_YEAR, NONE_YET, accepted=0)
    # A replayed request lies where it was published first: it erases what came before it there.
    through = max(before.through, offset) if replayed else offset
    if before.erased:
        return replace(before, through=through)
    return EventHistory(before.revision + 1, PersonToken(""), "", NO_YEAR, through, before.accepted + 1, withdrawn=True)


def markers(history: EventHistory, fields: Iterable[FieldSpec], frame: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the records that take an event out of every person-year that knows it: that of its token first.

    Args:
        history: the state of the event before its erasure.
        fields: those of the kind's de-identified records.
        frame: id, agency and raw place of the request.
    """
    empty = {field.name: _nothing(field) for field in fields}
    said = {"revision": history.revision + 1, "state": "erased", "policy": "", "digest": ""}
    for token, year in dict.fromkeys(((history.token, history.year), *history.former)):
        yield empty | said | {"token": token, "period": year} | dict(frame)


def forgetting(fields: Iterable[FieldSpec], state_key: str, year: str) -> dict[str, Any]:
    """Return the record that makes dedupe forget the erased events of a person-year.

    Args:
        fields: those of the de-identified records of the kind on whose topic it is sent; any kind will do.
        state_key: keyed hash of the person-year, as in the changelog of dedupe.
        year: its year.
    """
    said = {"event_id": "", "state": "erased", "token": state_key, "period": year}
    return {field.name: _nothing(field) for field in fields} | said


def forgotten(record: Mapping[str, Any]) -> str | None:
    """Return the state key that a record of `forgetting` names, None for any other record."""
    return None if record["event_id"] else str(record["token"])


def _nothing(field: FieldSpec) -> object:
    """Return a value of the field's type that says nothing."""
    if field.nullable:
        return None
    if field.repeated:
        return []
    return 0 if isinstance(field.type, str) and field.type in {"int", "long"} else "unknown"
