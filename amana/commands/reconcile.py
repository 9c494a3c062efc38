"""`amana audit reconcile`: what every agency published, and that each record of it has exactly one outcome.

Purpose: show the books that `connectors.console.reconciliation` reads, as the officer.
Called by: `amana audit` (`amana.commands.audit`), whose sub-command it is.

Invariants:
- Exit status 0 if the difference is zero, else 1; records that are missing or double are named by their place.
"""

import datetime as dt
import json
from typing import Annotated

import typer

from amana.composition import private_members
from amana.site import Site
from connectors.console import balance_document, reconciliation
from streams.broker import access
from streams.core.counting.balance import RecordBalance
from streams.core.counting.outcomes import OUTCOMES

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
        print(json.dumps(balance_document.document(books), indent=1))
    else:
        _show(books)
    if books.difference:
        raise typer.Exit(1)


def _show(books: RecordBalance) -> None:
    for line in books.lines:
        counts = {**line.outcomes, "in_flight": line.in_flight}
        told = ", ".join(
            f"{counts[name]} {name.replace('_', ' ')}" for name in (*OUTCOMES, "in_flight") if counts[name]
        )
        print(f"{line.agency:<24}{line.day:<12}{line.published:>9} published: {told or 'nothing known'}")
    for word, positions in (("missing", books.missing), ("double", books.double)):
        for record in map(balance_document.record_name, positions):
            print(f"{word}: {record['topic']}/{record['partition']}/{record['offset']}")
    print(f"difference {books.difference}")
