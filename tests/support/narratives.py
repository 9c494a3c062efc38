"""Invented narratives in three languages with planted identifiers, and where they stand; seeded."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from anonymizer.detection import checksums

__all__ = ["Narrative", "narratives"]

_SENTENCES = {
    "en": (
        "The survivor was referred by a shelter and told the case worker that the employer kept her documents.",
        "She worked sixteen hours a day without pay for months and may not leave the house alone.",
        "The file was opened after a call; the interview took place in a quiet room with an interpreter.",
        "A recruiter promised a job in a restaurant, then asked for money and threatened the family.",
    ),
    "fr": (
        "La survivante a été orientée par un foyer et a dit que son employeur gardait ses papiers.",
        "Elle travaillait seize heures par jour sans salaire et ne pouvait pas sortir seule de la maison.",
        "Le dossier a été ouvert après un appel ; l'entretien a eu lieu avec une interprète.",
    ),
    "ar": (
        "أُحيلت الناجية من مأوى وقالت إن صاحب العمل احتفظ بوثائقها ومنعها من الخروج.",
        "كانت تعمل ست عشرة ساعة في اليوم دون أجر لعدة أشهر، ولم يُسمح لها بالاتصال بأهلها.",
        "فُتح الملف بعد مكالمة، وجرت المقابلة في غرفة هادئة بحضور مترجمة.",
    ),
}
_CARRIERS = {
    "PHONE_NUMBER": {"en": "Her phone is {}.", "fr": "Son téléphone : {}.", "ar": "رقم هاتفها {}."},
    "EMAIL_ADDRESS": {"en": "She wrote from {} later.", "fr": "Elle a écrit depuis {} ensuite.", "ar": "بريدها {}."},
    "DATE_TIME": {"en": "She was born on {} here.", "fr": "Elle est née le {} chez elle.", "ar": "وُلدت في {}."},
    "CASE_NUMBER": {"en": "The case number {} was given.", "fr": "Le dossier n° {} existe.", "ar": "ملف رقم {} موجود."},
    "NATIONAL_ID": {"en": "National id {} was seen.", "fr": "Carte d'identité {} vue.", "ar": "رقم الهوية {} مسجل."},
    "PASSPORT": {"en": "Passport {} was taken.", "fr": "Le passeport {} a été pris.", "ar": "جواز السفر {} محجوز."},
    "IBAN_CODE": {"en": "They made her pay {} yesterday.", "fr": "Compte {} payé hier.", "ar": "دفعت إلى {} أمس."},
    "URL": {"en": "The advert was at {} then.", "fr": "L'annonce : {} alors.", "ar": "كان الإعلان على {} حينها."},
    "IP_ADDRESS": {"en": "It came from {} again.", "fr": "Cela venait de {} encore.", "ar": "جاء من {} ثانية."},
    "CREDIT_CARD": {"en": "The card {} was used.", "fr": "La carte {} a servi.", "ar": "البطاقة {} استعملت."},
}  # fmt: skip
_MONTHS = {
    "en": ("January", "March", "May", "August", "December"),
    "fr": ("janvier", "mars", "février", "août", "décembre"),
    "ar": ("كانون الثاني", "آذار", "أيار", "مارس", "تشرين الأول"),
}


@dataclass(frozen=True, slots=True)
class Narrative:
    """A text, its language, and the planted values: (start, end, type)."""

    text: str
    language: str
    planted: tuple[tuple[int, int, str], ...]


def narratives(count: int, seed: int) -> Iterator[Narrative]:
    """Yield invented narratives, the same for the same seed."""
    draw = random.Random(seed)
    for _ in range(count):
        yield _narrative(draw, draw.choice(("en", "fr", "ar")))


def _narrative(draw: random.Random, language: str) -> Narrative:
    text, planted = "", []
    for kind in [None, *draw.sample(sorted(_CARRIERS), draw.randint(0, 3)), None]:
        if kind is None:
            text += draw.choice(_SENTENCES[language]) + " "
            continue
        value = _value(draw, kind, language)
        before, after = _CARRIERS[kind][language].split("{}")
        planted.append((len(text) + len(before), len(text) + len(before) + len(value), kind))
        text += before + value + after + " " + draw.choice(_SENTENCES[language]) + " "
    return Narrative(text.strip(), language, tuple(planted))


def _value(draw: random.Random, kind: str, language: str) -> str:
    made = _MAKERS[kind](draw) if kind != "DATE_TIME" else _date(draw, language)
    if language == "ar" and kind in {"PHONE_NUMBER", "DATE_TIME", "NATIONAL_ID"} and draw.random() < 0.5:
        return made.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
    return made


def _digits(draw: random.Random, count: int) -> str:
    return "".join(draw.choices("0123456789", k=count))


def _phone(draw: random.Random) -> str:
    local = _digits(draw, 6)
    return draw.choice(
        (f"+961 3 {local[:3]} {local[3:]}", f"03/{local}", f"+9627{_digits(draw, 8)}", f"0096470{_digits(draw, 8)}",
         f"010{_digits(draw, 8)}", f"+90 532 {local[:3]} {local[3:5]} {local[1:3]}")
    )  # fmt: skip


def _date(draw: random.Random, language: str) -> str:
    day, month, year = draw.randint(1, 28), draw.randint(1, 12), draw.randint(1960, 2015)
    named = f"{day} {draw.choice(_MONTHS[language])} {year}"
    return draw.choice((f"{day:02}/{month:02}/{year}", f"{year}-{month:02}-{day:02}", f"{day}.{month}.{year}", named))


def _iban(draw: random.Random) -> str:
    country, length = draw.choice((("SA", 24), ("TN", 24), ("LB", 28), ("JO", 30), ("IQ", 23), ("AE", 23)))
    bank = "ABCD" if country in {"JO", "IQ"} else ""
    body = bank + _digits(draw, length - 4 - len(bank))
    moved = "".join(str(int(c, 36)) for c in f"{body}{country}00")
    return f"{country}{98 - int(moved) % 97:02}{body}"


def _card(draw: random.Random) -> str:
    body = "4" + _digits(draw, 14)
    last = next(d for d in "0123456789" if checksums.luhn(body + d))
    return " ".join((body + last)[i : i + 4] for i in range(0, 16, 4))


def _email(draw: random.Random) -> str:
    return (
        f"{draw.choice(('nour', 'a.pe', 'lina_k'))}{_digits(draw, 3)}@{draw.choice(('example.org', 'm.example.com'))}"
    )


def _case(draw: random.Random) -> str:
    return draw.choice((f"{_digits(draw, 3)}-12C{_digits(draw, 5)}", f"LBN/2021/{_digits(draw, 5)}", "HT-2020-0471"))


def _identity(draw: random.Random) -> str:
    return draw.choice(
        (
            f"298031201{_digits(draw, 5)}",
            f"1{_digits(draw, 11)}",
            f"9{_digits(draw, 9)}",
            f"784-1990-{_digits(draw, 7)}-1",
        )
    )


def _url(draw: random.Random) -> str:
    return draw.choice(
        (f"https://jobs.example.com/{_digits(draw, 4)}", "www.example.net/a17", f"t.me/job{_digits(draw, 3)}")
    )


def _ip(draw: random.Random) -> str:
    return draw.choice((f"10.{draw.randint(0, 255)}.0.{draw.randint(1, 254)}", f"2001:db8::{draw.randint(1, 9999):x}"))


_MAKERS: dict[str, Callable[[random.Random], str]] = {
    "PHONE_NUMBER": _phone,
    "EMAIL_ADDRESS": _email,
    "CASE_NUMBER": _case,
    "NATIONAL_ID": _identity,
    "PASSPORT": lambda draw: f"{draw.choice(('RL', 'N', 'LR'))}{_digits(draw, 7)}",
    "IBAN_CODE": _iban,
    "URL": _url,
    "IP_ADDRESS": _ip,
    "CREDIT_CARD": _card,
}
