"""The trained recognisers behind Presidio's interface, one per language, loaded when first asked.

Decides which model reads a text: texts without capitals have one of their own. A language without a shipped model is
refused at the start. Reads package data only; touches no network.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import resources
from typing import Any, Final

import numpy as np
import presidio_analyzer
from numpy.typing import NDArray

from anonymizer.names import spans
from anonymizer.names.features import Features
from anonymizer.names.languages import LANGUAGES, Language
from anonymizer.names.model import Model
from anonymizer.names.tokens import Tokens, tokenise
from anonymizer.names.weights import from_bytes
from schemas.errors import ConfigurationError

__all__ = ["THRESHOLDS", "LanguageReader", "NameRecogniser", "Readers", "hashes"]

THRESHOLDS: Final[Mapping[str, float]] = {"en": 0.99, "fr": 0.99, "ar": 0.9945}
_FOLDERS: Final = ("models", "models/share-alike")
_FEW: Final = 50

Loader = Callable[[str, Features], Model]


class LanguageReader:
    """One language's models at work; `least_clear` is the probability below which a word is masked.

    `load` gives the model of a file name and features: the shipped ones unless said otherwise.
    """

    def __init__(self, language: Language, least_clear: float, load: Loader | None = None) -> None:
        self._language = language
        self._least_clear = least_clear
        self._load = load or _shipped
        self._models: dict[str, Model] = {}

    def find(self, text: str) -> list[spans.Found]:
        """Find names and other give-aways in a whole normalised text: start, end, type, score."""
        return self.find_all([text])[0]

    def find_all(self, texts: Sequence[str]) -> list[list[spans.Found]]:
        """Find in several texts, each for itself; the many cost less than one by one."""
        read = [tokenise(text) for text in texts]
        groups: dict[Model, list[int]] = {}
        for number, tokens in enumerate(read):
            groups.setdefault(self._model(tokens.forms), []).append(number)
        found: list[list[spans.Found]] = [[] for _ in texts]
        for model, numbers in groups.items():
            labelled = model.probabilities_of([read[number].forms for number in numbers])
            for number, probabilities in zip(numbers, labelled, strict=True):
                found[number] = self._spans(texts[number], read[number], model, probabilities)
        return found

    def _spans(self, text: str, tokens: Tokens, model: Model, probabilities: NDArray[np.float64]) -> list[spans.Found]:
        marks = spans.threshold(probabilities, model.labels, self._least_clear, self._language.weights)
        spans.spare(tokens.forms, marks, self._language.idle)
        spans.introduce(tokens.forms, marks, self._language.ranks)
        spans.propagate(tokens.forms, marks, part=self._language.part)
        return spans.spans(text, tokens, marks)

    def _model(self, forms: Sequence[str]) -> Model:
        language = self._language
        name, features = language.model, language.features
        if language.lower is not None and language.lower_features is not None and not _has_cases(forms):
            name, features = language.lower, language.lower_features
        if name not in self._models:
            self._models[name] = self._load(name, features)
        return self._models[name]


class Readers:
    """The languages of a pipeline, each loaded when first asked.

    Raises:
        ConfigurationError: CFG-025, a language has no shipped model.
    """

    def __init__(self, thresholds: Mapping[str, float] = THRESHOLDS) -> None:
        for language in thresholds:
            if language not in LANGUAGES or _path(LANGUAGES[language].model) is None:
                raise ConfigurationError("CFG-025", f"no trained model serves the language {language}")
        self._thresholds = dict(thresholds)
        self._readers: dict[str, LanguageReader] = {}

    def find(self, text: str, language: str) -> list[spans.Found]:
        """Find names and other give-aways in a whole normalised text: start, end, type, score."""
        return self.find_all([text], language)[0]

    def find_all(self, texts: Sequence[str], language: str) -> list[list[spans.Found]]:
        """Find in several whole normalised texts of one language; the many cost less than one by one."""
        if language not in self._readers:
            self._readers[language] = LanguageReader(LANGUAGES[language], self._thresholds[language])
        return self._readers[language].find_all(texts)


def hashes() -> dict[str, str]:
    """Return the SHA-256 over the shipped model files of each language, hexadecimal."""
    found = {}
    for code, language in LANGUAGES.items():
        paths = [path for name in (language.model, language.lower) if name and (path := _path(name))]
        found[code] = hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()
    return found


class NameRecogniser(presidio_analyzer.EntityRecognizer):
    """A language's reader as one of Presidio's recognisers.

    Raises:
        ConfigurationError: CFG-025, the language has no shipped model.
    """

    def __init__(self, language: str = "en", least_clear: float | None = None) -> None:
        self._readers = Readers({language: THRESHOLDS[language] if least_clear is None else least_clear})
        super().__init__(supported_entities=list(spans.ENTITIES), name="NameRecogniser", supported_language=language)

    def load(self) -> None:
        """Do nothing: models load when first asked."""

    def analyze(
        self,
        text: str,
        entities: Iterable[str],
        nlp_artifacts: Any = None,  # noqa: ANN401, ARG002 - Presidio's interface
    ) -> list[presidio_analyzer.RecognizerResult]:
        """Find the asked entities in a whole normalised text."""
        wanted = set(entities)
        return [
            presidio_analyzer.RecognizerResult(kind, start, end, score)
            for start, end, kind, score in self.find(text, self.supported_language)
            if kind in wanted
        ]

    def find(self, text: str, language: str) -> list[spans.Found]:
        """Find names and other give-aways in a whole normalised text: start, end, type, score."""
        return self._readers.find(text, language)


def _has_cases(forms: Sequence[str]) -> bool:
    """Tell whether capitals say anything: more than one word in fifty has one, and more than one in ten has none."""
    upper = sum([form[0].isupper() for form in forms])
    lower = sum([form[0].islower() for form in forms])
    return upper * _FEW > lower and lower * 10 > upper


def _path(name: str) -> Any:  # noqa: ANN401 - a resource, in a folder or a wheel
    package = resources.files(__package__)
    found = (package.joinpath(folder, name) for folder in _FOLDERS)
    return next((path for path in found if path.is_file()), None)


def _shipped(name: str, features: Features) -> Model:
    path = _path(name)
    if path is None:
        raise ConfigurationError("CFG-025", f"the model {name} is not shipped")
    return Model(from_bytes(path.read_bytes()), features)
