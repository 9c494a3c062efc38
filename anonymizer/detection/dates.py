# ruff: noqa: E501, RUF001 - a pattern is read in one piece; Arabic letters are words here
"""Patterns of dates as people write them in English, French and Arabic, in Gregorian, Hijri and Persian months.

Called by: `recognisers`, as the rules of the entity DATE_TIME.

Invariants:
    - The patterns are for normalised text: ASCII digits, one form of alef, no marks; month names are folded here.
    - Birth dates are not told from other dates: all are findings.
"""

from collections.abc import Sequence
from typing import Final

from anonymizer.detection import pattern_recogniser
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
    "سبتمبر", "أكتوبر", "نوفمبر", "ديسمبر", "جانفي", "فيفري", "أفريل", "ماي", "جوان", "جويلية", "أوت", "غشت", "شتنبر",
    "نونبر", "دجنبر", "محرم", "صفر", "ربيع الأول", "ربيع الثاني", "ربيع الآخر", "جمادى الأولى", "جمادى الآخرة",
    "جمادى الثانية", "رجب", "شعبان", "رمضان", "شوال", "ذو القعدة", "ذي القعدة", "ذو الحجة", "ذي الحجة", "فروردين",
    "ارديبهشت", "خرداد", "مرداد", "شهريور", "اسفند",
)  # fmt: skip
_HIJRI: Final = (
    "muharram", "safar", "rabi[' ]?(?:al|ul)?[- ]?(?:awwal|thani|akhir)", "rabi['’]? i{1,2}",
    "jumada(?: (?:al|ul)?[- ]?(?:ula|awwal|thani(?:ya)?|akhira?)| i{1,2})?", "rajab", "sha'?ban", "ramadh?an", "shawwal",
    "(?:dh?u|zu)[- ]?(?:al|l|'l)?[- ]?(?:qi?a?'?da|hijja)h?",
)  # fmt: skip


def _alternatives(words: Sequence[str]) -> str:
    """Return a pattern of one of some words, folded."""
    # The longest first: an alternation takes the first word that matches, `jan` before `january`.
    return "|".join(
        sorted((normalise.normalise(w).text.replace(" ", r"\s{1,3}") for w in words), key=len, reverse=True)
    )


_ARABIC_MONTH: Final = rf"[وفبل]?(?:{_alternatives(_ARABIC)})"
_LATIN_MONTH: Final = rf"(?:{_alternatives((*_ENGLISH, *_FRENCH))}|{'|'.join(_HIJRI)})\.?"
_MONTH: Final = rf"(?:{_ARABIC_MONTH}(?:\s?[/(]\s?(?:{_alternatives(_ARABIC)})\)?)?|{_LATIN_MONTH})(?!\w)"
_DAY: Final = r"[0-3]?[0-9]"
_MONTH_NUMBER: Final = r"[01]?[0-9]"
_YEAR: Final = r"(?:1[3489][0-9]{2}|20[0-9]{2})"
_ERA: Final = r"(?:\s?(?:م|ه|h|ah|ad|ce)(?![A-Zء-ي]))?(?!\w)"
_GAP: Final = r"[\s,./\-]{1,3}(?:(?:of|de|du|من|شهر)\s{1,3}){0,2}"
_SEPARATOR: Final = r"\s{0,2}[./\-]\s{0,2}"

