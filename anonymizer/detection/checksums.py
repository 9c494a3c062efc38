"""Check digits, lengths and other checks of values that have the shape of an identifier.

A check returns a score between 0 and 1, or None:
    - near 1.0 if a check digit proves the value;
    - a small score if the value fails the check, since a mistyped number still names a person;
    - 0.0 if the value cannot be an identifier, and the match is dropped;
    - None if the rule's own score stands.

Called by: the rules of `recognisers` (`PatternRule.check`), through `PatternRecogniser.find`.

Invariants:
- A check reads nothing but the value itself, and no network.

Source: named at each check; check digits that no authority publishes come from public validators.
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
# Egypt's governorates in national numbers; 88 is for those born abroad.
_GOVERNORATES: Final = frozenset({1, 2, 3, 4, 88, *range(11, 20), *range(21, 30), *range(31, 36)})
_KUWAIT: Final = (2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_UNLIKELY: Final = 0.2
"""The score of a value that needs a context word: alone it stays below the shipped policy's threshold, 0.35."""

# Words that stand before or behind a number without making it a plate or a passport.
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
# Ordinary words that no street between a house number and `street` has: "12 men in the street".
_NO_STREET: Final = frozenset({
    "a", "an", "the", "in", "on", "of", "at", "by", "to", "from", "was", "were", "is", "are", "and", "or",
    "with", "for", "into", "this", "that", "his", "her", "their", "who", "which", "people", "men", "women",
    "girls", "boys", "children", "persons", "police", "years", "days", "months", "hours", "times", "other",
    "more", "than", "met", "down", "across",
})  # fmt: skip


def iban_length(country: str) -> int | None:
    """Return the number of characters of a country's IBAN (ISO 3166-1 alpha-2), None if it has none.

    Source: ISO 13616 registry; DZ, IR and MA, which are not in it, as their banks write them.
    """
    return _IBAN_LENGTHS.get(country.upper())


def mod97(iban: str) -> bool:
    """Tell whether an IBAN's check digits hold; letters and digits only. Source: ISO 7064, mod 97-10."""
    moved = (iban[4:] + iban[:4]).upper()
    return int("".join(str(int(c, 36)) for c in moved)) % 97 == 1


def luhn(digits: str) -> bool:
    """Tell whether the last digit is the Luhn check digit. Source: ISO/IEC 7812-1, annex B."""
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits))]
    return sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0  # noqa: PLR2004 (digit sum of a two-digit double)


def _digits(value: str) -> str:
    """Return the digits of a value."""
    return "".join(filter(str.isdigit, value))


def _plain(value: str, score: float) -> float:
    """Return the score of an unproven number; a grouped one is unlikely, since any numbers may stand in groups."""
    return score if value.isdigit() else _UNLIKELY


def card(value: str) -> float:
    """Score a payment card number: proven by the Luhn digit, else unlikely."""
    return 1.0 if luhn(_digits(value)) else _UNLIKELY


def imei(value: str) -> float:
    """Score a device number (IMEI) by its Luhn digit. Source: 3GPP TS 23.003, annex B."""
    return 0.8 if luhn(_digits(value)) else _UNLIKELY


def sim(value: str) -> float:
    """Score the number of a SIM card by its Luhn digit. Source: ITU-T E.118."""
    return 0.8 if luhn(_digits(value)) else 0.3


