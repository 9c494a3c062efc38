"""Construction of one event of the contract, in clear and still at the agency.

Purpose: give an agency's record its event id and person key, hold it against the contract, and refuse one without
consent. It does not matter where the record comes from: a row of a file, or an agency's own program.
Called by: `connectors.ingest.file_publisher` makes it, `connectors.ingest.files.row_to_event` calls it;
`amana.publisher` hands it the `AgencyKeys`.

    builder = EventBuilder("shelter-lbn", "case", keys=keys, today=date(2026, 1, 1))
    event = builder.build({"event_date": "2024-03-05", "con_Consent": True, ...}, own_id="7")
    message = envelope.wrap(event, ref=2)       # `connectors.ingest.event.envelope`

Invariants:
- An event without consent on record does not leave the agency, except one that withdraws an earlier event: CON-106.
- The agency's own record id enters the event as a keyed hash only.
- An error names a field and a code, never a value.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from connectors.ingest.event import person_key
from schemas import catalogue, raw
from schemas.catalogue import FieldSpec
from schemas.errors import ContractError
from schemas.identifiers import EventId

__all__ = ["OWN_ID", "AgencyKeys", "EventBuilder"]

OWN_ID = "record_id"
"""The field with the agency's own record id; it stays at the agency."""

_MADE_HERE = frozenset({"event_id", "agency", "person"})
_NAMES = ("prs_FirstName", "prs_MiddleName", "prs_SecondName")
_YEAR = re.compile(r"\d{4}")


@dataclass(frozen=True, slots=True)
class AgencyKeys:
    """Keys that stay with the agencies, 32 raw bytes each: their shared one for persons, one agency's for event ids."""

    shared: bytes = field(repr=False)
    agency: bytes = field(repr=False)


class EventBuilder:
    """Builds the events of one kind of one agency.

    Args:
        agency: its id.
        kind: one of `catalogue.KINDS`.
        keys: the keys of event ids and person keys.
        today: the last date that is not in the future.
    """

    def __init__(self, agency: str, kind: str, *, keys: AgencyKeys, today: date) -> None:
        self.agency, self.kind = agency, kind
        self._keys, self._today = keys, today
        self.fields: Mapping[str, FieldSpec] = {spec.name: spec for spec in catalogue.load(f"raw.{kind}").fields}

    @property
    def accepted_names(self) -> frozenset[str]:
        """Names of the fields that an agency may give: those of the contract that are not made here, and its own id."""
        return frozenset(self.fields) - _MADE_HERE | {OWN_ID}

    def build(self, given: Mapping[str, Any], own_id: str) -> dict[str, Any]:
        """Return the event of one record: every field of the contract.

        Args:
            given: field -> value, without the fields that are made here.
            own_id: the agency's own id of the record; the same id in a later revision.

        Raises:
            ContractError: CON-010 to CON-015, a value is not good; CON-106, no consent on record.
        """
        values = dict(given)
        values["agency"] = self.agency
        event_id = person_key.event_id(self._keys.agency, self.kind, own_id)
        values["event_id"] = event_id
        if "person" in self.fields:
            values["person"] = self._person(values, event_id)
        else:
            # An agency's own aggregate is about no person: what a mapping adds for all kinds falls away here.
            values = {name: value for name, value in values.items() if name in self.fields}
        valid = raw.validate(self.kind, values, today=self._today).__dict__
        # Avro's union of null and array takes a tuple for a hint of the branch.
        event = {name: list(value) if isinstance(value, tuple) else value for name, value in valid.items()}
        if event.get("con_Consent", True) is False and not event["withdrawn"]:
            raise ContractError("CON-106", "no consent on record", field="con_Consent")
        return event

    def _person(self, values: Mapping[str, Any], event_id: EventId) -> str:
        """Return the person key; without a name or a birth year the person is known by this event alone."""
        names = [str(values[name]) for name in _NAMES if values.get(name)]
        birth_year = _YEAR.match(str(values.get("prs_Birthdate") or ""))
        return person_key.person_key(
            self._keys.shared,
            names,
            int(birth_year[0]) if birth_year else None,
            otherwise=person_key.event_person(self.agency, event_id),
        )
