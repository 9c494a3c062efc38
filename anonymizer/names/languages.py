"""The languages that have a trained model, and what each brings besides its features.

Decides which model file is read with which features, and which words of a name are looked for on their own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from anonymizer.names import features_ar, features_en, features_fr, lexicon
from anonymizer.names.features import Features

__all__ = ["LANGUAGES", "Language"]

_COMMON: Final = "2"
_SHORTEST: Final = 3


@dataclass(frozen=True, slots=True)
class Language:
    """`model` is a file under `models`; `lower` serves texts without capitals, or all in capitals, where given.

    `part(form)` says whether a word of a person's name is looked for alone in the rest of the text. `weights` are the
    types that count for more than others when a probability is held against the threshold, as they are missed most.
    `idle` are the words that give nobody away by themselves: closed classes, and titles. `ranks` are those before whose
    holders' names, shortened to one letter, a text has no full stop.
    """

    model: str
    features: Features
    part: Callable[[str], bool]
    lower: str | None = None
    lower_features: Features | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    idle: frozenset[str] = frozenset()
    ranks: frozenset[str] = frozenset()


def _english_part(form: str) -> bool:
    low = form.lower()
    if len(form) < _SHORTEST or not form.isalpha() or lexicon.classes("people").get(low) == "title":
        return False
    return lexicon.commonness("en").get(low, "9") > _COMMON


_ENGLISH_WEIGHTS: Final = MappingProxyType({"DEM": 2.0, "QUANTITY": 3.0, "MISC": 2.0, "ORG": 0.5, "DATETIME": 0.5})
_ARABIC_WEIGHTS: Final = MappingProxyType({"PERSON": 1.5, "LOC": 0.5, "MISC": 0.5})
LANGUAGES: Final[Mapping[str, Language]] = MappingProxyType(
    {
        "en": Language(
            "en.bin",
            features_en.CASED,
            _english_part,
            "en-lower.bin",
            features_en.LOWER,
            _ENGLISH_WEIGHTS,
            lexicon.words("en_idle"),
        ),
        "fr": Language("fr.bin", features_fr.FEATURES, features_fr.part, ranks=lexicon.words("fr_ranks")),
        "ar": Language("ar.bin", features_ar.FEATURES, features_ar.part, weights=_ARABIC_WEIGHTS),
    }
)
