"""`amana up`: the whole system on this machine, until it is stopped.

Purpose: the options. `amana.local.supervisor` starts and watches.
Called by: `amana.commands.lazy`, which imports it when this command runs.

Invariants:
- There is one release process at most: it owns the ledger.
"""

import datetime as dt
import functools
from typing import Annotated

import typer

from amana import site as sites
from amana import site_file
from amana.commands.site_options import Agencies, Data, Quotas, figures
from amana.local import supervisor
from schemas.errors import ConfigurationError
from streams.broker import access

__all__ = ["register"]

AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="DATE", help="Date of the release calendar, YYYY-MM-DD or today; else the site's."),
]
Workers = Annotated[
    list[str] | None,
    typer.Option("--workers", metavar="STAGE=N", help="Number of processes of a stage; may be repeated."),
]


def register(app: typer.Typer) -> None:
    """Add `up`."""
    app.command()(up)


def up(  # noqa: PLR0913 - a command line's options
    data: Data = None,
    as_of: AsOf = None,
    agency: Agencies = None,
    workers: Workers = None,
    quota: Quotas = None,
    *,
    no_workers: Annotated[
        bool, typer.Option("--no-workers", help="Run only the servers, with topics and access rules.")
    ] = False,
    kafka_port: Annotated[int, typer.Option(help="Port of the broker; 0 for any free port.")] = 0,
    registry_port: Annotated[int, typer.Option(help="Port of the schema registry; 0 for any free port.")] = 0,
) -> None:
    """Run the whole system on this machine until Ctrl-C."""
    home = sites.data_dir(data)
    try:
        date = as_of if as_of == site_file.TODAY else dt.date.fromisoformat(as_of) if as_of else None
    except ValueError as error:
        raise ConfigurationError("CFG-076", "--as-of takes a date of the form YYYY-MM-DD, or today") from error
    # With a date ahead of today, events of years that are still open would be late.
    if isinstance(date, dt.date) and date > dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1):
        raise ConfigurationError("CFG-240", f"{date} has not come yet: the calendar follows the days")
    options = supervisor.Options(
        data=home,
        agencies=tuple(agency or ()),
        as_of=date,
        workers={} if no_workers else _counts(workers or []),
        kafka_port=kafka_port,
        registry_port=registry_port,
        quota=figures(quota or []),
    )
    # A reader of a pipe or a log sees each line at once.
    supervisor.serve(options, functools.partial(print, flush=True))


def _counts(given: list[str]) -> dict[str, int]:
    """Return the number of processes by stage; a stage that is not named has one."""
    counts = dict(supervisor.DEFAULT_WORKERS)
    for text in given:
        name, _, number = text.partition("=")
        if name not in access.WORKERS or not number.isdigit():
            raise ConfigurationError(
                "CFG-076", f"--workers takes STAGE=N, where STAGE is one of {', '.join(access.WORKERS)}"
            )
        counts[name] = int(number)
    # Two release processes would charge the budget and write the release ledger side by side.
    if counts["release"] > 1:
        raise ConfigurationError("CFG-076", "only one release process may run: it owns the release ledger")
    return counts
