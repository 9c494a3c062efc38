"""Admission: the rules that an opened raw event must meet before anything is derived from it.

Purpose: the sender is the agency of the topic, the contract holds, consent is on record, the date is plausible, and the
event is not late. Sees decoded and opened events; does not decode or open any.

Called by: `streams.stages.deidentify`, step 4; `streams.stages.deidentify_outputs` takes its results.

Invariants:
- CON-010 to CON-015: the contract (`schemas.raw`); CON-023: no consent; CON-024: another agency's topic; CON-025: a
  year before the policy's first; CON-026: a crisis that the policy does not declare; CON-027: a stage of proceedings
  that another authority owns, or nobody.
- An event of the future is refused by the day on which it is admitted, with one day for clocks and time zones. The
  calendar's date decides lateness alone (`docs/adr/0036-bounds-at-admission.md`).
- A withdrawal needs no consent: it may be the consent that is withdrawn.
- No message repeats a value of the event.
"""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from anonymizer.policy import Policy
from schemas import raw
from schemas.errors import ContractError
from streams.core import calendar

__all__ = ["Lateness", "check", "check_declared", "check_erasure", "lateness"]

_EVENT_ID: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)

_AHEAD: Final = dt.timedelta(days=1)
"""How far an agency's clock, or its time zone, may be ahead of the machine that admits."""


@dataclass(frozen=True, slots=True)
class Lateness:
    """The lateness of an event after the last revision of its year: the year, and the date on which it was closed."""

    period: str
    closed_on: dt.date


def check(kind: str, agency: str, record: Mapping[str, Any], policy: Policy, *, today: dt.date) -> None:
    """Refuse an event that breaks a rule of admission.

    Args:
        kind: The topic's kind of event.
        agency: The topic's agency.
        record: The opened, decoded event.
        policy: Its calendar has the first year of events.
        today: The day on which the event is admitted, UTC; no event lies more than a day behind it.

    Raises:
        ContractError: CON-010 to CON-015, CON-023, CON-024, CON-025; the message repeats no value.
    """
    if record["agency"] != agency:
        raise ContractError("CON-024", "the event names another agency than its topic", field="agency")
    raw.validate(kind, record, today=today + _AHEAD)
    if int(record["event_date"][:4]) < policy.calendar.first_year:
        raise ContractError("CON-025", "a date before the policy's first year", field="event_date")
    if not record.get("con_Consent", True) and not record["withdrawn"]:
        raise ContractError("CON-023", "no consent is on record", field="con_Consent")


def check_declared(kind: str, record: Mapping[str, Any], policy: Policy) -> None:
    """Refuse an event about what the policy of its year does not declare; a withdrawal takes back what was admitted.

    Args:
        kind: The kind of event.
        record: The event, as `check` admitted it.
        policy: The policy that governs its year.

    Raises:
        ContractError: CON-026, CON-027; the message repeats no value.
    """
    if record["withdrawn"]:
        return
    if kind == "indicator" and record["crisis"] not in {None, *policy.crises}:
        raise ContractError("CON-026", "a crisis that the policy does not declare", field="crisis")
    if kind == "justice":
        place = record["CountryOfExploitation"], record["stage"], record["phenomenon"]
        if policy.owner_of(*place) != record["agency"]:
            raise ContractError("CON-027", "a stage of proceedings that the agency does not own", field="stage")


def check_erasure(agency: str, request: Mapping[str, Any]) -> None:
    """Refuse a request for erasure that is not the topic's agency's: CON-024; or names no event id: CON-014."""
    if request["agency"] != agency:
        raise ContractError("CON-024", "the request names another agency than its topic", field="agency")
    if not _EVENT_ID.fullmatch(request["event_id"]):
        raise ContractError("CON-014", "a value of another type, form or range", field="event_id")


def lateness(record: Mapping[str, Any], policy: Policy, as_of: dt.date | None) -> Lateness | None:
    """Return the lateness of an admitted event, None if it is not late; nothing is while history is filled in."""
    # `as_of` is the watermark of event time: events of a year that was closed before it are no longer expected.
    if as_of is None:
        return None
    year = record["event_date"][:4]
    closed = calendar.closed_on(year, policy)
    return Lateness(year, closed) if closed < as_of else None
