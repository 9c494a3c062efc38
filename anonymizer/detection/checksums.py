"""Checksums and lengths of identifiers.

Decides whether a value that has the shape of an identifier can be one. A check returns 1.0 for a proven value, a small
score for a shape that fails (a typing error still names a person) and 0 for what cannot be one at all.
"""

import datetime as dt
import ipaddress
import re
from collections.abc import Callable
from typing import Final

__all__ = [
    "Score", "card", "coordinates", "egypt", "emirates", "file_number", "grouped", "iban_length", "imei", "ip",
    "iran", "kuwait", "luhn", "mod97", "named", "number", "numbered", "passport", "plate", "readable",
    "reference", "saudi", "sim", "street", "turkey", "turkish_plate",
]  # fmt: skip

Score = Callable[[str], float]
"""A check that always gives a score."""

_IBAN_LENGTHS: Final = {
    country: int(length)
    for length, countries in {
        "15": "NO", "16": "BE", "18": "DK FK FO FI GL NL SD", "19": "MK SI", "20": "AT BA EE KZ LT LU MN XK",
        "21": "CH HR LI LV", "22": "BG BH CR DE GB GE IE ME RS", "23": "AE GI IL IQ OM SO TL",
        "24": "AD CZ ES MD PK RO SA SE SK TN VG", "25": "LY PT ST", "26": "DZ IR IS TR",
        "27": "BI DJ FR GR IT MC MR SM", "28": "AL AZ BY CY DO GT HN HU LB MA NI PL SV",
        "29": "BR EG PS QA UA", "30": "JO KW MU YE", "31": "MT SC", "32": "LC",
        "33": "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip
_CENTURIES: Final = {"2": "19", "3": "20"}
_GOVERNORATES: Final = frozenset({1, 2, 3, 4, 88, *range(11, 20), *range(21, 30), *range(31, 36)})
_KUWAIT: Final = (2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_UNLIKELY: Final = 0.2
"""The score of what counts only with a word before it."""

_CURRENCIES: Final = frozenset({
    "AED", "AFN", "BHD", "CHF", "DZD", "EGP", "EUR", "GBP", "ILS", "IQD", "IRR", "JOD", "KWD", "LBP", "LL",
    "LYD", "MAD", "NIS", "OMR", "PKR", "QAR", "SAR", "SDG", "SYP", "TL", "TND", "TRY", "USD", "YER",
})  # fmt: skip
_MONTHS: Final = frozenset({
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC", "MAI", "AVR",
})  # fmt: skip
_SHORT_WORDS: Final = frozenset({
    "al", "and", "art", "at", "by", "de", "du", "en", "et", "for", "in", "la", "le", "les", "no", "nos",
    "of", "on", "or", "par", "pp", "the", "to", "و",
})  # fmt: skip
_YEAR: Final = re.compile("(?:19|20)[0-9]{2}")
_NO_STREET: Final = frozenset({
    "a", "an", "the", "in", "on", "of", "at", "by", "to", "from", "was", "were", "is", "are", "and", "or",
    "with", "for", "into", "this", "that", "his", "her", "their", "who", "which", "people", "men", "women",
    "girls", "boys", "children", "persons", "police", "years", "days", "months", "hours", "times", "other",
    "more", "than", "met", "down", "across",
})  # fmt: skip


def iban_length(country: str) -> int | None:
    """Return the length of a country's IBAN. Source: ISO 13616 registry; DZ IR MA as their banks do."""
    return _IBAN_LENGTHS.get(country.upper())


def mod97(iban: str) -> bool:
    """Say whether an IBAN's check digits hold (ISO 7064, mod 97-10); letters and digits only."""
    moved = (iban[4:] + iban[:4]).upper()
    return int("".join(str(int(c, 36)) for c in moved)) % 97 == 1


def luhn(digits: str) -> bool:
    """Say whether the last digit is the Luhn check digit (ISO/IEC 7812-1)."""
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits))]
    return sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0  # noqa: PLR2004 (digit sum of a two-digit double)


def _digits(value: str) -> str:
    return "".join(filter(str.isdigit, value))


def _plain(value: str, score: float) -> float:
    """Return the score of an unproven number: lower where it comes in groups, which any numbers may."""
    return score if value.isdigit() else _UNLIKELY


def card(value: str) -> float:
    """Score a payment card number: proven by Luhn, else weak."""
    return 1.0 if luhn(_digits(value)) else _UNLIKELY


def imei(value: str) -> float:
    """Score a device number: 15 digits with Luhn, else weak. Source: 3GPP TS 23.003, annex B."""
    return 0.8 if luhn(_digits(value)) else _UNLIKELY


def sim(value: str) -> float:
    """Score the number of a SIM card. Source: ITU-T E.118."""
    return 0.8 if luhn(_digits(value)) else 0.3


def ip(value: str) -> float | None:
    """Drop what is no IPv4 or IPv6 address."""
    try:
        ipaddress.ip_interface(value)
    except ValueError:
        return 0.0
    return None


def emirates(value: str) -> float:
    """Score an Emirates ID: surer where Luhn holds; 784 and the length say enough."""
    return 0.95 if luhn(_digits(value)) else 0.8


def saudi(value: str) -> float:
    """Raise a Saudi national or residence number whose Luhn digit holds."""
    return 0.8 if luhn(_digits(value)) else _plain(value, 0.45)


