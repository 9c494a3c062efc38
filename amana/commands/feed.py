"""`amana feed`: list, get and export the released trends.

Purpose: decide how rows are printed. `amana.trend_feed` decides which rows there are.
Called by: `amana.commands.lazy`, which imports it when this command runs.

Invariants:
- Text of a row cannot act as a formula in the CSV that is printed or written.
- Exit status 1 if nothing that was released fits.
"""

from pathlib import Path
from typing import Annotated

import typer

from amana.trend_feed import TrendFeed
from connectors.feed import export as files
from schemas.errors import ConfigurationError

__all__ = ["register"]

Region = Annotated[list[str] | None, typer.Option("--region", help="Region id, such as levant; may be repeated.")]
TableName = Annotated[str | None, typer.Option("--table", help="Table of the policy, such as totals.")]
Period = Annotated[str, typer.Option("--period", help="YYYY-Qn or YYYY.")]
Formats = Annotated[list[str] | None, typer.Option("--format", help="csv or parquet; may be repeated.")]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the files.")]
Revisions = Annotated[bool, typer.Option("--all-revisions", help="Include rows that a later revision replaced.")]


def register(app: typer.Typer) -> None:
    """Add the sub-commands `feed list`, `feed get` and `feed export`."""
    group = typer.Typer(help="The released trends: list, get, export.", no_args_is_help=True)
    group.command("list")(show)
    group.command("get")(get)
    group.command("export")(export)
    app.add_typer(group, name="feed")


def show() -> None:
    """List regions, tables and periods, with the number of cells published, suppressed and withheld."""
    for row in TrendFeed().list():
        cells = f"{row.published} published, {row.suppressed} suppressed, {row.withheld} withheld"
        print(f"{row.region:<18}{row.population:<12}{row.table:<24}{row.first:<8} to {row.last:<8} {cells}")


def get(
    region: Region = None, table: TableName = None, period: Period = "", *, all_revisions: Revisions = False
) -> None:
    """Print rows as CSV, one table after the other."""
    rows = TrendFeed().get(table, regions=region or (), period=period, all_revisions=all_revisions)
    for frame in files.frames(rows).values():
        # Guarded: a spreadsheet program would run a text that begins like a formula.
        typer.echo(files.guarded(frame).write_csv(), nl=False)
    if not rows:
        # To standard error, so that a pipe never takes the sentence for a row.
        typer.echo("no released row fits", err=True)
        raise typer.Exit(1)


def export(
    region: Region = None,
    table: TableName = None,
    formats: Formats = None,
    out: Out = Path("trend"),
    *,
    chart: Annotated[
        bool, typer.Option("--chart", help="Write chart.html, chart.png and one PNG per chart too.")
    ] = False,
) -> None:
    """Write one file per table and, with --chart, the charts."""
    if unknown := [name for name in formats or () if name not in {"csv", "parquet"}]:
        raise ConfigurationError("CFG-152", f"{unknown[0]} is not a format: choose csv or parquet")
    chosen: list[files.Format] = ["parquet" if name == "parquet" else "csv" for name in formats or ["csv"]]
    written = TrendFeed().export(out, table=table, regions=region or (), formats=chosen, charts=chart)
    for path in written:
        typer.echo(str(path))
    if not written:
        typer.echo("nothing was released yet", err=True)
        raise typer.Exit(1)
