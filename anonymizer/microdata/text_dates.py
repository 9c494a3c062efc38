"""Dates in texts: reading one as it is written, with how finely it is known.

Purpose: read a date that a detector found, so that `replacement` can coarsen or shift it; and draw the days by which
the dates of a record are shifted. Finding dates is the part of `anonymizer.detection.dates`.
Called by: `replacement`, `streams.core.counting.deidentify` and `amana redact`.

Invariants:
- Nothing is guessed: what is not wholly understood (a span of time, an Islamic month, a day without its year) is no
  date.
- Numerals are read day first, as the region's languages write them, unless only the other order makes a date.
"""

import datetime as dt
import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Final, Literal

from anonymizer.microdata.normalise import normalise

__all__ = ["TextDate", "about_birth", "days_of", "read"]

_MONTHS: Final = (
    "january jan janvier janv يناير كانون_الثاني",
    "february feb février févr fév فبراير شباط",
    "march mar mars مارس آذار",
    "april apr avril avr أبريل إبريل نيسان",
    "may mai مايو أيار",
    "june jun juin يونيو يونيه حزيران",
    "july jul juillet juil يوليو يوليه تموز",
    "august aug août أغسطس آب",
    "september sept sep septembre سبتمبر أيلول",
    "october oct octobre أكتوبر تشرين_الأول",
    "november nov novembre نوفمبر تشرين_الثاني",
    "december dec décembre déc ديسمبر كانون_الأول",
)
_NUMBER_OF: Final = {
    normalise(name.replace("_", " ")).text: number
    for number, names in enumerate(_MONTHS, 1)
    for name in names.split()
}  # fmt: skip
_MONTH: Final = re.compile(rf"(?<!\w)[وفبل]?({'|'.join(sorted(_NUMBER_OF, key=len, reverse=True))})\.?(?!\w)")
_SPACE: Final = re.compile(r"\s+")
_FILLER: Final = re.compile(
    r"(?<=\d)(?:st|nd|rd|th|er)(?!\w)|(?<!\w)(?:on|in|of|the|le|en|de|du|من|في|شهر|سنه|عام|يوم|بتاريخ|"
    r"monday|tuesday|wednesday|thursday|friday|saturday|sunday|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|"
    r"الاثنين|الثلاثاء|الاربعاء|الخميس|الجمعه|السبت|الاحد)(?!\w)"
)
_UNREAD: Final = re.compile(r"[^\d\s.,/\-]")
_BIRTH: Final = re.compile(
    r"(?<!\w)(?:born|birth|d\.?\s?o\.?\s?b|nee?s?\s(?:le|en|vers)|naissance)|ولد|ولاد|ميلاد|مواليد"
)
_BEFORE: Final = 40  # characters before a date that may say what it is the date of
_YEARS: Final = range(1900, 2100)
_YEAR_DIGITS: Final = 4
_MONTHS_A_YEAR: Final = 12
_CENTURY: Final = 100
_PIVOT: Final = 50  # 49 is 2049, and 50 is 1950
_FARTHEST_DAYS: Final = 365


@dataclass(frozen=True, slots=True)
class TextDate:
    """A date as finely as it was written; a day has a month."""

    year: int
    month: int | None = None
    day: int | None = None

    def coarse(self, level: Literal["month", "year"]) -> str:
        """Return `YYYY-MM` or `YYYY`, never finer than it was written."""
        return f"{self.year}-{self.month:02}" if level == "month" and self.month else f"{self.year}"

    def holds(self, other: "TextDate") -> bool:
        """Return whether another date may be this one, written more finely."""
        return self.year == other.year and self.month in {None, other.month} and self.day in {None, other.day}

    def shifted(self, days: int) -> str | None:
        """Return the date `days` later as `YYYY-MM-DD`; None where the day is not known."""
        # only whole dates: months shifted by days would no longer be as far apart as they were
        if self.month is None or self.day is None:
            return None
        return (dt.date(self.year, self.month, self.day) + dt.timedelta(days)).isoformat()


def days_of(key: bytes, event_id: str) -> int:
    """Return the number of days by which all dates of a record are shifted: 1 to 365, to either side.

    Args:
        key: The dedupe party's key; without it the number says nothing.
        event_id: The record's; all its revisions and texts share the number.
    """
    drawn = hmac.new(key, f"days|{event_id}".encode(), hashlib.sha256).digest()
    days = int.from_bytes(drawn[:8]) % (2 * _FARTHEST_DAYS) - _FARTHEST_DAYS
    return days if days < 0 else days + 1  # never 0, which would leave the dates as they are


def about_birth(before: str) -> bool:
    """Return whether the words before a date say that somebody was born then."""
    return _BIRTH.search(normalise(before[-_BEFORE:]).text.lower()) is not None


def read(written: str) -> TextDate | None:
    """Read a date in English, French or Arabic, in letters or numerals; None for anything else."""
    text = _SPACE.sub(" ", normalise(written).text.lower()).strip()
    months = {_NUMBER_OF[name] for name in _MONTH.findall(text)}
    rest = _FILLER.sub(" ", _MONTH.sub(" ", text))
    # a letter that is left over, or a second month: there is more to it than one date
    if _UNREAD.search(rest) or len(months) > 1:
        return None
    numbers = re.findall(r"\d+", rest)
    parts = _with_month_name(numbers, months.pop()) if months else _numeric(numbers)
    if parts is None:
        return None
    year, month, day = parts
    try:
        dt.date(year, month or 1, day or 1)
    except (ValueError, OverflowError):  # a day that does not exist
        return None
    return TextDate(year, month, day) if year in _YEARS and month != 0 and day != 0 else None


_Parts = tuple[int, int | None, int | None]


def _with_month_name(numbers: list[str], month: int) -> _Parts | None:
    """Read the numerals beside a month in letters: a year, or day and year in either order."""
    if len(numbers) == 1 and len(numbers[0]) == _YEAR_DIGITS:
        return int(numbers[0]), month, None
    if len(numbers) != 2:  # noqa: PLR2004 - a day and a year
        return None
    first, second = numbers
    return (int(first), month, int(second)) if len(first) == _YEAR_DIGITS else (_year(second), month, int(first))


def _numeric(numbers: list[str]) -> _Parts | None:
    """Read one to three numerals; the year has four digits, or comes last."""
    values = [int(number) for number in numbers]
    if numbers and len(numbers[0]) == _YEAR_DIGITS and len(numbers) <= 3:  # noqa: PLR2004 - year, month, day
        year, month, day = [*values, None, None][:3]
        return (year, month, day) if year is not None else None
    match values:
        case [month, year] if len(numbers[1]) == _YEAR_DIGITS:
            return year, month, None
        case [first, second, _]:
            # day first; 03/17/2024 can only be month first
            day, month = (second, first) if second > _MONTHS_A_YEAR else (first, second)
            return _year(numbers[2]), month, day
    return None


def _year(digits: str) -> int:
    """Return a year of two digits between 1950 and 2049, any other as it is."""
    year = int(digits)
    if len(digits) != 2:  # noqa: PLR2004 - two digits leave the century open
        return year
    return year + (20 if year < _PIVOT else 19) * _CENTURY
