"""The catalogue of recognisers: the rules and context words of each entity type, the same for all three languages.

Called by: `presidio.Analyzer`, which builds the recognisers of a policy; `docs/reference/recognisers.md` shows the
catalogue, and a test holds the page to it.

Invariants:
    - Every pattern is linear: its repetitions are bounded, and a lookbehind anchors its start.
    - Every rule has an invented example that it finds, and names its specification or says that there is none.
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
"""The entity types that are found by rules of this table; telephone numbers have a recogniser of their own."""

_BY_ENTITY: Final = {subject.entity: subject for subject in SUBJECTS}

ENTITIES: Final = frozenset({*_BY_ENTITY, "PHONE_NUMBER"})
"""The entity types that have a recogniser here; those of names are in `anonymizer.names.spans`."""


def build(entities: Sequence[str], regions: Sequence[str], language: str, seconds: float) -> list[PatternRecogniser]:
    """Make the recognisers of some entity types for one language; an entity without one is left out.

    Args:
        entities: the entity types.
        regions: whose telephone numbers are looked for (ISO 3166-1 alpha-2).
        language: the language under which Presidio's engine asks for them; the rules are the same in all.
        seconds: time limit of one scan with one pattern.
    """
    recognisers: list[PatternRecogniser] = []
    for entity in entities:
        if entity == "PHONE_NUMBER":
            recognisers.append(phones.Phone(regions, language, seconds))
        elif entity in _BY_ENTITY:
            subject = _BY_ENTITY[entity]
            kind = Iban if subject is finance.IBAN else PatternRecogniser
            near = context(*subject.words) if subject.words else None
            recognisers.append(kind(subject.entity, subject.rules, near, language, seconds))
    return recognisers
