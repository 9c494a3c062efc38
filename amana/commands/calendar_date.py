"""`amana calendar`: the date by which the running system decides that an event is late.

Purpose: show the date, and move it forward while the workers run: each reads it again within seconds.
Called by: `amana.commands.lazy`, which imports it when this command runs.

Invariants:
- The date never goes back: what was late once stays late.
- The date is never later than today: every event of the years before it would be late for good.
"""

import dataclasses
import datetime as dt
from typing import Annotated

import typer

from amana import site as sites
from amana import site_file
from schemas.errors import ConfigurationError, ContractError

__all__ = ["register"]

Moved = Annotated[
    str | None, typer.Argument(metavar="DATE", help="New date, YYYY-MM-DD; or today, which moves with the days.")
]


def register(app: typer.Typer) -> None:
    """Add `calendar`."""
    app.command()(calendar)


def calendar(date: Moved = None) -> None:
    """Show the calendar's date, or move it forward while the system runs."""
    site, today = sites.Site.open(), dt.datetime.now(dt.UTC).date()
    if date is not None:
        site = _moved(site, date, today)
        site.save()
    shown = site.calendar_date(today)
    print("no date: no event is late" if shown is None else f"as of {shown}{_follows(site)}")


def _moved(site: sites.Site, date: str, today: dt.date) -> sites.Site:
    """Return the site with another date.

    Raises:
        ConfigurationError: CFG-140, not a date.
        ContractError: CON-060, a date before the present one, or after today.
    """
    try:
        moved = date if date == site_file.TODAY else dt.date.fromisoformat(date)
    except ValueError as error:
        raise ConfigurationError("CFG-140", "the calendar takes a date of the form YYYY-MM-DD, or today") from error
    after = dataclasses.replace(site, as_of=moved)
    present, next_ = site.calendar_date(today), after.calendar_date(today)
    if next_ is None or next_ > today or (present is not None and next_ < present):
        raise ContractError("CON-060", "the calendar's date goes forward, and never beyond today")
    return after


def _follows(site: sites.Site) -> str:
    return ", moving with the days" if site.as_of == site_file.TODAY else ""
