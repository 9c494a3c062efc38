"""`amana check`: what is configured, reachable and safe; one line each.

Decides how the answer is shown and the exit status. The points themselves are `amana.provisioning.inspection`'s.
"""

import typer

from amana import site as sites
from amana.commands.site_options import Data
from amana.provisioning import inspection

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add `check`."""
    app.command()(check)


def check(data: Data = None) -> None:
    """Say in one line each what is configured, reachable and safe; exit status 1 if anything is not."""
    well = True
    for name, good, sentence in inspection.inspect(sites.Site.open(data)):
        well &= good
        print(f"{'ok' if good else 'FAULT':<6}{name:<11}{sentence}", flush=True)
    if not well:
        raise typer.Exit(1)
