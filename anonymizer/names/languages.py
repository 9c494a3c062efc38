"""The languages that have a trained model, and the settings of each.

Purpose: the one table from which a reader, and the training of its models, learn a language.
Called by: `recogniser`, and `anonymizer.training` for the features.

To add a language: write its features, train a model (`amana train`), and add a row to `LANGUAGES`.

Invariants:
- The features of a language are those that its shipped models were trained on.
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
    """A language of the trained recognisers.

    Attributes:
        model: the model file, under `models`.
        features: the features that it was trained on.
        part: tells whether a word of a person's name is looked for alone in the rest of the text.
        lower: the model file for texts without capitals or all in capitals, None if one serves all texts.
        lower_features: the features of that model.
        weights: factor by which a type's probability counts, more than 1 for types that are missed most; 1 if absent.
        idle: words that identify nobody by themselves, such as articles and titles.
        ranks: ranks behind which a single capital letter is a shortened name; there is no full stop behind it.
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
    """Tell whether a word of a person's name is looked for alone in the rest of the text: rare, and no title."""
    low = form.lower()
    if len(form) < _SHORTEST or not form.isalpha() or lexicon.classes("people").get(low) == "title":
        return False
    return lexicon.commonness("en").get(low, "9") > _COMMON


# Types that are missed most count for more, those that are masked in vain for less.
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
