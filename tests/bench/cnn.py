"""Naive Presidio with a small spaCy CNN behind it, trained here on invented texts, so that it runs for real.

Its size is that of spaCy's own small models: tok2vec of width 96 and depth 4. Speed is measured, not what it finds.
"""

import random
import time
from typing import Any

import presidio_analyzer
import spacy
from presidio_analyzer import nlp_engine
from spacy.training import Example

from anonymizer.detection.presidio import LANGUAGES
from tests.support.narratives import narratives

__all__ = ["engine"]

_EMBED = {
    "@architectures": "spacy.MultiHashEmbed.v2", "width": 96, "attrs": ["NORM", "PREFIX", "SUFFIX", "SHAPE"],
    "rows": [5000, 1000, 2500, 2500], "include_static_vectors": False,
}  # fmt: skip
_ENCODE = {
    "@architectures": "spacy.MaxoutWindowEncoder.v2", "width": 96, "depth": 4, "window_size": 1, "maxout_pieces": 3,
}  # fmt: skip
_MODEL = {
    "@architectures": "spacy.TransitionBasedParser.v2", "state_type": "ner", "extra_state_tokens": False,
    "hidden_width": 64, "maxout_pieces": 2, "use_upper": True, "nO": None,
    "tok2vec": {"@architectures": "spacy.Tok2Vec.v2", "embed": _EMBED, "encode": _ENCODE},
}  # fmt: skip
_BATCH = 32


class _Trained(nlp_engine.SpacyNlpEngine):
    """One trained pipeline for every language."""

    def __init__(self, trained: Any) -> None:  # noqa: ANN401 - a spaCy pipeline
        super().__init__(models=[{"lang_code": code, "model_name": "trained"} for code in LANGUAGES])
        self.nlp: Any = dict.fromkeys(LANGUAGES, trained)

    def load(self) -> None:
        """Do nothing: the pipeline is there."""


def engine(recognisers: list[Any], seconds: float = 40.0) -> presidio_analyzer.AnalyzerEngine:
    """Return Presidio's engine with these recognisers and a recogniser of names that was trained for `seconds`."""
    spoken = [presidio_analyzer.predefined_recognizers.SpacyRecognizer(supported_language=code) for code in LANGUAGES]
    registry = presidio_analyzer.RecognizerRegistry(
        recognizers=[*recognisers, *spoken], supported_languages=list(LANGUAGES)
    )
    return presidio_analyzer.AnalyzerEngine(
        registry=registry, nlp_engine=_Trained(_train(seconds)), supported_languages=list(LANGUAGES)
    )


def _train(seconds: float) -> Any:  # noqa: ANN401 - a spaCy pipeline
    nlp = spacy.blank("xx")
    nlp.add_pipe("ner", config={"model": _MODEL})
    examples = []
    for told in narratives(600, seed=41):
        doc = nlp.make_doc(told.text)
        spans = [span for a, b, kind in told.planted if (span := doc.char_span(a, b, kind)) is not None]
        examples.append(Example.from_dict(doc, {"entities": [(s.start_char, s.end_char, s.label_) for s in spans]}))
    nlp.initialize(lambda: examples)
    until, draw = time.process_time() + seconds, random.Random(0)
    while time.process_time() < until:
        nlp.update(draw.sample(examples, _BATCH), drop=0.2)
    return nlp
