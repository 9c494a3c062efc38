"""`amana publish`: validate, seal and publish one file of one agency, with a report of the refused rows.

Purpose: the options, the words of the summary and the exit status. Publication is `amana.publisher`'s.
Called by: `amana.commands.lazy`, which imports it when this command runs.

Invariants:
- Exit status 0 only if every row went through.
- A second run publishes nothing twice.
"""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from amana.publisher import Publisher, PublishSummary
from amana.site import Site
from schemas.catalogue import KINDS

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add `publish`."""
    app.command()(publish)


def publish(
    file: Annotated[Path, typer.Argument(help="CSV or JSON lines, plain or gzip.", show_default=False)],
    agency: Annotated[str, typer.Option("--agency", help="Id of the publishing agency.", show_default=False)],
    kind: Annotated[str, typer.Option("--kind", help=f"{', '.join(KINDS[:-1])} or {KINDS[-1]}.", show_default=False)],
    mapping: Annotated[
        str | None, typer.Option("--mapping", help="Name of a shipped column mapping; else the header decides.")
    ] = None,
    data: Annotated[Path | None, typer.Option("--data", help="Data directory; else AMANA_DATA.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Validate, seal and publish FILE; running it again publishes nothing twice."""
    publisher = Publisher(Site.open(data).agency_profile(agency))
    with _bar(as_json) as bar:
        task = bar.add_task(f"{agency} {kind}", total=None)
        summary = publisher.publish(
            file, kind, mapping=mapping, progress=lambda done, total: bar.update(task, completed=done, total=total)
        )
    print(json.dumps(summary.as_dict()) if as_json else _sentences(summary))
    raise typer.Exit(0 if summary.complete else 1)


def _bar(as_json: bool) -> Progress:  # noqa: FBT001 - the command's own switch
    console = Console(stderr=True)  # standard output holds the summary alone, which a program may read
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=console, disable=as_json or not sys.stderr.isatty())


def _sentences(summary: PublishSummary) -> str:
    """Return the summary for people: counts, the refusals by reason, and the path of the report."""
    counts = f"{summary.accepted} published, {summary.already} published before, {summary.refused} refused"
    lines = [
        f"{summary.rows} rows read (mapping {summary.mapping}): {counts}",
        *(f"  refused {count} x {reason}" for reason, count in sorted(summary.refusals.items())),
        f"report: {summary.report}",
    ]
    return "\n".join(lines)
