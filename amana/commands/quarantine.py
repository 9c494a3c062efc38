"""`amana quarantine`: refused records, and the operator's decisions about them.

Purpose: options and output. `connectors.operations.quarantine_entries` decides what a replay comes to, and writes the
audit record.
Called by: `amana.commands.lazy`, which imports it when this command runs.

Invariants:
- `list` shows places and codes, and needs no key.
- `show` opens one record, into a new file that its owner alone can read, or to standard output if asked.
"""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from amana.composition.quarantine_access import opening_keys, quarantine_access
from amana.site import Site
from connectors.adapters.cluster import Cluster
from connectors.operations import quarantine_entries
from connectors.operations.quarantine_entries import QuarantineEntry
from schemas.errors import ConfigurationError
from streams.broker import access

__all__ = ["register"]

Place = Annotated[str, typer.Argument(metavar="PLACE", help="topic/partition/offset, as `list` shows it.")]
Places = Annotated[
    list[str] | None, typer.Argument(metavar="[PLACE]...", help="topic/partition/offset, as `list` shows them.")
]
Agency = Annotated[str | None, typer.Option(help="Only records of this agency.")]
Code = Annotated[str | None, typer.Option(help="Only records that were refused with this code.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="New file for the record, readable by you alone.")
]
Stdout = Annotated[bool, typer.Option("--stdout", help="Print the record: mind who sees the terminal.")]


def register(app: typer.Typer) -> None:
    """Add `quarantine list`, `show`, `replay` and `drop`."""
    group = typer.Typer(help="Refused records: list, open, replay or drop them.", no_args_is_help=True)
    group.command("list")(list_)
    for command in (show, replay, drop):
        group.command()(command)
    app.add_typer(group, name="quarantine")


def list_(*, agency: Agency = None, code: Code = None, as_json: AsJson = False) -> None:
    """List refused records by place and code; no text is shown."""
    refused = quarantine_entries.entries(Site.open().cluster(access.OPERATOR), agency=agency, code=code)
    if as_json:
        print(json.dumps([entry.as_document() for entry in refused], indent=1))
        return
    for entry in refused:
        field = f" ({entry.field})" if entry.field else ""
        print(f"{entry.place:<48}{entry.code}{field}, {entry.stage}, {len(entry.payload)} bytes")
    print(f"{len(refused)} in quarantine")


def show(place: Place, *, out: Out = None, stdout: Stdout = False) -> None:
    """Open one refused record with the keys of the de-identifier; the audit log records that it was shown."""
    if (out is None) != stdout:
        raise ConfigurationError("CFG-171", "name the output: either --out FILE or --stdout")
    site = Site.open()
    operator, keys = quarantine_access(site), opening_keys(site)
    (entry,) = quarantine_entries.find(operator.cluster, [place])
    # The file is made before the record is opened: an opening that the log records then has a result.
    descriptor = _private(out) if out else sys.stdout.fileno()
    record = quarantine_entries.open_record(operator, keys, entry)
    # JSON has no form for bytes: keys and hashes are shown in hexadecimal.
    text = json.dumps(record, indent=1, ensure_ascii=False, default=lambda value: bytes(value).hex())
    with os.fdopen(descriptor, "w", encoding="utf-8", closefd=out is not None) as file:
        file.write(f"{text}\n")


def replay(places: Places = None, *, agency: Agency = None, code: Code = None) -> None:
    """Process refused records again, after the cause of the refusal was corrected."""
    operator = quarantine_access(Site.open())
    chosen = _chosen(operator.cluster, places, agency, code)
    quarantine_entries.replay(operator, chosen)
    print(f"{len(chosen)} sent to be processed again")


def drop(places: Places = None, *, agency: Agency = None, code: Code = None) -> None:
    """Drop refused records: they keep the outcome quarantined, and their bytes are deleted."""
    operator = quarantine_access(Site.open())
    chosen = _chosen(operator.cluster, places, agency, code)
    quarantine_entries.drop(operator, chosen)
    print(f"{len(chosen)} dropped")


def _chosen(cluster: Cluster, places: list[str] | None, agency: str | None, code: str | None) -> list[QuarantineEntry]:
    # Neither would choose everything by accident; with both, it would be open which of them limits the other.
    if bool(places) == bool(agency or code):
        raise ConfigurationError("CFG-172", "name places, or choose by --agency and --code, but not both")
    return (
        quarantine_entries.find(cluster, places)
        if places
        else quarantine_entries.entries(cluster, agency=agency, code=code)
    )


def _private(out: Path) -> int:
    """Make a new file that its owner alone can read, and return its descriptor."""
    try:
        # O_EXCL and O_NOFOLLOW: a file or a link that somebody placed there beforehand would keep that person's access.
        return os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
    except OSError as error:
        raise ConfigurationError("CFG-171", f"{out} cannot be created: {error.strerror}") from error
