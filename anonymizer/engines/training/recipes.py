"""What each shipped model is trained on, and how: the only place that says so.

Decides corpora, their licences, copies and settings per model. Trains nothing.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from anonymizer.engines.names.features import Features
from anonymizer.engines.names.languages import LANGUAGES, Language
from anonymizer.engines.training import augment
from anonymizer.engines.training.corpora import KEEP, OUTSIDE, TYPES, Document
from anonymizer.engines.training.fit import Settings

__all__ = ["ORDER", "RECIPES", "Corpus", "Recipe"]

ORDER: Final = (OUTSIDE, KEEP, *TYPES, *(f"{part}-{kind}" for kind in TYPES for part in "BI"))
_SEED: Final = 20


@dataclass(frozen=True, slots=True)
class Corpus:
    """A corpus file's name without its ending, its licence, and whose it is."""

    name: str
    licence: str
    credit: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """One model file: `mix` turns documents by corpus into what is trained on; `low` lower-cases what is tested.

    `begun` gives the first word of a name a label of its own: where no capital shows a name, it keeps a hundredth more
    of the words at the same recall.
    """

    model: str
    language: str
    features: Features
    corpora: tuple[Corpus, ...]
    mix: Callable[[Mapping[str, Sequence[Document]]], list[Document]]
    settings: Settings
    licence: str
    low: bool = False
    share_alike: bool = False
    begun: bool = False


_TAB: Final = Corpus("en-tab-train", "MIT", "Text Anonymization Benchmark, Norsk Regnesentral")
_RE3D: Final = Corpus(
    "en-re3d-open", "CC BY 3.0 AU; OGL v3.0; US public domain", "re3d, Defence Science and Technology Laboratory"
)
_WIKIGOLD: Final = Corpus("en-wikigold", "CC BY 4.0", "Balasuriya, Ringland, Nothman, Murphy, Curran (2009)")
_WNUT: Final = Corpus("en-wnut17-train", "CC BY 4.0", "Derczynski, Nichols, van Erp, Limsopatham (2017)")
_ECHR_FR: Final = Corpus("fr-echr-90", "MIT", "Sierro (2024), anonymisation of case reports from the ECHR")
_ANERCORP: Final = Corpus("ar-anercorp-train", "CC BY-SA 4.0", "ANERcorp, Benajiba, Rosso, Benedí Ruiz (2007)")
_AQMAR: Final = Corpus("ar-aqmar-14", "CC BY-SA 3.0", "AQMAR, Mohit, Schneider, Bhowmick, Oflazer, Smith (2012)")
_ENGLISH: Final = (_TAB, _RE3D, _WIKIGOLD, _WNUT)


def _english(documents: Mapping[str, Sequence[Document]]) -> list[Document]:
    """Everything, and every line that names somebody once more, naming somebody of the region."""
    rng = random.Random(_SEED)  # noqa: S311 - augmentation, not secrecy
    every = [document for corpus in _ENGLISH for document in documents[corpus.name]]
    return every + [augment.renamed(line, rng) for line in augment.lines_with_names(every)]


def _english_lower(documents: Mapping[str, Sequence[Document]]) -> list[Document]:
    return [low for document in _english(documents) if (low := augment.lower(document)) is not None]


def _every(documents: Mapping[str, Sequence[Document]]) -> list[Document]:
    return [document for corpus in documents.values() for document in corpus]


def _of(language: str) -> Language:
    return LANGUAGES[language]


_SETTINGS: Final = Settings(iterations=80)
_SMOOTH: Final = Settings(c1=0.05, c2=1.0, iterations=60)  # weights this small leave the least sure names in reach
_ARABIC: Final = Settings(c1=0.05, c2=0.5, iterations=60)

RECIPES: Final = (
    Recipe("en.bin", "en", _of("en").features, _ENGLISH, _english, _SETTINGS, "CC BY 4.0 and the corpora's licences"),
    Recipe(
        "en-lower.bin",
        "en",
        _of("en").lower_features or _of("en").features,
        _ENGLISH,
        _english_lower,
        _SETTINGS,
        "CC BY 4.0 and the corpora's licences",
        low=True,
    ),
    Recipe("fr.bin", "fr", _of("fr").features, (_ECHR_FR,), _every, _SMOOTH, "MIT"),
    Recipe(
        "ar.bin",
        "ar",
        _of("ar").features,
        (_ANERCORP, _AQMAR),
        _every,
        _ARABIC,
        "CC BY-SA 4.0",
        share_alike=True,
        begun=True,
    ),
)
