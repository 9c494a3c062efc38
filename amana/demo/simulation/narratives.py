"""Case texts in English, Arabic and French, of 200 to 600 characters, with identity strings planted in them.

Called by: `amana.demo.simulation.event_rows`.

Invariants:
- Every planted string is returned with its type, so that a test can search for it everywhere.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

from amana.demo.simulation import identities

__all__ = ["Planted", "Voice", "narrative"]

Planted = tuple[str, str]
"""Type of identity, and the string as it stands in the text."""

_SENTENCES: Final = {
    "en": (
        (
            "{name} was interviewed on {date} at the reception centre.",
            "On {date} a neighbour brought {name} to our office.",
        ),
        (
            "The employer kept the passport no. {passport} and locked the room at night.",
            "Wages were withheld for several months and food was given once a day.",
            "She was told the debt for the journey had to be worked off before any call home.",
            "The recruiter promised work in a shop; the work was eighteen hours a day in a house.",
        ),
        (
            "The family can be reached at {phone} in the evening.",
            "Please write to {email} before any visit.",
            "The recruiter used the page {url} to find others.",
            "Money was sent to the account {iban} every month.",
            "The national ID {id} was copied by the driver.",
        ),
        ("See also file no. {case} for the earlier report.", "The case worker will follow up within two weeks."),
    ),
    "ar": (
        (
            "تمت مقابلة {name} بتاريخ {date} في مركز الاستقبال.",
            "حضرت {name} إلى مكتبنا بتاريخ {date} برفقة إحدى الجارات.",
        ),
        (
            "احتفظ صاحب العمل بجواز السفر رقم {passport} وأقفل باب الغرفة ليلا.",
            "لم تدفع الأجور لعدة أشهر وكان الطعام يقدم مرة واحدة في اليوم.",
            "قيل لها إن دين الرحلة يجب أن يسدد بالعمل قبل أي اتصال بالأهل.",
            "وعد الوسيط بعمل في متجر ثم كان العمل ثماني عشرة ساعة في اليوم داخل منزل.",
        ),
        (
            "يمكن الاتصال بالعائلة على الرقم {phone} مساء.",
            "الرجاء المراسلة على {email} قبل أي زيارة.",
            "استخدم الوسيط الصفحة {url} للعثور على أخريات.",
            "كانت الأموال ترسل إلى الحساب {iban} كل شهر.",
            "نسخ السائق رقم الهوية {id} قبل السفر.",
        ),
        ("انظر أيضا الملف رقم {case} بشأن البلاغ السابق.", "سيتابع الباحث الاجتماعي الحالة خلال أسبوعين."),
    ),
    "fr": (
        (
            "{name} a été entendue le {date} au centre d'accueil.",
            "Le {date}, une voisine a accompagné {name} à notre bureau.",
        ),
        (
            "L'employeur gardait le passeport no {passport} et fermait la chambre la nuit.",
            "Les salaires n'ont pas été versés pendant plusieurs mois et un seul repas était donné par jour.",
            "On lui a dit que la dette du voyage devait être remboursée avant tout appel à la famille.",
            "Le recruteur promettait un emploi de vendeuse ; le travail durait dix-huit heures par jour.",
        ),
        (
            "La famille est joignable au {phone} le soir.",
            "Merci d'écrire à {email} avant toute visite.",
            "Le recruteur utilisait la page {url} pour en trouver d'autres.",
            "L'argent était envoyé chaque mois sur le compte {iban}.",
            "Le chauffeur a copié la carte d'identité {id} avant le départ.",
        ),
        ("Voir aussi le dossier no {case} pour le premier signalement.", "Un suivi est prévu dans deux semaines."),
    ),
}  # fmt: skip
_LEAST: Final = 200
_SHRINKS: Final = 12  # characters: a placeholder such as {passport} may be longer than its text
_PLACE: Final = re.compile(r"{(\w+)}")
_TYPES: Final = {
    "name": "PERSON", "date": "DATE_TIME", "passport": "PASSPORT", "phone": "PHONE_NUMBER", "email": "EMAIL_ADDRESS",
    "url": "URL", "iban": "IBAN_CODE", "id": "NATIONAL_ID", "case": "CASE_NUMBER",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Voice:
    """The author of a text, and the person it is about.

    Args:
        language: en, ar or fr.
        name: the person's name as the agency writes it.
        latin: the same name in Latin letters, for addresses and links.
        region: ISO 3166 alpha-2 code, for the shape of numbers.
        prefix: prefix of the agency's case numbers.
    """

    language: str
    name: str
    latin: str
    region: str
    prefix: str


_MAKERS: Final[dict[str, Callable[[Random, Voice], str]]] = {
    "name": lambda _, voice: voice.name,
    "date": lambda random, voice: identities.written_date(random, voice.language),
    "passport": lambda random, _: identities.passport(random),
    "phone": lambda random, voice: identities.phone(random, voice.region, voice.language),
    "email": lambda random, voice: identities.email(random, voice.latin),
    "url": lambda random, voice: identities.url(random, voice.latin),
    "iban": lambda random, voice: identities.iban(random, voice.region),
    "id": lambda random, voice: identities.national_id(random, voice.region),
    "case": lambda random, voice: identities.case_number(random, voice.prefix),
}


def narrative(random: Random, voice: Voice) -> tuple[str, list[Planted]]:
    """Return a text and the identities planted in it, in order; the same state of `random` gives the same text."""
    opening, body, contact, closing = _SENTENCES[voice.language]
    chosen = random.sample(body, 4)
    parts = [random.choice(opening), *chosen[:2], *random.sample(contact, 2), random.choice(closing)]
    planted: list[Planted] = []

    def _fill(place: re.Match[str]) -> str:
        text = _MAKERS[place[1]](random, voice)
        planted.append((_TYPES[place[1]], text))
        return text

    # Sentences have different lengths in the three languages: short texts get the sentences that were left over.
    while sum(map(len, parts)) + len(parts) < _LEAST + _SHRINKS:
        parts.insert(1, chosen[-1])
        chosen.pop()
    return _PLACE.sub(_fill, " ".join(parts)), planted
