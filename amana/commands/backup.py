"""`amana backup`: a copy of release ledger, budget and audit log at one point, while everything runs.

Purpose: the options. `connectors.operations.release_backup` makes the copy.
Called by: `amana.commands.lazy`, which imports it when this command runs.

Invariants:
- Nothing is stopped, and no broker is needed.
"""

from pathlib import Path
from typing import Annotated

import typer

from amana.commands.site_options import Data
from amana.site import Site
from connectors.operations.release_backup import make_backup

__all__ = ["register"]

Target = Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make; it holds exact counts: keep it secret.")]


def register(app: typer.Typer) -> None:
    """Add `backup`."""
    app.command()(backup)


def backup(target: Target, data: Data = None) -> None:
    """Copy release ledger, budget and audit log to the new folder DIR, all at one point."""
    site = Site.open(data)
    made = make_backup(site.dir, target.absolute(), site.party("release").key("audit-signing"))
    print(f"{target}: {made.releases} releases and withheld tables, {made.entries} entries of the audit log")