_SHORT: Final = rf"(?:{_DAY}[./\-]{_MONTH_NUMBER}|{_MONTH_NUMBER}[./\-]{_DAY})[./\-][0-9]{{2}}"
_IN_YEAR: Final = rf"(?:(?:سنه|عام)\s)?(?:{_YEAR}){_ERA}"
_ORDINAL: Final = r"(?:\s?(?:st|nd|rd|th|er|eme)(?!\w))?"
_DAY_FIRST: Final = rf"{_DAY}{_ORDINAL}{_GAP}{_MONTH}(?:{_GAP}(?:{_IN_YEAR}|'?[0-9]{{2}}(?!\w)))?"
_MONTH_FIRST: Final = rf"{_MONTH}\s{{1,3}}{_DAY}{_ORDINAL}(?!\w)(?:[,\s]{{1,3}}{_YEAR}(?!\w))?"
_YEAR_FIRST: Final = rf"{_YEAR}[\s\-/]{{1,3}}{_MONTH}(?:[\s\-/]{{1,3}}{_DAY})?(?!\w)"
_NUMERIC_HINT: Final = r"[0-9]\s{0,2}[./\-]\s{0,2}[0-9]{1,2}\s{0,2}[./\-]\s{0,2}[0-9]"
_NAME: Final = rf"(?:{_alternatives((*_ARABIC, *_ENGLISH, *_FRENCH))}|{'|'.join(_HIJRI)})"
_OF: Final = r"(?:(?:of|de|du|من|شهر)\s{1,3}){0,2}"
_DAY_HINT: Final = rf"[0-9]\s?(?:st|nd|rd|th|er|eme)?[\s,./\-]{{1,3}}{_OF}[وفبل]?{_NAME}"
_MONTH_HINT: Final = rf"{_NAME}\)?\.?[\s,./\-]{{1,3}}{_OF}(?:(?:سنه|عام)\s)?[0-9]"
_BORN: Final = r"(?:born|b\.|dob|birth|nee?s?|naissance|ne|(?:ال)?مواليد|مولود(?:ه)?|ولد(?:ت)?|(?:ال)?ولاده|ميلاد(?:ها|ه)?|(?:ال)?ميلاد)"
_BORN_HINT: Final = r"(?:born|b\.|dob|birth|ne|naissance|ولد|لاد|لود|ليد)"

RULES: Final = (
    pattern_recogniser.PatternRule(
        "iso",
        rf"{pattern_recogniser.START}{_YEAR}{_SEPARATOR}{_MONTH_NUMBER}{_SEPARATOR}{_DAY}(?![0-9])",
        0.9,
        hint=_NUMERIC_HINT,
        example="1998-03-12",
        source="ISO 8601",
    ),
    pattern_recogniser.PatternRule(
        "day",
        rf"{pattern_recogniser.START}{_DAY}{_SEPARATOR}{_MONTH_NUMBER}{_SEPARATOR}{_YEAR}(?![0-9])",
        0.9,
        hint=_NUMERIC_HINT,
        example="12/03/1998",
    ),
    pattern_recogniser.PatternRule(
        "month",
        rf"{pattern_recogniser.START}{_MONTH_NUMBER}{_SEPARATOR}{_DAY}{_SEPARATOR}{_YEAR}(?![0-9])",
        0.8,
        hint=_NUMERIC_HINT,
        example="03/28/1998",
    ),
    pattern_recogniser.PatternRule(
        "short year", rf"(?<![\w./\-]){_SHORT}(?![\w/\-])(?!\.[0-9])", 0.5, hint=_NUMERIC_HINT, example="12.3.98"
    ),
    pattern_recogniser.PatternRule(
        "day month year",
        rf"{pattern_recogniser.START}{_DAY_FIRST}",
        0.8,
        hint=_DAY_HINT,
        example="12 كانون الثاني/يناير 1998",
    ),
    pattern_recogniser.PatternRule(
        "month day year", rf"(?<!\w){_MONTH_FIRST}", 0.8, hint=_MONTH_HINT, example="March 12th, 1998"
    ),
    pattern_recogniser.PatternRule(
        "month year", rf"(?<!\w){_MONTH}{_GAP}{_IN_YEAR}", 0.6, hint=_MONTH_HINT, example="février 1998"
    ),
    pattern_recogniser.PatternRule(
        "year month", rf"{pattern_recogniser.START}{_YEAR_FIRST}", 0.6, example="1998 Mar 12"
    ),
    pattern_recogniser.PatternRule(
        "month and year in figures",
        rf"(?<![\w/.\-])(?:0?[1-9]|1[0-2])[/\-]{_YEAR}(?![\w/\-])",
        0.5,
        hint=r"[0-9][/\-][0-9]{4}",
        example="03/1998",
    ),
    pattern_recogniser.PatternRule(
        "year of birth",
        rf"(?<!\w)[وفبل]?{_BORN}[\s:,.]{{1,3}}(?:(?:in|on|around|about|circa|the|year|of|en|le|vers|l'annee|date|de|في|عام|سنه|العام)[\s:]{{1,2}}){{0,3}}"
        rf"(?P<value>{_YEAR}){_ERA}",
        0.7,
        hint=_BORN_HINT + r"[\s:,.].{0,40}[0-9]{4}",
        example="born in 1998",
    ),
)