def ip(value: str) -> float | None:
    """Drop a value that is not an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_interface(value)
    except ValueError:
        return 0.0
    return None


def emirates(value: str) -> float:
    """Score an Emirates ID by its Luhn digit."""
    # 784 and the length are rare enough for a high score without it.
    return 0.95 if luhn(_digits(value)) else 0.8


def saudi(value: str) -> float:
    """Score a Saudi national or residence number by its Luhn digit."""
    return 0.8 if luhn(_digits(value)) else _plain(value, 0.45)


def turkey(value: str) -> float:
    """Score a Turkish identity number by its two check digits."""
    d = [int(c) for c in _digits(value)]
    tenth = (7 * sum(d[0:9:2]) - sum(d[1:8:2])) % 10
    return 1.0 if d[9] == tenth and d[10] == sum(d[:10]) % 10 else _plain(value, 0.45)


def iran(value: str) -> float:
    """Score an Iranian national number by its check digit; ten equal digits also pass it but are none."""
    digits = _digits(value)
    rest = sum(int(c) * (10 - i) for i, c in enumerate(digits[:9])) % 11
    proven = int(digits[9]) == (rest if rest < 2 else 11 - rest)  # noqa: PLR2004 (the rule's own bound)
    return 0.8 if proven and len(set(digits)) > 1 else _plain(value, 0.45)


def egypt(value: str) -> float:
    """Score a 14-digit Egyptian number: the birth date and the governorate must exist."""
    # The check digit is not public.
    digits = _digits(value)
    return 0.8 if _born(digits) and int(digits[7:9]) in _GOVERNORATES else _plain(value, 0.5)


def kuwait(value: str) -> float:
    """Score a civil number of Kuwait: the birth date must exist and the check digit hold."""
    digits = _digits(value)
    check = 11 - sum(w * int(d) for w, d in zip(_KUWAIT, digits, strict=False)) % 11
    return 0.9 if _born(digits) and check == int(digits[11]) else _plain(value, 0.4)


def _born(digits: str) -> bool:
    """Tell whether the century digit, year, month and day that a number begins with make a date."""
    try:
        dt.date.fromisoformat(f"{_CENTURIES[digits[0]]}{digits[1:3]}-{digits[3:5]}-{digits[5:7]}")
    except (KeyError, ValueError):
        return False
    return True


def number(value: str) -> float:
    """Score a long number; a round one is likely to be an amount."""
    return _UNLIKELY if value.endswith("00000") else 0.4


def numbered(value: str) -> float | None:
    """Drop two consecutive years, such as a season: 2021/22."""
    first, second = value.split("/")
    following = str(int(first) + 1)
    return 0.0 if _YEAR.fullmatch(first) and second in {following, following[2:]} else None


def grouped(value: str) -> float:
    """Drop grouped digits that are fewer or more than the number of a person has."""
    return _UNLIKELY if 8 <= len(_digits(value)) <= 18 else 0.0  # noqa: PLR2004 (as the catalogue says)


def named(value: str) -> float | None:
    """Drop a value after the name of a number that is a year or has fewer than three digits."""
    digits = _digits(value)
    year = len(value) == 4 and value.isdigit()  # noqa: PLR2004 (a year)
    return 0.0 if year or len(digits) < 3 else None  # noqa: PLR2004 (a word with a footnote)


def passport(value: str) -> float:
    """Score letters before digits as a passport number: likely if joined, or if capitals with a hyphen; no currency."""
    letters = "".join(filter(str.isalpha, value))
    if letters.upper() in _CURRENCIES:
        return 0.0
    return 0.45 if value.isalnum() or (letters.isupper() and "-" in value) else _UNLIKELY


def readable(value: str) -> float:
    """Drop a value without the double filler that a machine-readable line has between surname and given names."""
    return 1.0 if "<<" in value and len(value) >= 15 else 0.0  # noqa: PLR2004 (the pattern's shortest)


def plate(value: str) -> float:
    """Drop amounts, dates, years and words before a number that look like plates."""
    letters = "".join(filter(str.isalpha, value))
    words = letters.upper() in _CURRENCIES | _MONTHS or letters.lower() in _SHORT_WORDS
    year = len(letters) < 2 and _YEAR.fullmatch(_digits(value))  # noqa: PLR2004 (one letter may be a word)
    return 0.0 if words or year else _UNLIKELY


def turkish_plate(value: str) -> float:
    """Score a Turkish plate; capitals in the usual three groups need no context word."""
    letters = "".join(filter(str.isalpha, value))
    usual = letters.isupper() and len(letters) > 1 and len(value.split()) == 3  # noqa: PLR2004 (34 ABC 123)
    return 0.4 if usual and plate(value) else plate(value)


def reference(value: str) -> float:
    """Score an agency's case number; capitals or many digits need no context word, a word with a small number does."""
    digits = _digits(value)
    letters = "".join(filter(str.isalpha, value))
    if len(digits) >= 5:  # noqa: PLR2004 (more than a year)
        return 0.5
    return 0.4 if letters.isupper() and len(digits) > 3 else _UNLIKELY  # noqa: PLR2004 (COVID-19, F-16)


def file_number(value: str) -> float:
    """Drop a file number of fewer than seven digits."""
    return 0.9 if len(_digits(value)) >= 7 else 0.0  # noqa: PLR2004 (three letters may stand for the office)


def coordinates(value: str) -> float | None:
    """Drop coordinates of more than 180 degrees."""
    degrees = [abs(float(number)) for number in re.findall(r"[0-9]+\.[0-9]+", value)]
    return None if degrees[0] <= 180 and all(d <= 180 for d in degrees) else 0.0  # noqa: PLR2004 (degrees)


def street(value: str) -> float | None:
    """Drop a house number and a street with an ordinary word between them."""
    return 0.0 if _NO_STREET & set(value.lower().split()[1:-1]) else None
