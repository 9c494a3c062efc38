"""Dates as people write them in English, French and Arabic.

Decides which numerals, month names and orders make a date. Patterns see normalised text: ASCII digits, one form of
alef, no marks. Does not tell birth dates from others: all are masked.
"""

from collections.abc import Sequence
from typing import Final

from anonymizer.engines import shape
from anonymizer.microdata import normalise

__all__ = ["RULES"]

_ENGLISH: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sept", "sep", "oct", "nov", "dec",
)  # fmt: skip
_FRENCH: Final = (
    "janvier", "f[ée]vrier", "mars", "avril", "mai", "juin", "juillet", "ao[uû]t", "septembre", "octobre", "novembre",
    "d[ée]cembre", "janv", "f[ée]vr", "avr", "juil", "d[ée]c",
)  # fmt: skip
_ARABIC: Final = (
    "كانون الثاني", "شباط", "آذار", "نيسان", "أيار", "حزيران", "تموز", "آب", "أيلول", "تشرين الأول", "تشرين الثاني",
    "كانون الأول", "يناير", "فبراير", "مارس", "أبريل", "إبريل", "مايو", "يونيو", "يونيه", "يوليو", "يوليه", "أغسطس",
    "سبتمبر", "أكتوبر", "نوفمبر", "ديسمبر", "محرم", "صفر", "ربيع الأول", "ربيع الثاني", "ربيع الآخر", "جمادى الأولى",
    "جمادى الآخرة", "جمادى الثانية", "رجب", "شعبان", "رمضان", "شوال", "ذو القعدة", "ذي القعدة", "ذو الحجة", "ذي الحجة",
)  # fmt: skip


def _alternatives(words: Sequence[str]) -> str:
    return "|".join(
        sorted((normalise.normalise(w).text.replace(" ", r"\s{1,3}") for w in words), key=len, reverse=True)
    )


_MONTH: Final = rf"(?:[وفبل]?(?:{_alternatives(_ARABIC)})|(?:{_alternatives((*_ENGLISH, *_FRENCH))})\.?)(?!\w)"
_DAY: Final = r"[0-3]?[0-9]"
_MONTH_NUMBER: Final = r"[01]?[0-9]"
_YEAR: Final = r"(?:1[3489][0-9]{2}|20[0-9]{2})"
_GAP: Final = r"[\s,]{1,3}(?:(?:of|de|من|شهر)\s{1,3}){0,2}"
_SEPARATOR: Final = r"\s?[./\-]\s?"

_SHORT: Final = rf"(?:{_DAY}[./\-]{_MONTH_NUMBER}|{_MONTH_NUMBER}[./\-]{_DAY})[./\-][0-9]{{2}}"
_IN_YEAR: Final = rf"(?:(?:سنه|عام)\s)?(?:{_YEAR})(?!\w)"
_DAY_FIRST: Final = rf"{_DAY}(?:st|nd|rd|th|er)?{_GAP}{_MONTH}(?:{_GAP}(?:{_IN_YEAR}|[0-9]{{2}}(?!\w)))?"
_MONTH_FIRST: Final = rf"{_MONTH}\s{{1,3}}{_DAY}(?:st|nd|rd|th)?(?!\w)(?:[,\s]{{1,3}}{_YEAR}(?!\w))?"
_YEAR_FIRST: Final = rf"{_YEAR}[\s\-/]{{1,3}}{_MONTH}(?:[\s\-/]{{1,3}}{_DAY})?(?!\w)"
_NUMERIC_HINT: Final = r"[0-9]\s?[./\-]\s?[0-9]{1,2}\s?[./\-]\s?[0-9]"

RULES: Final = (
    shape.Rule(
        "iso", rf"(?<!\w){_YEAR}{_SEPARATOR}{_MONTH_NUMBER}{_SEPARATOR}{_DAY}(?![0-9])", 0.9, hint=_NUMERIC_HINT
    ),
    shape.Rule(
        "day", rf"(?<!\w){_DAY}{_SEPARATOR}{_MONTH_NUMBER}{_SEPARATOR}{_YEAR}(?![0-9])", 0.9, hint=_NUMERIC_HINT
    ),
    shape.Rule(
        "month", rf"(?<!\w){_MONTH_NUMBER}{_SEPARATOR}{_DAY}{_SEPARATOR}{_YEAR}(?![0-9])", 0.8, hint=_NUMERIC_HINT
    ),
    shape.Rule("short year", rf"(?<![\w./\-]){_SHORT}(?![\w./\-])", 0.5, hint=_NUMERIC_HINT),
    shape.Rule("day month year", rf"(?<!\w){_DAY_FIRST}", 0.8),
    shape.Rule("month day year", rf"(?<!\w){_MONTH_FIRST}", 0.8),
    shape.Rule("month year", rf"(?<!\w){_MONTH}{_GAP}{_IN_YEAR}", 0.6),
    shape.Rule("year month", rf"(?<!\w){_YEAR_FIRST}", 0.6),
)
