"""`amana erase`: an agency asks to erase events of its own; the operator removes them from the disks.

Purpose: the options and the output. The request is `amana.publisher`'s, the rest `amana.composition.erasures`'.
Called by: `amana.commands.lazy`, which imports it when this command runs.

Invariants:
- Nothing is erased without its agency's signed request; nobody else can make one.
- No event id is printed: agencies know their own, and the certificate has a digest of them.
"""

import datetime as dt
from typing import Annotated

import typer

from amana.commands.site_options import Data
from amana.publisher import Publisher
from amana.site import Site

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add `erase request`, `status` and `finish`."""
    group = typer.Typer(help="Erase events: an agency asks, the operator removes and certifies.", no_args_is_help=True)
    for command in (request, status, finish):
        group.command()(command)
    app.add_typer(group, name="erase")


def request(
    records: Annotated[list[str], typer.Argument(metavar="RECORD_ID...", help="The agency's own record ids.")],
    agency: Annotated[str, typer.Option("--agency", help="Id of the agency.", show_default=False)],
    kind: Annotated[str, typer.Option("--kind", help="Kind of the events.", show_default=False)],
    *,
    event_ids: Annotated[bool, typer.Option("--event-ids", help="The ids are event ids, not record ids.")] = False,
    data: Data = None,
) -> None:
    """Ask the hub to erase events of this agency: they no longer count, and nothing of them stays."""
    publisher = Publisher(Site.open(data).agency_profile(agency))
    digest = publisher.erase(kind, records, hashed=event_ids)
    print(f"{len(dict.fromkeys(records))} requested; the certificate of all together has the digest {digest}")


def status(data: Data = None) -> None:
    """Show the erased events whose records are not removed from the disks yet."""
    from amana.composition import erasures  # noqa: PLC0415 - an agency's `request` needs nothing of the operator's

    notes = erasures.waiting(Site.open(data))
    for note in notes:
        hour = dt.datetime.fromtimestamp(note.at_ms / 1000, dt.UTC)
        print(f"{hour:%Y-%m-%d %H:%M}  {note.agency} {note.kind}  {note.digest[:16]}")
    print(f"{len(notes)} to be removed")


def finish(data: Data = None) -> None:
    """Remove what was erased an hour ago or earlier from the disks, and write the certificates to the audit log."""
    from amana.composition import erasures  # noqa: PLC0415 - as above

    certificates = erasures.finish(Site.open(data))
    for one in certificates:
        print(f"{one['agency']} {one['kind']}: {one['events']} erased, digest {one['digest']}, gone {one['gone']}")
    print(f"{len(certificates)} certificates")
