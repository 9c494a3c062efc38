"""Checksums and lengths of identifiers.

Decides whether a value that has the shape of an identifier can be one. A check returns 1.0 for a proven value, a small
score for a shape that fails (a typing error still names a person) and 0 for what cannot be one at all.
"""

import datetime as dt
import ipaddress
from typing import Final

__all__ = ["card", "egypt", "iban_length", "ip", "iran", "luhn", "mod97", "saudi", "turkey"]

_IBAN_LENGTHS: Final = {
    country: int(length)
    for length, countries in {
        "15": "NO", "16": "BE", "18": "DK FO FI GL NL SD", "19": "MK SI", "20": "AT BA EE KZ LT LU MN XK",
        "21": "CH HR LI LV", "22": "BG BH CR DE GB GE IE ME RS", "23": "AE GI IL IQ OM SO TL",
        "24": "AD CZ ES MD PK RO SA SE SK TN VG", "25": "LY PT ST", "26": "IS TR", "27": "DJ FR GR IT MC MR SM",
        "28": "AL AZ CY DO GT HU LB PL SV NI", "29": "BR EG PS QA UA", "30": "JO KW MU", "31": "MT SC", "32": "LC",
        "33": "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip
_NATIONAL_LENGTH: Final = 14


def iban_length(country: str) -> int | None:
    """Return the length of a country's IBAN. Source: ISO 13616 registry."""
    return _IBAN_LENGTHS.get(country.upper())


def mod97(iban: str) -> bool:
    """Say whether an IBAN's check digits hold (ISO 7064, mod 97-10); letters and digits only."""
    moved = (iban[4:] + iban[:4]).upper()
    return int("".join(str(int(c, 36)) for c in moved)) % 97 == 1


def luhn(digits: str) -> bool:
    """Say whether the last digit is the Luhn check digit (ISO/IEC 7812-1)."""
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits))]
    return sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0  # noqa: PLR2004 (digit sum of a two-digit double)


def card(value: str) -> float:
    """Score a payment card number: proven by Luhn, else weak."""
    digits = "".join(filter(str.isdigit, value))
    return 1.0 if luhn(digits) else 0.2


def ip(value: str) -> float | None:
    """Drop what is no IPv4 or IPv6 address."""
    try:
        ipaddress.ip_interface(value)
    except ValueError:
        return 0.0
    return None


def saudi(value: str) -> float | None:
    """Raise a Saudi national or residence number whose Luhn digit holds."""
    return 0.8 if luhn(value) else None


def turkey(value: str) -> float | None:
    """Raise a Turkish identity number whose two check digits hold."""
    d = [int(c) for c in value]
    tenth = (7 * sum(d[0:9:2]) - sum(d[1:8:2])) % 10
    return 1.0 if d[9] == tenth and d[10] == sum(d[:10]) % 10 else None


def iran(value: str) -> float | None:
    """Raise an Iranian national number whose check digit holds."""
    rest = sum(int(c) * (10 - i) for i, c in enumerate(value[:9])) % 11
    return 0.8 if int(value[9]) == (rest if rest < 2 else 11 - rest) else None  # noqa: PLR2004 (the rule's own bound)


def egypt(value: str) -> float | None:
    """Raise a 14-digit Egyptian number whose birth date exists; shape only, no public checksum."""
    century = {"2": "19", "3": "20"}.get(value[0])
    if century is None or len(value) != _NATIONAL_LENGTH:
        return None
    try:
        dt.date.fromisoformat(f"{century}{value[1:3]}-{value[3:5]}-{value[5:7]}")
    except ValueError:
        return None
    return 0.8
