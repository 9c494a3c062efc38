"""The trained recognisers of names and the like, one for each language, with models that load when first used.

    readers = Readers({"en": 0.99})
    readers.find(normalised_text, "en")     # [(start, end, type, score), ...]

A text is read so (`LanguageReader`):
    1. It is cut into tokens.
    2. A model is chosen: texts without capitals, or all in capitals, have one of their own.
    3. The model returns the probabilities of labels.
    4. The rules of `spans` decide what is masked.

Called by: `anonymizer.detection.presidio` (`Analyzer`); `amana train` for the thresholds; `amana redact` and
`amana.composition.stages` for the hashes of the models; `anonymizer.training`, whose `make` and `card` measure with a
`LanguageReader`.

Invariants:
    - A language without a shipped model is refused at the start (CFG-025).
    - Only package data is read; no network is used.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from typing import Any, Final

from anonymizer.names import spans
from anonymizer.names.features import Features
from anonymizer.names.languages import LANGUAGES, Language
from anonymizer.names.model import Model
from anonymizer.names.tokens import tokenise
from anonymizer.names.weights import from_bytes
from schemas.errors import ConfigurationError

__all__ = ["THRESHOLDS", "LanguageReader", "Readers", "hashes"]

# Chosen on held-out texts; the nearer to 1, the more is masked.
THRESHOLDS: Final[Mapping[str, float]] = {"en": 0.99, "fr": 0.99, "ar": 0.9945}
# Models trained on share-alike corpora have a folder, and a licence, of their own.
_FOLDERS: Final = ("models", "models/share-alike")
_WORDS_A_CAPITAL: Final = 50

Loader = Callable[[str, Features], Model]


class LanguageReader:
    """The reader of one language.

    Args:
        language: its settings.
        least_clear: probability of being clear below which a word is masked.
        load: returns the model of a file name and features; the shipped ones if None.
    """

    def __init__(self, language: Language, least_clear: float, load: Loader | None = None) -> None:
        self._language = language
        self._least_clear = least_clear
        self._load = load or _shipped
        self._models: dict[str, Model] = {}

    def find(self, text: str) -> list[spans.MaskedSpan]:
        """Return the masked spans of a whole normalised text."""
        return self.find_all([text])[0]

    def find_all(self, texts: Sequence[str]) -> list[list[spans.MaskedSpan]]:
        """Return the masked spans of several whole normalised texts; together they take less time than one by one."""
        tokens_of = [tokenise(text) for text in texts]  # 1.
        groups: dict[Model, list[int]] = {}
        for number, tokens in enumerate(tokens_of):
            groups.setdefault(self._model(tokens.forms), []).append(number)  # 2.
        spans_of: list[list[spans.MaskedSpan]] = [[] for _ in texts]
        for model, numbers in groups.items():
            by_text = model.probabilities_of([tokens_of[number].forms for number in numbers])  # 3.
            for number, probabilities in zip(numbers, by_text, strict=True):
                tokens = tokens_of[number]
                # 4. The rules of masking, in the order that `spans` gives.
                masks = spans.threshold(probabilities, model.labels, self._least_clear, self._language.weights)
                spans.unmask_idle(tokens.forms, masks, self._language.idle)
                spans.mask_initials(tokens.forms, masks, self._language.ranks)
                spans.propagate(tokens.forms, masks, part=self._language.part)
                spans_of[number] = spans.spans(texts[number], tokens, masks)
        return spans_of

    def _model(self, forms: Sequence[str]) -> Model:
        """Return the model for a text, loaded if it is not yet."""
        language = self._language
        name, features = language.model, language.features
        if language.lower is not None and language.lower_features is not None:
            # Capitals mean something in a text if there is more than one capitalised word to fifty others, and more
            # than one other to ten of them.
            upper = sum([form[0].isupper() for form in forms])
            lower = sum([form[0].islower() for form in forms])
            if upper * _WORDS_A_CAPITAL <= lower or lower * 10 <= upper:
                name, features = language.lower, language.lower_features
        if name not in self._models:
            self._models[name] = self._load(name, features)
        return self._models[name]


class Readers:
    """The readers of several languages.

    Args:
        thresholds: language to the probability of being clear below which a word is masked.

    Raises:
        ConfigurationError: CFG-025, a language has no shipped model.
    """

    def __init__(self, thresholds: Mapping[str, float] = THRESHOLDS) -> None:
        for language in thresholds:
            if language not in LANGUAGES or _path(LANGUAGES[language].model) is None:
                raise ConfigurationError("CFG-025", f"no trained model serves the language {language}")
        self._thresholds = dict(thresholds)
        self._readers: dict[str, LanguageReader] = {}

    def find(self, text: str, language: str) -> list[spans.MaskedSpan]:
        """Return the masked spans of a whole normalised text."""
        return self.find_all([text], language)[0]

    def find_all(self, texts: Sequence[str], language: str) -> list[list[spans.MaskedSpan]]:
        """Return the masked spans of several whole normalised texts of one language."""
        if language not in self._readers:
            self._readers[language] = LanguageReader(LANGUAGES[language], self._thresholds[language])
        return self._readers[language].find_all(texts)


def hashes() -> dict[str, str]:
    """Return the SHA-256 over the shipped model files of each language, in hexadecimal."""
    by_language = {}
    for code, language in LANGUAGES.items():
        paths = [path for name in (language.model, language.lower) if name and (path := _path(name))]
        by_language[code] = hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()
    return by_language


def _path(name: str) -> Any:  # noqa: ANN401 - a resource, in a folder or a wheel
    """Return the path of a model file, None if it is not shipped."""
    package = resources.files(__package__)
    paths = (package.joinpath(folder, name) for folder in _FOLDERS)
    return next((path for path in paths if path.is_file()), None)


def _shipped(name: str, features: Features) -> Model:
    """Load a shipped model."""
    path = _path(name)
    if path is None:
        raise ConfigurationError("CFG-025", f"the model {name} is not shipped")
    return Model(from_bytes(path.read_bytes()), features)
