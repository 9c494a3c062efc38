"""The file `site.json` of a site: what it holds, and the form of each value.

Purpose: read and check the values that a site keeps between two commands.
Called by: `amana.site`; the commands and the demo, for the constants.

Invariants:
- A site that never was started has no file, and every value its default.
"""

import datetime as dt
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from schemas.errors import ConfigurationError
from streams.broker import quotas

__all__ = ["DEFAULT_AGENCIES", "TODAY", "agencies", "date_of", "quota", "stored"]

DEFAULT_AGENCIES: Final = (
    "interior-ministry-lbn",
    "police-jor",
    "un-mission-irq",
    "shelter-lbn",
    "hotline-egy",
    "labour-inspectorate-tur",
)
"""The agencies of a site that names none: those of the demo."""

TODAY: Final = "today"
"""The calendar's date of a site whose calendar moves with the days."""

_AGENCY: Final = re.compile(r"[a-z][a-z0-9-]{1,30}")  # also a part of topic names, user names and file names


def stored(home: Path) -> Mapping[str, Any]:
    """Read `site.json`; empty for a new site.

    Raises:
        ConfigurationError: CFG-002, it cannot be read.
    """
    try:
        held: Mapping[str, Any] = json.loads((home / "site.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConfigurationError("CFG-002", f"{home}/site.json cannot be read") from error
    return held


def agencies(held: Mapping[str, Any], added: tuple[str, ...]) -> tuple[str, ...]:
    """Return the agencies of a site with those that are added.

    Raises:
        ConfigurationError: CFG-003, an agency id is malformed.
    """
    if bad := [agency for agency in added if not _AGENCY.fullmatch(agency)]:
        raise ConfigurationError("CFG-003", f"agency id {bad[0]!r} is not of the form [a-z][a-z0-9-]{{1,30}}")
    # Agencies are added and never removed here: the topics of one that left still hold its records.
    return tuple(dict.fromkeys((*held.get("agencies", ()), *added))) or DEFAULT_AGENCIES


def quota(chosen: Mapping[str, Any]) -> quotas.Quota:
    """Return the limits with those that were chosen.

    Raises:
        ConfigurationError: CFG-007, a limit is no whole number or too small.
    """
    try:
        return quotas.Quota.of(chosen)
    except ValueError as error:
        least = ", ".join(f"{name} from {figure}" for name, figure in quotas.LEAST.items())
        raise ConfigurationError("CFG-007", f"a quota is a whole number: {least}") from error


def date_of(text: str | None) -> dt.date | str | None:
    """Return the calendar's date of a site: a day, `TODAY`, or None while history is filled in."""
    return text if text == TODAY else dt.date.fromisoformat(text) if text else None
