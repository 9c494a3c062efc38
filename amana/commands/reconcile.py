"""`amana audit reconcile`: what every agency published, and that each record of it has exactly one outcome.

Decides how the books are shown and the exit status: 0 the difference is zero, 1 it is not. Does not decide outcomes.
"""

import datetime as dt
import json
from typing import Annotated, Any

import typer

from amana.composition import private_members
from amana.site import Site
from connectors.console import reconciliation
from streams.broker import access, topics
from streams.core.counting.balance import RecordBalance
from streams.core.counting.outcomes import OUTCOMES, Position

__all__ = ["reconcile"]


def reconcile(
    *,
    agency: Annotated[str | None, typer.Option(help="Only what this agency published.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine readable.")] = False,
) -> None:
    """Hold what was published against what became of it; exit 1 and name the records where they differ."""
    private_members.check("kafka-python")  # here, since `amana audit verify` needs no Kafka client
    officer = Site.open().cluster(access.OFFICER)
    books = reconciliation.books(officer, agency=agency, today=dt.datetime.now(dt.UTC).date())
    if as_json:
        print(json.dumps(document(books), indent=1))
    else:
        _show(books)
    if books.difference:
        raise typer.Exit(1)


def document(books: RecordBalance) -> dict[str, Any]:
    """Return JSON's shape: a row per agency and day, and each record without exactly one outcome."""
    rows = [
        {"agency": line.agency, "day": line.day, "published": line.published, **line.outcomes}
        | {"in_flight": line.in_flight, "difference": line.difference}
        for line in books.lines
    ]
    named = {"missing": [_named(one) for one in books.missing], "double": [_named(one) for one in books.double]}
    return {"difference": books.difference, "rows": rows, **named}


def _named(position: Position) -> dict[str, Any]:
    agency, kind, partition, offset = position
    return {"agency": agency, "topic": topics.raw(agency, kind), "partition": partition, "offset": offset}


def _show(books: RecordBalance) -> None:
    for line in books.lines:
        counts = {**line.outcomes, "in_flight": line.in_flight}
        told = ", ".join(
            f"{counts[name]} {name.replace('_', ' ')}" for name in (*OUTCOMES, "in_flight") if counts[name]
        )
        print(f"{line.agency:<24}{line.day:<12}{line.published:>9} published: {told or 'nothing known'}")
    for word, positions in (("missing", books.missing), ("double", books.double)):
        for one in map(_named, positions):
            print(f"{word}: {one['topic']}/{one['partition']}/{one['offset']}")
    print(f"difference {books.difference}")
