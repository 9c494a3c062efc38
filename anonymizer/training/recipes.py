"""The recipe of each shipped model: its corpora with their licences, its mix of documents, its settings.

Purpose: everything that decides a model except the arithmetic; `make` and `fit` carry it out.
Called by: `amana train`, `make` and `card`, which writes the corpora, the licence and the known failures into the card.

Invariants:
    - A model trained on a share-alike corpus has `share_alike`, and lies in a folder of its own.
    - A change of a recipe changes the model; train and measure again.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from anonymizer.names.features import Features
from anonymizer.names.languages import LANGUAGES
from anonymizer.training import augment
from anonymizer.training.corpora import KEEP, OUTSIDE, TYPES, LabelledText
from anonymizer.training.fit import FitSettings

__all__ = ["ORDER", "RECIPES", "Corpus", "Recipe"]

ORDER: Final = (OUTSIDE, KEEP, *TYPES, *(f"{part}-{kind}" for kind in TYPES for part in "BI"))
_SEED: Final = 20

Mix = Callable[[Mapping[str, Sequence[LabelledText]]], list[LabelledText]]


@dataclass(frozen=True, slots=True)
class Corpus:
    """A corpus: the name of its file without the ending, its licence, and the authors to credit."""

    name: str
    licence: str
    credit: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """The recipe of one model file.

    Attributes:
        model: name of the file.
        language: ISO 639-1.
        features: that the model is trained on.
        corpora: whose documents it is trained on.
        mix: returns the training documents of the first member, from documents by corpus.
        settings: of the training.
        licence: of the model.
        low: the held-out documents are lower-cased before they are measured.
        share_alike: the licence demands that the model is shared alike.
        begun: the first word of a name has a label of its own. Without capitals, as in Arabic, this keeps one in a
            hundred more words in clear at the same recall.
        others: the mixes of further members, each a style of text of its own.
        calm: for each member, what is added to its scores for clear words, so that one threshold suits all.
        misses: known failures that the figures do not show, in words.
    """

    model: str
    language: str
    features: Features
    corpora: tuple[Corpus, ...]
    mix: Mix
    settings: FitSettings
    licence: str
    low: bool = False
    share_alike: bool = False
    begun: bool = False
    others: tuple[Mix, ...] = ()
    calm: tuple[float, ...] = ()
    misses: str = ""


_TAB: Final = Corpus("en-tab-train", "MIT", "Text Anonymization Benchmark, Norsk Regnesentral")
_RE3D: Final = Corpus(
    "en-re3d-open", "CC BY 3.0 AU; OGL v3.0; US public domain", "re3d, Defence Science and Technology Laboratory"
)
_WIKIGOLD: Final = Corpus("en-wikigold", "CC BY 4.0", "Balasuriya, Ringland, Nothman, Murphy, Curran (2009)")
_ECHR_FR: Final = Corpus("fr-echr-90", "MIT", "Sierro (2024), anonymisation of case reports from the ECHR")
_ANERCORP: Final = Corpus("ar-anercorp-train", "CC BY-SA 4.0", "ANERcorp, Benajiba, Rosso, Benedí Ruiz (2007)")
_AQMAR: Final = Corpus("ar-aqmar-14", "CC BY-SA 3.0", "AQMAR, Mohit, Schneider, Bhowmick, Oflazer, Smith (2012)")
_WNUT: Final = Corpus("en-wnut17-train", "CC BY 4.0", "Derczynski, Nichols, van Erp, Limsopatham (2017)")
_ENGLISH: Final = (_TAB, _RE3D, _WIKIGOLD, _WNUT)


def _with_others_names(documents: Sequence[LabelledText]) -> list[LabelledText]:
    """Return documents, and every line of them that names somebody once more, with names of the region."""
    rng = random.Random(_SEED)  # noqa: S311 - augmentation, not secrecy
    return [*documents, *(augment.renamed(line, rng) for line in augment.lines_with_names(documents))]


def _court(documents: Mapping[str, Sequence[LabelledText]]) -> list[LabelledText]:
    """Return court files."""
    return _with_others_names(documents[_TAB.name])


def _reports(documents: Mapping[str, Sequence[LabelledText]]) -> list[LabelledText]:
    """Return reports from the region."""
    # Four times over: few texts alone make a model of small weights, unsure of everything.
    return _with_others_names(documents[_RE3D.name]) + [*documents[_RE3D.name]] * 3


def _web(documents: Mapping[str, Sequence[LabelledText]]) -> list[LabelledText]:
    """Return articles of an encyclopaedia."""
    return _with_others_names(documents[_WIKIGOLD.name])


def _any(documents: Mapping[str, Sequence[LabelledText]]) -> list[LabelledText]:
    """Return all English documents, posts included, for texts in a style that no other member knows."""
    return _with_others_names([document for corpus in _ENGLISH for document in documents[corpus.name]])


def _lower(mix: Mix) -> Mix:
    """Return a mix whose documents are lower-cased."""
    return lambda documents: [low for document in mix(documents) if (low := augment.lower(document)) is not None]


def _every(documents: Mapping[str, Sequence[LabelledText]]) -> list[LabelledText]:
    """Return all documents of a recipe's corpora, once."""
    return [document for corpus in documents.values() for document in corpus]


_SETTINGS: Final = FitSettings(c1=0.1, c2=0.05, iterations=70)
_SMOOTH: Final = FitSettings(c1=0.05, c2=1.0, iterations=60)  # weights this small leave the least sure names in reach
_ARABIC: Final = FitSettings(c1=0.05, c2=0.5, iterations=60)

_LICENCE: Final = "CC BY 4.0, with the corpora's own licences and credits"

_ENGLISH_MISSES: Final = (
    "What only the case makes telling (MISC: an offence, an object, a habit; DEM: a trade or a state of health in"
    " ordinary words), and short messages: telephone numbers, addresses and codes there are for the patterns to find."
)

RECIPES: Final = (
    Recipe(
        "en.bin",
        "en",
        LANGUAGES["en"].features,
        _ENGLISH,
        _court,
        _SETTINGS,
        _LICENCE,
        others=(_reports, _web, _any),
        calm=(-0.1875, 0.125, 0.0, 0.5),
        misses=_ENGLISH_MISSES,
    ),
    Recipe(
        "en-lower.bin",
        "en",
        LANGUAGES["en"].lower_features or LANGUAGES["en"].features,
        _ENGLISH,
        _lower(_court),
        _SETTINGS,
        _LICENCE,
        low=True,
        others=(_lower(_reports), _lower(_web), _lower(_any)),
        calm=(-0.25, 0.25, 0.5, 0.75),
        misses=_ENGLISH_MISSES,
    ),
    Recipe(
        "fr.bin",
        "fr",
        LANGUAGES["fr"].features,
        (_ECHR_FR,),
        _every,
        _SMOOTH,
        "MIT",
        misses="What only the case makes telling (MISC: an offence, an object, a membership), of which it finds one in"
        " seven; long names of courts and offices made of common words; numbers of people. Trained on court texts"
        " alone: nothing is known of interviews, messages or texts without capitals.",
    ),
    Recipe(
        "ar.bin",
        "ar",
        LANGUAGES["ar"].features,
        (_ANERCORP, _AQMAR),
        _every,
        _ARABIC,
        "CC BY-SA 4.0",
        share_alike=True,
        begun=True,
        misses="Names made of common words and standing without a title; foreign names of three letters; parts of long"
        " names of organisations. Trained on news and encyclopaedia articles in standard Arabic: nothing is known"
        " of dialects, of Arabic in Latin letters, or of handwritten spelling.",
    ),
)
