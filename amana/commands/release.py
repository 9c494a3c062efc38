"""`amana release`: ask the release process for a tick of the calendar, and show what it answers.

Purpose: ask for one tick of the calendar and print the answer (`connectors.operations.calendar_tick`).
Called by: `amana.commands.lazy`, which imports it when this command runs.

Invariants:
- Nothing is released here.
- A date ahead of today is refused (CFG-240), but for a rehearsal, which publishes nothing and keeps nothing.
- Exit status 1 if the tick was refused.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from amana.composition.rehearsal import rehearse
from amana.site import Site
from connectors.operations import calendar_tick
from connectors.operations.calendar_tick import TickAnswer
from schemas.errors import ConfigurationError
from streams.broker import access

__all__ = ["register", "show", "show_rehearsal"]

AsOf = Annotated[str, typer.Option("--as-of", metavar="DATE", help="Date of the release calendar, YYYY-MM-DD.")]
Rehearse = Annotated[
    bool, typer.Option("--rehearsal", help="Plan and attack only: nothing is published, charged or recorded.")
]
Timeout = Annotated[float, typer.Option("--timeout", min=1, help="Seconds to wait for the stages to be idle.")]


def register(app: typer.Typer) -> None:
    """Add `release`."""
    app.command()(release)


def release(as_of: AsOf, timeout: Timeout = 120.0, *, rehearsal: Rehearse = False) -> None:
    """Release everything that is due on a date and was not released before."""
    try:
        day = dt.date.fromisoformat(as_of)
    except ValueError as error:
        raise ConfigurationError("CFG-140", "--as-of takes a date of the form YYYY-MM-DD") from error
    if rehearsal:
        rehearsed = rehearse(Site.open(), day)
        show_rehearsal(rehearsed.answer, (rehearsed.attacks, rehearsed.recovered), rehearsed.names)
        raise typer.Exit(1 if rehearsed.answer.code else 0)
    # The zeros of quarters that have not happened would stay published for ever.
    if day > dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1):
        raise ConfigurationError("CFG-240", f"{day} has not come yet: --rehearsal shows what would be released")
    answer = calendar_tick.request(Site.open().cluster(access.OPERATOR), day, patience=timeout)
    show(answer, Console())
    raise typer.Exit(1 if answer.code else 0)


def show_rehearsal(answer: TickAnswer, verdict: tuple[int, int], names: Sequence[str]) -> None:
    """Print what would be released, and the verdict of the attacks on it."""
    show(answer, Console())
    attacks, recovered = verdict
    kinds = f" ({', '.join(names)})" if names else ""
    print(f"attacks: {attacks}{kinds}, withheld counts recovered: {recovered}")
    print("A rehearsal: nothing was published, charged or recorded.")


def show(answer: TickAnswer, console: Console) -> None:
    """Print an answer as a table, then the tables that were withheld."""
    if answer.code:
        console.print(f"Nothing was released. {answer.code}: {answer.reason}", style="bold red")
        return
    if not answer.lines:
        console.print("Nothing to release: everything due has already been released.")
        return
    # One line per population and year; the windows of a year are added up.
    table = Table("population", "year", title="Cells released", title_justify="left")
    for name in ("released", "suppressed", "withheld"):
        table.add_column(name, justify="right")
    for line in answer.lines:
        table.add_row(line.population, str(line.year), str(line.released), str(line.suppressed), str(line.withheld))
    console.print(table)
    # Each with its reason: a withheld table is a decision that an officer may ask about.
    for withheld in answer.withheld:
        console.print(
            f"withheld: {withheld.population} {withheld.window}, table {withheld.table}. "
            f"{withheld.code}: {withheld.reason}"
        )
