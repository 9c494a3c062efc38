"""`amana demo`: a whole region on this machine, start to finish.

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
from amana.demo.demo_report import FIGURES, AgencyAccount, DemoReport
from amana.demo.run import Demo

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add `demo`."""
    app.command()(demo)


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for the results; an earlier demo's are replaced.")] = Path(
        "demo-out"
    ),
    source: Annotated[
        Path | None, typer.Option("--input", help="A real file of cases instead of the invented region.")
    ] = None,
) -> None:
    """Run broker, registry, agencies, workers, one release, its charts and the audit."""
    if source is not None:
        print(f"{source} over the agencies: {input_split.RULE}")
    made = Demo(out, source, functools.partial(print, flush=True))
    report = made.run()
    print(_outcomes(report))
    print(f"\n{report.cells} exact cells, internal; of the released tables' cells {report.released} are published,")
    print(f"{report.suppressed} suppressed, {report.withheld} withheld. Seconds: {sum(report.seconds.values()):.0f}\n")
    for one in made.withheld:
        print(f"withheld: {one.population} {one.window}, table {one.table}: {one.code}")
    for name, words in _WHERE.items():
        print(f"  {str(out / name) + ':':<28}{words}")
    raise typer.Exit(1 if report.total.difference else 0)


_AGENCY_WIDTH: Final = 24

_WHERE: Final = {
    "chart.html": "the trends as charts; open it in a browser",
    "trend": "the trends as CSV and Parquet",
    "report.json": "what happened to every row",
    "audit": "the log of every decision; amana audit verify checks it offline",
    "internal": "exact counts: for the operator alone",
    "site": "the system itself; amana up --data starts it again",
}


def _outcomes(report: DemoReport) -> str:
    """Return a table of fixed columns: as wide as it must be, and never cut short."""
    names = ("read", "refused", "published", *(name.replace("_", " ") for name in FIGURES.values()), "difference")
    widths = [max(len(name), 6) + 1 for name in names]
    head = f"{'':<{_AGENCY_WIDTH}}" + "".join(f"{name:>{width}}" for name, width in zip(names, widths, strict=True))
    lines = [_line(agency, account, widths) for agency, account in sorted(report.accounts.items())]
    return "\n".join(["", "What happened to every row", head, *lines, _line("total", report.total, widths)])


def _line(name: str, account: AgencyAccount, widths: list[int]) -> str:
    outcomes = [account.outcomes[outcome] for outcome in FIGURES]
    figures = (account.rows_read, account.refused, account.published, *outcomes, account.difference)
    return f"{name:<{_AGENCY_WIDTH}}" + "".join(f"{n:>{width}}" for n, width in zip(figures, widths, strict=True))
