"""`amana cells`: the exact counts, for the operator alone.

Purpose: write the counts of `connectors.operations.exact_cells` as CSV. They are internal: nothing protects them.
Called by: the operator. The access rules let nobody else but the last two stages read the topic.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from amana import site as sites
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
    text = exact_cells.export_text(exact_cells.read(site.cluster(access.OPERATOR)), site.policy())
    if out is None:
        sys.stdout.write(text)
        return
    try:
        out.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise ConfigurationError("CFG-051", f"{out} cannot be written: {error.strerror}") from error