def turkey(value: str) -> float:
    """Raise a Turkish identity number whose two check digits hold."""
    d = [int(c) for c in _digits(value)]
    tenth = (7 * sum(d[0:9:2]) - sum(d[1:8:2])) % 10
    return 1.0 if d[9] == tenth and d[10] == sum(d[:10]) % 10 else _plain(value, 0.45)


def iran(value: str) -> float:
    """Raise an Iranian national number whose check digit holds."""
    digits = _digits(value)
    rest = sum(int(c) * (10 - i) for i, c in enumerate(digits[:9])) % 11
    proven = int(digits[9]) == (rest if rest < 2 else 11 - rest)  # noqa: PLR2004 (the rule's own bound)
    return 0.8 if proven and len(set(digits)) > 1 else _plain(value, 0.45)


def egypt(value: str) -> float:
    """Raise a 14-digit Egyptian number whose birth date and governorate exist; its check digit is not public."""
    digits = _digits(value)
    return 0.8 if _born(digits) and int(digits[7:9]) in _GOVERNORATES else _plain(value, 0.5)


def kuwait(value: str) -> float:
    """Raise a civil number whose birth date exists and whose check digit holds."""
    digits = _digits(value)
    check = 11 - sum(w * int(d) for w, d in zip(_KUWAIT, digits, strict=False)) % 11
    return 0.9 if _born(digits) and check == int(digits[11]) else _plain(value, 0.4)


def _born(digits: str) -> bool:
    """Say whether century digit, year, month and day make a date."""
    try:
        dt.date.fromisoformat(f"{_CENTURIES[digits[0]]}{digits[1:3]}-{digits[3:5]}-{digits[5:7]}")
    except (KeyError, ValueError):
        return False
    return True


def number(value: str) -> float:
    """Score a long number: a round one is an amount."""
    return _UNLIKELY if value.endswith("00000") else 0.4


def numbered(value: str) -> float | None:
    """Drop a pair of years, such as a season."""
    first, second = value.split("/")
    following = str(int(first) + 1)
    return 0.0 if _YEAR.fullmatch(first) and second in {following, following[2:]} else None


def grouped(value: str) -> float:
    """Drop grouped digits that are too few, or too many, for a number of a person."""
    return _UNLIKELY if 8 <= len(_digits(value)) <= 18 else 0.0  # noqa: PLR2004 (as the catalogue says)


def named(value: str) -> float | None:
    """Drop what stands behind the name of a number but is a year, or has hardly a digit."""
    digits = _digits(value)
    year = len(value) == 4 and value.isdigit()  # noqa: PLR2004 (a year)
    return 0.0 if year or len(digits) < 3 else None  # noqa: PLR2004 (a word with a footnote)


def passport(value: str) -> float:
    """Score letters before digits: sure of themselves when joined, or capitals that are no currency."""
    letters = "".join(filter(str.isalpha, value))
    if letters.upper() in _CURRENCIES:
        return 0.0
    return 0.45 if value.isalnum() or (letters.isupper() and "-" in value) else _UNLIKELY


def readable(value: str) -> float:
    """Drop what has no fillers of a machine-readable line, or none between the parts of a name."""
    return 1.0 if "<<" in value and len(value) >= 15 else 0.0  # noqa: PLR2004 (the pattern's shortest)


def plate(value: str) -> float:
    """Drop amounts, dates, years and words before a number that look like plates."""
    letters = "".join(filter(str.isalpha, value))
    words = letters.upper() in _CURRENCIES | _MONTHS or letters.lower() in _SHORT_WORDS
    year = len(letters) < 2 and _YEAR.fullmatch(_digits(value))  # noqa: PLR2004 (one letter may be a word)
    return 0.0 if words or year else _UNLIKELY


def turkish_plate(value: str) -> float:
    """Score Turkish plates: capitals in their usual groups stand alone."""
    letters = "".join(filter(str.isalpha, value))
    usual = letters.isupper() and len(letters) > 1 and len(value.split()) == 3  # noqa: PLR2004 (34 ABC 123)
    return 0.4 if usual and plate(value) else plate(value)


def reference(value: str) -> float:
    """Score an agency's number: capitals or many digits stand alone, a word with a small number does not."""
    digits = _digits(value)
    letters = "".join(filter(str.isalpha, value))
    if len(digits) >= 5:  # noqa: PLR2004 (more than a year)
        return 0.5
    return 0.4 if letters.isupper() and len(digits) > 3 else _UNLIKELY  # noqa: PLR2004 (COVID-19, F-16)


def file_number(value: str) -> float:
    """Drop a file number without digits enough."""
    return 0.9 if len(_digits(value)) >= 7 else 0.0  # noqa: PLR2004 (three letters may stand for the office)


def coordinates(value: str) -> float | None:
    """Drop degrees beyond the globe."""
    degrees = [abs(float(number)) for number in re.findall(r"[0-9]+\.[0-9]+", value)]
    return None if degrees[0] <= 180 and all(d <= 180 for d in degrees) else 0.0  # noqa: PLR2004 (degrees)


def street(value: str) -> float | None:
    """Drop a number and a street with an ordinary word between them."""
    return 0.0 if _NO_STREET & set(value.lower().split()[1:-1]) else None
