"""Invented identifiers of every structured type, each in a short sentence of one of three languages; seeded."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from anonymizer.detection import checksums

__all__ = ["TYPES", "Identity", "identities"]


@dataclass(frozen=True, slots=True)
class Identity:
    """A value of one type, and the words before and after it."""

    type: str
    value: str
    before: str
    after: str


_AFTER = {"en": " and left.", "fr": " et partit.", "ar": " ثم غادرت."}
_BEFORE = {
    "PHONE_NUMBER": ("Her phone is ", "Son téléphone : ", "رقم هاتفها "),
    "EMAIL_ADDRESS": ("She wrote from ", "Elle a écrit depuis ", "بريدها "),
    "DATE_TIME": ("She was born on ", "Elle est née le ", "ولدت في "),
    "CASE_NUMBER": ("The case number ", "Le dossier n° ", "ملف رقم "),
    "NATIONAL_ID": ("Her national id ", "Sa carte d'identité ", "رقم هويتها "),
    "PASSPORT": ("Her passport ", "Son passeport ", "جواز سفرها "),
    "PLATE": ("The car had the plate ", "La plaque de la voiture ", "لوحة السيارة "),
    "IBAN_CODE": ("They paid to the account ", "Le compte ", "دفعت إلى حساب "),
    "CREDIT_CARD": ("The card ", "La carte ", "البطاقة "),
    "URL": ("The advert was at ", "L'annonce : ", "الإعلان على "),
    "IP_ADDRESS": ("It came from ", "Cela venait de ", "جاء من "),
    "HANDLE": ("He wrote as ", "Il écrivait sous ", "كتب باسم "),
    "DEVICE_ID": ("The handset's IMEI ", "L'appareil IMEI ", "رقم الجهاز "),
    "COORDINATES": ("The house is at ", "La maison est à ", "المنزل عند "),
    "ADDRESS": ("She lives at ", "Elle habite ", "تسكن في "),
    "AGE": ("The girl, ", "La fille, ", "الفتاة، "),
}  # fmt: skip
TYPES = tuple(_BEFORE)
_LANGUAGES = ("en", "fr", "ar")


def identities(each: int, seed: int) -> Iterator[tuple[str, Identity]]:
    """Yield (language, identity): so many of each type and language, the same for the same seed."""
    draw = random.Random(seed)
    for kind, carriers in _BEFORE.items():
        for language, before in zip(_LANGUAGES, carriers, strict=True):
            for _ in range(each):
                yield language, Identity(kind, _MAKERS[kind](draw, language), before, _AFTER[language])


def _digits(draw: random.Random, count: int) -> str:
    return "".join(draw.choices("0123456789", k=count))


def _with_luhn(body: str) -> str:
    return next(body + digit for digit in "0123456789" if checksums.luhn(body + digit))


_BANKS = (
    ("SA", 24, ""), ("LB", 28, ""), ("JO", 30, "CBJO"), ("YE", 30, "CBYE"), ("EG", 29, ""), ("TR", 26, ""),
    ("AE", 23, ""), ("IQ", 23, "NBIQ"),
)  # fmt: skip


def _iban(draw: random.Random, _: str) -> str:
    country, length, bank = draw.choice(_BANKS)
    body = bank + _digits(draw, length - 4 - len(bank))
    check = 98 - int("".join(str(int(c, 36)) for c in f"{body}{country}00")) % 97
    whole = f"{country}{check:02}{body}"
    return draw.choice((whole, " ".join(whole[i : i + 4] for i in range(0, length, 4))))


def _card(draw: random.Random, _: str) -> str:
    number = _with_luhn("4" + _digits(draw, 14))
    return draw.choice((number, " ".join(number[i : i + 4] for i in range(0, 16, 4))))


def _phone(draw: random.Random, _: str) -> str:
    a, b = _digits(draw, 3), _digits(draw, 3)
    return draw.choice(
        (f"+961 3 {a} {b}", f"+962 79 {a} 1{b}", f"0096477{a}1{b}0", f"+90 532 {a} 45 67", f"010{a}{b}12")
    )


def _date(draw: random.Random, language: str) -> str:
    day, month, year = draw.randint(10, 28), draw.randint(1, 12), draw.randint(1960, 2015)
    names = {
        "en": ("January", "March", "May", "Ramadan"), "fr": ("janvier", "février", "août"),
        "ar": ("كانون الثاني", "آذار", "مارس", "يناير", "رمضان", "ذي الحجة"),
    }[language]  # fmt: skip
    return draw.choice(
        (
            f"{day}/{month:02}/{year}",
            f"{year}-{month:02}-{day}",
            f"{day}.{month}.{year}",
            f"{day} {draw.choice(names)} {year}",
        )
    )


def _national(draw: random.Random, _: str) -> str:
    return draw.choice(
        (f"298031201{_digits(draw, 5)}", f"1{_digits(draw, 11)}", f"9{_digits(draw, 9)}",
         f"784-1990-{_digits(draw, 7)}-1", f"35202-{_digits(draw, 7)}-3", _with_luhn("2" + _digits(draw, 8)),
         f"03{_digits(draw, 9)}",
         f"1401-0100-{_digits(draw, 5)}")
    )  # fmt: skip


def _case(draw: random.Random, _: str) -> str:
    return draw.choice(
        (f"{_digits(draw, 3)}-12C{_digits(draw, 5)}", f"LBN/2021/{_digits(draw, 5)}", f"JOR-{_digits(draw, 8)}",
         f"123-45-{_digits(draw, 5)}")
    )  # fmt: skip


def _passport(draw: random.Random, _: str) -> str:
    return f"{draw.choice(('RL', 'N', 'LR', 'A', 'P'))}{_digits(draw, 7)}"


def _plate(draw: random.Random, language: str) -> str:
    arabic: tuple[str, ...] = (f"أ ب ج {_digits(draw, 3)}4",) if language == "ar" else ()
    return draw.choice((f"34 ABC {_digits(draw, 2)}7", f"B {_digits(draw, 5)}7", f"21 A {_digits(draw, 4)}7", *arabic))


def _age(draw: random.Random, language: str) -> str:
    years = draw.randint(11, 60)
    shapes = {
        "en": (f"aged {years}", f"{years} years old", f"{years}-year-old"),
        "fr": (f"âgée de {years} ans", f"à l'âge de {years} ans"),
        "ar": (f"عمرها {years} عاما", f"تبلغ من العمر {years} سنة"),
    }
    return draw.choice(shapes[language])


def _address(draw: random.Random, language: str) -> str:
    number = draw.randint(10, 99)
    shapes: dict[str, tuple[str, ...]] = {
        "en": (f"{number} Cedar Street", f"P.O. Box {number}77"),
        "fr": (f"{number} rue Cedre", f"{number} avenue Olivier"),
        "ar": (f"شارع الزيتون {number}", f"بناية {number}"),
    }
    return draw.choice(shapes[language])


_MAKERS: dict[str, Callable[[random.Random, str], str]] = {
    "PHONE_NUMBER": _phone,
    "EMAIL_ADDRESS": lambda draw, _: f"{draw.choice(('nour', 'a.pe', 'lina_k'))}{_digits(draw, 3)}@example.org",
    "DATE_TIME": _date,
    "CASE_NUMBER": _case,
    "NATIONAL_ID": _national,
    "PASSPORT": _passport,
    "PLATE": _plate,
    "IBAN_CODE": _iban,
    "CREDIT_CARD": _card,
    "URL": lambda draw, _: draw.choice((f"https://jobs.example.com/{_digits(draw, 4)}", "www.example.net/a17")),
    "IP_ADDRESS": lambda draw, _: f"10.{draw.randint(10, 255)}.0.{draw.randint(10, 254)}",
    "HANDLE": lambda draw, _: draw.choice((f"@lina_k{_digits(draw, 3)}", f"t.me/nour{_digits(draw, 3)}")),
    "DEVICE_ID": lambda draw, _: _with_luhn("35" + _digits(draw, 12)),
    "COORDINATES": lambda draw, _: f"33.{_digits(draw, 5)}, 35.{_digits(draw, 5)}",
    "ADDRESS": _address,
    "AGE": _age,
}
