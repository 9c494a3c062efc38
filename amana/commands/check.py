"""`amana check`: what is configured, reachable and safe; one line each.

Purpose: show each answer as it comes. The points themselves are those of `amana.provisioning.inspection`.
Called by: `amana.commands.lazy`, which imports it when this command runs.

Invariants:
- Exit status 1 if anything is not well; all points are asked nevertheless.
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
