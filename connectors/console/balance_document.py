"""The record balance as a JSON object: what `amana audit reconcile --json` prints.

Purpose: one form of the balance for commands and, later, an officer's web page. The balance itself is decided by
`streams.core.counting.balance` and read by `connectors.console.reconciliation`.
Called by: `amana audit reconcile`, tests.

Invariants:
- The counts of a row add up: published = outcomes + in flight + difference.
"""

from typing import Any

from streams.broker import topics
from streams.core.counting.balance import RecordBalance
from streams.core.counting.outcomes import Position

__all__ = ["document", "record_name"]


def document(balance: RecordBalance) -> dict[str, Any]:
    """Return the difference, a row per agency and day, and each record without exactly one outcome.

    The counts of a row add up: `published` = outcomes + `in_flight` + `difference`.
    """
    rows = [
        {"agency": line.agency, "day": line.day, "published": line.published, **line.outcomes}
        | {"in_flight": line.in_flight, "difference": line.difference}
        for line in balance.lines
    ]
    return {
        "difference": balance.difference,
        "rows": rows,
        "missing": [record_name(position) for position in balance.missing],
        "double": [record_name(position) for position in balance.double],
    }


def record_name(position: Position) -> dict[str, Any]:
    """Return the agency of a record and the topic, partition and offset at which it was published."""
    agency, kind, partition, offset = position
    return {"agency": agency, "topic": topics.raw(agency, kind), "partition": partition, "offset": offset}
