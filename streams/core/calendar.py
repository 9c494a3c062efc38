"""The release calendar: the windows that are due as of a date, and the date on which a year closes.

Purpose: it decides windows (month, quarter, year), their first publications and their one annual revision, all as
dates.
Called by: `streams.core.releasing.due_windows` and `streams.core.counting.admit`, which asks whether an event is late;
the other modules of `streams.core.releasing` take its windows.

Invariants:
- No clock is read: `as_of` is a date that the operator gives.
- A window is published at most twice, as revision 0 and as revision 1.
"""

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Self

from anonymizer.policy import Policy
from schemas.errors import ContractError

__all__ = [
    "Due",
    "ReleasedWindow",
    "Window",
    "closed_on",
    "due",
    "first_publication_on",
    "is_late",
    "quarter_of",
    "windows_of",
]

_SHAPE = re.compile(r"(?P<year>\d{4})(?:-(?:Q(?P<quarter>[1-4])|(?P<month>0[1-9]|1[0-2])))?")
_MONTHS_IN = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A tumbling window of event time: `year`, its size and its ordinal within the year, counted from 1."""

    year: int
    size: Literal["month", "quarter", "year"] = "year"
    ordinal: int = 1

    @classmethod
    def parse(cls, label: str) -> Self:
        """Read `YYYY`, `YYYY-Qn` or `YYYY-MM`.

        Raises:
            ContractError: CON-070, the label is none of these.
        """
        match = _SHAPE.fullmatch(label)
        if match is None:
            raise ContractError("CON-070", "a period is YYYY, YYYY-Qn or YYYY-MM")
        year = int(match["year"])
        if match["quarter"]:
            return cls(year, "quarter", int(match["quarter"]))
        return cls(year, "month", int(match["month"])) if match["month"] else cls(year)

    @property
    def label(self) -> str:
        """`YYYY`, `YYYY-Qn` or `YYYY-MM`: `parse` reads it back."""
        ordinal = {"month": f"-{self.ordinal:02}", "quarter": f"-Q{self.ordinal}", "year": ""}[self.size]
        return f"{self.year:04}{ordinal}"

    @property
    def end(self) -> dt.date:
        """The last day of the window."""
        month = self.ordinal * _MONTHS_IN[self.size]
        following = dt.date(self.year + month // 12, month % 12 + 1, 1)
        return following - dt.timedelta(days=1)

    @property
    def quarter(self) -> "Window | None":
        """The quarter that holds this window, None for a year."""
        if self.size == "year":
            return None
        return self if self.size == "quarter" else Window(self.year, "quarter", (self.ordinal + 2) // 3)


@dataclass(frozen=True, slots=True, order=True)
class ReleasedWindow:
    """A window that was released: its revision (0 is the first publication) and the calendar date of that release."""

    window: Window
    revision: int
    as_of: dt.date


@dataclass(frozen=True, slots=True, order=True)
class Due:
    """A window to release now, with its revision."""

    window: Window
    revision: int


def windows_of(year: int) -> tuple[Window, ...]:
    """Return the windows in which a year is released: its four quarters, then the year itself."""
    return (*(Window(year, "quarter", n) for n in (1, 2, 3, 4)), Window(year))


def quarter_of(period: str) -> str:
    """Return the quarter of a month, `2024-Q1` of `2024-03`; a year without a month stays a year."""
    year, _, month = period.partition("-")
    return f"{year}-Q{(int(month) + 2) // 3}" if month else year


def first_publication_on(window: Window, policy: Policy) -> dt.date:
    """Return the first day on which `window` may be released: its end plus the grace, in days."""
    return window.end + dt.timedelta(days=policy.calendar.grace_days)


def closed_on(period: str, policy: Policy) -> dt.date:
    """Return the revision date of the year that holds `period`; after it an event of that year is late.

    `period` is `YYYY`, `YYYY-Qn` or `YYYY-MM`.
    """
    published = first_publication_on(Window(Window.parse(period).year), policy)
    year = published.year + policy.calendar.revision_years
    # The same day some years later; 29 February becomes the 28th.
    last_of_month = (dt.date(year + published.month // 12, published.month % 12 + 1, 1) - dt.timedelta(days=1)).day
    return dt.date(year, published.month, min(published.day, last_of_month))


def is_late(period: str, as_of: dt.date | None, policy: Policy) -> bool:
    """Tell whether an event of `period` comes after its year's revision; a backfill (`as_of` None) is never late."""
    return as_of is not None and closed_on(period, policy) < as_of


def due(as_of: dt.date, already: Iterable[ReleasedWindow], policy: Policy, *, first_year: int) -> tuple[Due, ...]:
    """Return the windows to release as of a date, in order of time, quarters before their year.

    A window never released is due as a first publication from its end plus grace on. It is due once more, as revision
    1, from its year's revision date on, unless its first publication was itself made on or after that date.

    Args:
        as_of: the calendar's date.
        already: every publication of one population so far, in any order.
        policy: its calendar holds.
        first_year: the first year with events; nothing before it is released.
    """
    publications = {(released.window, released.revision): released.as_of for released in already}
    plans: list[Due] = []
    for window in (w for year in range(first_year, as_of.year + 1) for w in windows_of(year)):
        first = publications.get((window, 0))
        revised = closed_on(window.label, policy)
        if first is None and first_publication_on(window, policy) <= as_of:
            plans.append(Due(window, 0))
        # A first publication on or after the revision date holds everything that a revision would.
        elif first is not None and first < revised <= as_of and (window, 1) not in publications:
            plans.append(Due(window, 1))
    return tuple(plans)
