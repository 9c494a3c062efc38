"""`amana cells`: the exact counts, for the operator alone (`connectors.operations.exact_cells`).

Purpose: ask for the exact counts as the operator, and write them as CSV (`connectors.operations.exact_cells`).
Called by: `amana.commands.lazy`, which imports it when this command runs.

Invariants:
- The output comes before disclosure control: its file can be read by its owner alone.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from amana import site as sites
from connectors.adapters import local_files
from connectors.operations import exact_cells
from schemas.errors import ConfigurationError
from streams.broker import access

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add `cells`."""
    group = typer.Typer(help="Exact counts (operators only).", no_args_is_help=True)
    # Typer turns an app with one command into that command, unless the app has a callback.
    group.callback()(lambda: None)
    group.command()(export)
    app.add_typer(group, name="cells")


def export(
    out: Annotated[Path | None, typer.Option("--out", help="File to write; else standard output.")] = None,
) -> None:
    """Write the exact counts as CSV: population, cube, dimensions, count."""
    site = sites.Site.open()
    text = exact_cells.export_text(exact_cells.read(site.cluster(access.OPERATOR)), site.policies())
    if out is None:
        sys.stdout.write(text)
        return
    try:
        local_files.write_private(out, text)
    except OSError as error:
        raise ConfigurationError("CFG-051", f"{out} cannot be written: {error.strerror}") from error
