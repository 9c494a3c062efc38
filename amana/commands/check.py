"""`amana check`: what is configured, reachable and safe, in one line each.

Purpose: show each answer as it comes. The points themselves are those of `amana.provisioning.inspection`.
Called by: `amana.commands.lazy`, which imports it when this command runs.

Invariants:
- Exit status 1 if anything is at fault, which a warning is not, nor what this site may not see. All points are asked
  nevertheless.
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
    """Check configuration, servers and safety, one line each; exit status 1 if a check fails."""
    all_passed = True
    for name, verdict, sentence in inspection.inspect(sites.Site.open(data)):
        all_passed &= bool(verdict)
        # A check may wait for seconds: each line is shown as soon as it is known.
        print(f"{verdict:<7}{name:<12}{sentence}", flush=True)
    if not all_passed:
        raise typer.Exit(1)
