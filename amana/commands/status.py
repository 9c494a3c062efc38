"""`amana status`: the lag of every stage, and the outcomes of everything that was published.

Purpose: show the state that `connectors.operations.pipeline_status` tells.
Called by: `amana.commands.lazy`, which imports it when this command runs.

Invariants:
- Exit status 0 if idle, 1 if something is held or not yet read.
"""

import json
from typing import Annotated

import typer

from amana import site as sites
from connectors.operations import pipeline_status
from streams.broker import access
from streams.core.counting.outcomes import OUTCOMES

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add `status`."""
    app.command()(status)


def status(
    *,
    wait_idle: Annotated[bool, typer.Option("--wait-idle", help="Wait until the pipeline is idle.")] = False,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", help="Longest wait, with --wait-idle.")] = 600.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the records published, their outcomes and those held; exit status 1 unless idle."""
    cluster = sites.Site.open().cluster(access.OPERATOR)
    tally = pipeline_status.wait_idle(cluster, timeout) if wait_idle else pipeline_status.tally(cluster)
    if as_json:
        print(json.dumps(tally.as_document(), indent=1))
    else:
        _show(tally)
    if not tally.is_idle:
        raise typer.Exit(1)


def _show(tally: pipeline_status.Tally) -> None:
    """Print the tally as plain lines."""
    # Not a table: one of so many columns would be cut short in a terminal and in a log.
    for row in tally.as_document()["rows"]:
        if row["published"]:
            outcomes = [f"{row[name]} {name.replace('_', ' ')}" for name in (*OUTCOMES, "held") if row[name]]
            print(f"{row['agency']:<24}{row['kind']:<12}{row['published']:>9} published: {', '.join(outcomes)}")
    print("to read: " + ", ".join(f"{stage} {lag}" for stage, lag in tally.lags.items()))
    for held in tally.held:
        print(f"held: {held}")
    print("idle" if tally.is_idle else "not idle")
