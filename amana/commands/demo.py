"""`amana demo`: a whole region on this machine, from the first row to the verified audit log.

Purpose: show how the demonstration ended. The steps are those of `amana.demo.run`.
Called by: `amana.commands.lazy`, which imports it when this command runs.

Invariants:
- Exit status 0 only if every row has exactly one outcome.
"""

import functools
from pathlib import Path
from typing import Annotated, Final

import typer

from amana.demo import input_split
from amana.demo.demo_report import FIGURES, DemoReport
from amana.demo.run import Demo

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add `demo`."""
    app.command()(demo)


def demo(
    out: Annotated[
        Path, typer.Option("--out", help="Folder for the results; those of an earlier demo are replaced.")
    ] = Path("demo-out"),
    source: Annotated[
        Path | None, typer.Option("--input", help="A real file of cases, in place of the invented region.")
    ] = None,
) -> None:
    """Run broker, registry, agencies, workers, one release, its charts and the audit."""
    if source is not None:
        print(f"{source} is divided among the agencies: {input_split.RULE}")
    # A reader of a pipe or a log sees each line at once.
    demonstration = Demo(out, source, functools.partial(print, flush=True))
    report = demonstration.run()
    print(_outcomes(report))
    print(f"\n{report.cells} exact cells, internal; of the released tables' cells {report.released} are published,")
    print(f"{report.suppressed} suppressed, {report.withheld} withheld. Seconds: {sum(report.seconds.values()):.0f}\n")
    for table in demonstration.withheld:
        print(f"withheld: {table.population} {table.window}, table {table.table}: {table.code}")
    for name, description in _RESULTS.items():
        print(f"  {str(out / name) + ':':<28}{description}")
    raise typer.Exit(1 if report.total.difference else 0)


_AGENCY_WIDTH: Final = 24

_RESULTS: Final = {
    "chart.html": "the trends as charts; open it in a browser",
    "trend": "the trends as CSV and Parquet",
    "report.json": "what happened to every row",
    "audit": "the log of every decision; amana audit verify checks it offline",
    "internal": "exact counts: for the operator alone",
    "site": "the system itself; amana up --data starts it again",
}
"""File or folder of the results → its description, in the order in which a newcomer should open them."""


def _outcomes(report: DemoReport) -> str:
    """Return the figures of every agency and their total as a table of fixed columns."""
    # Not a Rich table: that one is cut to the width of the terminal, and a figure that is cut is a wrong figure.
    names = ("read", "refused", "published", *(name.replace("_", " ") for name in FIGURES.values()), "difference")
    widths = [max(len(name), 6) + 1 for name in names]
    head = f"{'':<{_AGENCY_WIDTH}}" + "".join(f"{name:>{width}}" for name, width in zip(names, widths, strict=True))
    lines = ["", "What happened to every row", head]
    for agency, account in [*sorted(report.accounts.items()), ("total", report.total)]:
        outcomes = [account.outcomes[outcome] for outcome in FIGURES]
        figures = (account.rows_read, account.refused, account.published, *outcomes, account.difference)
        cells = (f"{figure:>{width}}" for figure, width in zip(figures, widths, strict=True))
        lines.append(f"{agency:<{_AGENCY_WIDTH}}" + "".join(cells))
    return "\n".join(lines)
