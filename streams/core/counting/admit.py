"""Who may come in: the rules an opened raw event must meet before anything is made of it.

Decides admission: the sender is the topic's agency, the contract holds, consent is on record, the date is plausible,
the event is not late. Does not decode or open: it sees what came out of that.

- CON-010 to CON-015: the contract (`schemas.raw`); CON-023 no consent; CON-024 another agency's topic; CON-025 a year
  that cannot be.
- A withdrawal needs no consent: it may be consent that is withdrawn.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from anonymizer.policy import Policy
from schemas import raw
from schemas.errors import ContractError
from streams.core import calendar

__all__ = ["Lateness", "check", "lateness"]

_EARLIEST: Final = "1990"
_LATEST: Final = "2100"


@dataclass(frozen=True, slots=True)
class Lateness:
    """An event after the last revision of its year: its window and the date on which that closed."""

    period: str
    closed_on: dt.date


def check(
    kind: str, agency: str, record: Mapping[str, Any], opened: Mapping[str, str], *, as_of: dt.date | None
) -> None:
    """Refuse an event that may not come in.

    Args:
        kind: The topic's kind of event.
        agency: The topic's agency.
        record: The decoded event.
        opened: Field → text of its sealed fields.
        as_of: The calendar's date, after which nothing can have happened; None where history is filled in.

    Raises:
        ContractError: CON-010 to CON-015, CON-023, CON-024, CON-025; the message repeats no value.
    """
    if record["agency"] != agency:
        raise ContractError("CON-024", "the event names another agency than its topic", field="agency")
    raw.validate(kind, {**record, **opened}, today=as_of)
    if not _EARLIEST <= record["event_date"] < _LATEST:
        raise ContractError("CON-025", f"a date before {_EARLIEST} or after {_LATEST}", field="event_date")
    if not record.get("con_Consent", True) and not record["withdrawn"]:
        raise ContractError("CON-023", "no consent is on record", field="con_Consent")


def lateness(record: Mapping[str, Any], policy: Policy, as_of: dt.date | None) -> Lateness | None:
    """Return why an admitted event is late, None where it is not or nothing is (a backfill has no `as_of`)."""
    if as_of is None:
        return None
    year = record["event_date"][:4]
    closed = calendar.closed_on(year, policy)
    return Lateness(year, closed) if closed < as_of else None
