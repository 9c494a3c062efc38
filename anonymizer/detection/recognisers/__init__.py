"""The catalogue of recognisers: entity type → rules and context words, one table for all three languages.

Decides which shapes are looked for. What has no public specification is matched by shape plus context, and says so.
Every pattern is linear: its repetitions are bounded and its start is anchored by a lookbehind.
"""

from collections.abc import Sequence
from typing import Final

from anonymizer.detection import dates, phones
from anonymizer.detection.pattern_recogniser import PatternRecogniser, Subject, context
from anonymizer.detection.recognisers import contact, finance, identity, people, place, travel
from anonymizer.detection.recognisers.finance import Iban

__all__ = ["ENTITIES", "SUBJECTS", "Iban", "build"]

SUBJECTS: Final[Sequence[Subject]] = (
    contact.EMAIL,
    contact.URL,
    contact.IP,
    contact.HANDLE,
    contact.DEVICE,
    Subject("DATE_TIME", dates.RULES),
    people.CASE,
    people.AGE,
    identity.NATIONAL,
    travel.PASSPORT,
    travel.PLATE,
    finance.CARD,
    finance.IBAN,
    place.COORDINATES,
    place.ADDRESS,
)
"""All that is found by rules of this table; telephone numbers are found by `anonymizer.detection.phones`."""

_BY_ENTITY: Final = {subject.entity: subject for subject in SUBJECTS}

ENTITIES: Final = frozenset({*_BY_ENTITY, "PHONE_NUMBER"})
"""Every entity type that some recogniser serves."""


def build(entities: Sequence[str], regions: Sequence[str], language: str, seconds: float) -> list[PatternRecogniser]:
    """Make the recognisers of the wanted entities for one language; entities that none serves are left out."""
    made: list[PatternRecogniser] = []
    for entity in entities:
        if entity == "PHONE_NUMBER":
            made.append(phones.Phone(regions, language, seconds))
        elif entity in _BY_ENTITY:
            made.append(_made(_BY_ENTITY[entity], language, seconds))
    return made


def _made(subject: Subject, language: str, seconds: float) -> PatternRecogniser:
    kind = Iban if subject is finance.IBAN else PatternRecogniser
    near = context(*subject.words) if subject.words else None
    return kind(subject.entity, subject.rules, near, language, seconds)
