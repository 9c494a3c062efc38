"""`amana status`: the lag of every stage, and the outcomes of everything that was published.

Purpose: show the state that `connectors.operations.pipeline_status` tells.
Called by: `amana.commands.lazy`, which imports it when this command runs.

Invariants:
- Exit status 0 if idle, 1 if something is held or not yet read, or a process ends again and again.
"""

import json
import time
from collections.abc import Sequence
from typing import Annotated

import typer

from amana import site as sites
from connectors.operations import pipeline_status, restart_record
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
    site = sites.Site.open()
    cluster = site.cluster(access.OPERATOR)
    tally = pipeline_status.wait_idle(cluster, timeout) if wait_idle else pipeline_status.tally(cluster)
    restarting = restart_record.loops(site.path("run"), time.time())
    if as_json:
        document = tally.as_document() | {"restarting": [str(loop) for loop in restarting]}
        print(json.dumps(document | {"idle": tally.is_idle and not restarting}, indent=1))
    else:
        _show(tally, restarting)
    if restarting or not tally.is_idle:
        raise typer.Exit(1)


def _show(tally: pipeline_status.Tally, restarting: Sequence[restart_record.Loop]) -> None:
    """Print the tally, and the processes that end again and again, as plain lines."""
    # Not a table: one of so many columns would be cut short in a terminal and in a log.
    for row in tally.as_document()["rows"]:
        if row["published"]:
            outcomes = [f"{row[name]} {name.replace('_', ' ')}" for name in (*OUTCOMES, "held") if row[name]]
            print(f"{row['agency']:<24}{row['kind']:<12}{row['published']:>9} published: {', '.join(outcomes)}")
    print("to read: " + ", ".join(f"{stage} {lag}" for stage, lag in tally.lags.items()))
    for held in tally.held:
        print(f"held: {held}")
    for loop in restarting:
        print(f"restarting: {loop}")
    # Whoever is started again and again may be between two attempts: nothing that it has read is done.
    print("restarting" if restarting else "idle" if tally.is_idle else "not idle")
