"""`amana demo`: a whole region on this machine, start to finish.

Decides how the end is shown and the exit status: 0 only if every row has exactly one end. Does not do the steps
(`amana.demonstration.run`).
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from amana.demonstration import split
from amana.demonstration.report import FATES, Account, Report
from amana.demonstration.run import Demo

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
    console = Console(highlight=False)
    if source is not None:
        console.print(f"{source} over the agencies: {split.RULE}")
    made = Demo(out, source, lambda words: console.print(words, markup=False))
    report = made.run()
    console.print(_fates(report))
    for one in made.withheld:
        console.print(f"withheld: {one.population} {one.window}, table {one.table}: {one.code}", markup=False)
    console.print(
        f"{report.cells} exact cells (internal); released {report.released}, suppressed {report.suppressed}, "
        f"withheld {report.withheld}"
    )
    console.print(f"difference {report.total.difference}; total {sum(report.seconds.values()):.0f} s")
    for name, words in _WHERE.items():
        console.print(f"  {out / name}: {words}", markup=False)
    raise typer.Exit(1 if report.total.difference else 0)


_WHERE = {
    "chart.html": "the trends as charts; open it in a browser",
    "trend": "the trends as CSV and Parquet",
    "report.json": "what happened to every row",
    "audit": "the log of every decision: amana audit verify checks it offline",
    "internal": "exact counts: for the operator alone",
    "site": "the system itself: AMANA_DATA for every other command, after amana up --data",
}


def _fates(report: Report) -> Table:
    table = Table(title="What happened to every row", title_justify="left")
    table.add_column("agency")
    for name in ("read", "refused", "published", *FATES.values(), "difference"):
        table.add_column(name.replace("_", " "), justify="right")
    for agency, account in sorted(report.accounts.items()):
        table.add_row(agency, *_figures(account))
    table.add_section()
    table.add_row("total", *_figures(report.total))
    return table


def _figures(account: Account) -> list[str]:
    fates = [account.fates[fate] for fate in FATES]
    return [str(n) for n in (account.rows_read, account.refused, account.published, *fates, account.difference)]
