"""`amana calendar`: forward, never beyond today, and read again by a process that runs."""

import datetime as dt
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from amana.composition import site_calendar
from amana.site import Site
from amana.site_file import TODAY

UTC_TODAY = dt.datetime.now(dt.UTC).date()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a site whose calendar's date is in 2024."""
    monkeypatch.setenv("AMANA_DATA", str(tmp_path))
    Site.create(tmp_path, as_of=dt.date(2024, 5, 1))
    return tmp_path


def _calendar(*arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-P", "-m", "amana", "calendar", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_date_goes_forward_and_never_beyond_today(home: Path) -> None:
    """And what is refused changes nothing."""
    assert _calendar() == (0, "as of 2024-05-01\n")
    assert _calendar("2025-01-31") == (0, "as of 2025-01-31\n")
    for refused in ("2024-12-31", (UTC_TODAY + dt.timedelta(days=2)).isoformat()):
        code, said = _calendar(refused)
        assert code == 1
        assert "CON-060" in said
    assert "CFG-140" in _calendar("31.1.2025")[1]
    assert Site.open(home).as_of == dt.date(2025, 1, 31)
    assert "moving with the days" in _calendar("today")[1]
    assert Site.open(home).as_of == TODAY


def test_a_running_process_sees_the_new_date(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a second, and keeps the last one where the file cannot be read."""
    clock = [100.0]
    monkeypatch.setattr("amana.composition.site_calendar.time.monotonic", lambda: clock[0])
    calendar: Callable[[], dt.date | None] = site_calendar.SiteCalendar(Site.open(home))
    assert calendar() == dt.date(2024, 5, 1)
    Site.create(home, as_of=dt.date(2024, 6, 1))
    clock[0] += 1.0
    assert calendar() == dt.date(2024, 6, 1)
    (home / "site.json").write_text("{", encoding="ascii")
    clock[0] += 1.0
    assert calendar() == dt.date(2024, 6, 1)


def test_a_calendar_that_follows_the_days_has_the_days_date(tmp_path: Path) -> None:
    """Whichever day it is."""
    site = Site.create(tmp_path, as_of=TODAY)
    assert Site.open(tmp_path).calendar_date(dt.date(2026, 2, 3)) == dt.date(2026, 2, 3)
    assert site.calendar_date(UTC_TODAY) == UTC_TODAY
