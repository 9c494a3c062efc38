"""The calendar of a site as a running worker sees it: its date moves without a restart.

Purpose: read the calendar's date from `site.json` again and again, so that `amana calendar` reaches every de-identifier
within seconds; and say which day it is.

Called by: `amana.composition.stages` for the stage deidentify.

Invariants:
- A file that cannot be read changes nothing: the last date stays.
- The file is read once a second at most, however often the date is asked for.
"""

import contextlib
import datetime as dt
import time
from typing import Final

from amana.site import Site
from schemas.errors import ConfigurationError

__all__ = ["SiteCalendar", "today"]

_AGAIN_SECONDS: Final = 1.0


def today() -> dt.date:
    """Return the present day, UTC."""
    return dt.datetime.now(dt.UTC).date()


class SiteCalendar:
    """The calendar's date of one site; call it for the present one, None while history is filled in."""

    def __init__(self, site: Site) -> None:
        self._site, self._due = site, 0.0

    def __call__(self) -> dt.date | None:
        """Return the calendar's date."""
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + _AGAIN_SECONDS
            # A file that is being replaced, or a disk that is away: the next second tells.
            with contextlib.suppress(ConfigurationError):
                self._site = Site.open(self._site.dir)
        return self._site.calendar_date(today())
