"""Invented identity strings in the shapes of the region: e-mails, phones, account and identity numbers, dates, links.

Called by: `amana.demo.simulation.event_rows`, `amana.demo.simulation.narratives`.

Invariants:
- No string belongs to anybody: domains are reserved for examples, and numbers are drawn at random.
- Check digits are valid, so that recognisers that test them must find the numbers.
"""

from random import Random
from typing import Final

__all__ = ["EASTERN", "case_number", "email", "iban", "national_id", "passport", "phone", "url", "written_date"]

EASTERN: Final = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
"""Translation of digits to those of Arabic texts."""

_DOMAINS: Final = ("example.org", "mail.example.org", "family.example", "work.example")
_PHONES: Final = {
    "LB": ("961", "3", 6), "JO": ("962", "79", 7), "IQ": ("964", "770", 7), "EG": ("20", "10", 8),
    "TR": ("90", "532", 7),
}  # fmt: skip
_IBANS: Final = {
    "LB": (("",), 24), "JO": (("BCDA", "CDEA", "DFGA"), 22), "IQ": (("BCDA", "CDEA", "DFGA"), 15),
    "EG": (("",), 25), "TR": (("",), 22),
}  # fmt: skip
_NATIONAL: Final = {"LB": 12, "JO": 10, "IQ": 12}
_MONTHS: Final = {
    "en": ("January February March April May June July August September October November December"),
    "fr": ("janvier février mars avril mai juin juillet août septembre octobre novembre décembre"),
    "ar": ("يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر"),
}


def _digits(random: Random, count: int) -> str:
    return f"{random.randrange(10**count):0{count}}"


def email(random: Random, name: str) -> str:
    """Return an address under a domain that is reserved for examples."""
    return f"{name.lower()}.{_digits(random, 3)}@{random.choice(_DOMAINS)}"


def phone(random: Random, region: str, language: str) -> str:
    """Return a mobile number: international or national, spaced or not, now and then in eastern digits."""
    # The prefixes are those of real networks, because recognisers test them; the digits that follow are drawn.
    country, network, length = _PHONES[region]
    number = _digits(random, length)
    spaced = f"{number[:3]} {number[3:]}"
    text = random.choice(
        (f"+{country} {network} {spaced}", f"+{country}{network}{number}", f"00{country} {network} {spaced}")
        if random.random() < 0.6  # noqa: PLR2004 - a share of an invented region
        else (f"0{network} {spaced}", f"0{network}-{number}", f"0{network}{number}")
    )
    return text.translate(EASTERN) if language == "ar" and random.random() < 0.4 else text  # noqa: PLR2004 - as above


def iban(random: Random, region: str) -> str:
    """Return an account number with valid check digits (ISO 13616)."""
    banks, digits = _IBANS[region]
    bank = random.choice(banks) + _digits(random, digits)
    # ISO 13616: letters count as 10 to 35, the country moves to the end, and the whole number must be 1 modulo 97.
    check = 98 - int("".join(str(int(character, 36)) for character in f"{bank}{region}00")) % 97
    return f"{region}{check:02}{bank}"


def national_id(random: Random, region: str) -> str:
    """Return an identity number of the region's shape; Turkey's with its check digits."""
    if region == "TR":
        nine = [random.randint(1, 9), *(random.randrange(10) for _ in range(8))]
        # The tenth digit weighs odd and even places differently; the eleventh is the sum of all ten, modulo 10.
        tenth = (sum(nine[::2]) * 7 - sum(nine[1::2])) % 10
        return "".join(map(str, (*nine, tenth, (sum(nine) + tenth) % 10)))
    if region == "EG":
        # A digit for the century, then the date of birth.
        return f"2{random.randint(60, 99)}{random.randint(1, 12):02}{random.randint(1, 28):02}{_digits(random, 7)}"
    return "1" + _digits(random, _NATIONAL[region] - 1)


def passport(random: Random) -> str:
    """Return a passport number."""
    return f"{random.choice('ABCDEGHKNPR')}{random.choice('ABCDEGHKNPR')}{_digits(random, 7)}"


def case_number(random: Random, prefix: str) -> str:
    """Return an agency's case number as its staff write it into texts."""
    return f"{prefix}/{random.randint(2018, 2024)}/{_digits(random, 5)}"


def url(random: Random, name: str) -> str:
    """Return a link to an invented profile."""
    return f"https://social.example/{name.lower()}.{_digits(random, 4)}"


def written_date(random: Random, language: str) -> str:
    """Return a day as people write it; never in the form in which fields hold dates."""
    day, month, year = random.randint(1, 28), random.randint(1, 12), random.randint(2015, 2024)
    named = f"{day} {_MONTHS[language].split()[month - 1]} {year}"
    text = random.choice((named, f"{day:02}/{month:02}/{year}"))
    return text.translate(EASTERN) if language == "ar" else text
