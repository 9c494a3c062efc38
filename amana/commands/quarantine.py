"""`amana quarantine`: what was refused, and what the operator does about it.

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
from typing import Annotated, Any

import typer

from amana.composition.quarantine_access import quarantine_access
from amana.site import Site
from connectors.adapters.cluster import Cluster
from connectors.operations import quarantine_entries
from connectors.operations.quarantine_entries import QuarantineEntry
from schemas.errors import ConfigurationError
from streams.broker import access

__all__ = ["register"]

Place = Annotated[str, typer.Argument(metavar="PLACE", help="topic/partition/offset, as `list` shows it.")]
Places = Annotated[list[str] | None, typer.Argument(metavar="[PLACE]...", help="As `list` shows them.")]
Agency = Annotated[str | None, typer.Option(help="Only what this agency published.")]
Code = Annotated[str | None, typer.Option(help="Only what was refused with this code.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine readable.")]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="A new file, readable by you alone.")]
Stdout = Annotated[bool, typer.Option("--stdout", help="Print it: mind who sees the terminal.")]


def register(app: typer.Typer) -> None:
    """Add `quarantine list`, `show`, `replay` and `drop`."""
    group = typer.Typer(help="Refused records: list, open, replay or drop them.", no_args_is_help=True)
    group.command("list")(list_)
    for command in (show, replay, drop):
        group.command()(command)
    app.add_typer(group, name="quarantine")


def list_(*, agency: Agency = None, code: Code = None, as_json: AsJson = False) -> None:
    """List refused records: places and codes, never a text."""
    found = quarantine_entries.entries(_cluster(), agency=agency, code=code)
    if as_json:
        print(json.dumps([entry.as_document() for entry in found], indent=1))
        return
    for entry in found:
        about = f" ({entry.field})" if entry.field else ""
        print(f"{entry.place:<48}{entry.code}{about}, {entry.stage}, {len(entry.payload)} bytes")
    print(f"{len(found)} in quarantine")


def show(place: Place, *, out: Out = None, stdout: Stdout = False) -> None:
    """Open one refused record with the sealing key; the audit log tells that it was shown."""
    if (out is None) != stdout:
        raise ConfigurationError("CFG-171", "say where it goes: --out FILE or --stdout")
    operator = quarantine_access(Site.open())
    (entry,) = quarantine_entries.find(operator.cluster, [place])
    file = _private(out) if out else sys.stdout.fileno()
    text = json.dumps(quarantine_entries.open_record(operator, entry), indent=1, ensure_ascii=False, default=_hex)
    with os.fdopen(file, "w", encoding="utf-8", closefd=out is not None) as to:
        to.write(f"{text}\n")


def replay(places: Places = None, *, agency: Agency = None, code: Code = None) -> None:
    """Put refused records on their way again, after what refused them was mended."""
    operator = quarantine_access(Site.open())
    chosen = _chosen(operator.cluster, places, agency, code)
    quarantine_entries.replay(operator, chosen)
    print(f"{len(chosen)} on their way again")


def drop(places: Places = None, *, agency: Agency = None, code: Code = None) -> None:
    """End refused records: they stay counted as quarantined, and their bytes are deleted."""
    operator = quarantine_access(Site.open())
    chosen = _chosen(operator.cluster, places, agency, code)
    quarantine_entries.drop(operator, chosen)
    print(f"{len(chosen)} dropped")


def _cluster() -> Cluster:
    return Site.open().cluster(access.OPERATOR)


def _chosen(cluster: Cluster, places: list[str] | None, agency: str | None, code: str | None) -> list[QuarantineEntry]:
    if bool(places) == bool(agency or code):
        raise ConfigurationError("CFG-172", "name places, or choose by --agency or --code")
    return (
        quarantine_entries.find(cluster, places)
        if places
        else quarantine_entries.entries(cluster, agency=agency, code=code)
    )


def _private(out: Path) -> int:
    """Make a new file that its owner alone can read, before anything is opened."""
    try:
        return os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
    except OSError as error:
        raise ConfigurationError("CFG-171", f"{out} cannot be made: {error.strerror}") from error


def _hex(value: Any) -> str:  # noqa: ANN401 - what JSON does not know: bytes
    return bytes(value).hex()
