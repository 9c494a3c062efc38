"""`amana audit reconcile`: the records that every agency published, against the outcome of each.

Purpose: print the balance of `connectors.console.reconciliation`. Exit status 0 if the difference is zero, else 1.
Called by: an officer, as the principal `officer`, which may not read the topics of events, only their offsets.
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
    agency: Annotated[str | None, typer.Option(help="Only records of this agency.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare published records with their outcomes; exit status 1, and the records, if they differ."""
    private_members.check("kafka-python")  # here, since `amana audit verify` needs no Kafka client
    officer = Site.open().cluster(access.OFFICER)
    balance = reconciliation.books(officer, agency=agency, today=dt.datetime.now(dt.UTC).date())
    if as_json:
        print(json.dumps(balance_document.document(balance), indent=1))
    else:
        _show(balance)
    if balance.difference:
        raise typer.Exit(1)


def _show(balance: RecordBalance) -> None:
    for line in balance.lines:
        # A record that no stage has decided yet is in flight: it is neither missing nor wrong.
        counts = {**line.outcomes, "in_flight": line.in_flight}
        outcomes = ", ".join(
            f"{counts[name]} {name.replace('_', ' ')}" for name in (*OUTCOMES, "in_flight") if counts[name]
        )
        print(f"{line.agency:<24}{line.day:<12}{line.published:>9} published: {outcomes or 'no outcome'}")
    for fault, positions in (("missing", balance.missing), ("double", balance.double)):
        for record in map(balance_document.record_name, positions):
            print(f"{fault}: {record['topic']}/{record['partition']}/{record['offset']}")
    print(f"difference {balance.difference}")
