"""Presidio's analyzer with our recognisers for English, French and Arabic, and the same findings by a faster way.

Decides which recognisers serve a policy, and refuses to start where an entity of the policy has none. Patterns read a
text in chunks, names read it whole. Touches no network: the language pipelines are blank, the trained models are
package data, and no recogniser asks for a suffix list.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Final

import presidio_analyzer
import spacy
from presidio_analyzer import nlp_engine

from anonymizer.detection import prefilter, recognisers
from anonymizer.microdata.normalise import Normalised, forms
from anonymizer.microdata.record_identifiers import identifier_findings
from anonymizer.microdata.redaction import Finding
from anonymizer.names import recogniser as names
from anonymizer.names import spans
from anonymizer.policy import TextRules
from schemas.errors import ConfigurationError, ContractError

__all__ = ["LANGUAGES", "Analyzer", "Value", "distinct", "language_of", "refuse_unserved"]

LANGUAGES: Final = ("en", "fr", "ar")
_FRENCH_WORDS: Final = frozenset(
    {"le", "la", "les", "des", "une", "et", "du", "est", "dans", "qui", "elle", "il", "été"}
)
_ARABIC: Final = re.compile("[\u0600-\u06ff]")
_FRENCH_SHARE: Final = 12
_NAMED: Final = frozenset(spans.ENTITIES)
_SERVED: Final = recognisers.ENTITIES | _NAMED
_PROBES: Final = ("Rana told Karim.", "rana told karim 03123456")

Value = tuple[int, int, str, float]
"""Start, end (characters, half open), type and score of a finding in a normalised text."""


class _BlankSpacy(nlp_engine.SpacyNlpEngine):
    """Blank pipelines: tokens alone, nothing to download."""

    def __init__(self) -> None:
        super().__init__(models=[{"lang_code": code, "model_name": f"blank_{code}"} for code in LANGUAGES])

    def load(self) -> None:
        self.nlp: Any = {code: spacy.blank(code) for code in LANGUAGES}


def language_of(text: str, tag: str | None = None) -> str:
    """Return the language to scan a text in: the record's tag, else by script, else by French's commonest words."""
    if tag in LANGUAGES:
        return tag
    if len(_ARABIC.findall(text)) * 3 > len(text):
        return "ar"
    words = text.lower().split()
    return "fr" if sum(w in _FRENCH_WORDS for w in words) * _FRENCH_SHARE > len(words) else "en"


def refuse_unserved(rules: TextRules, served: frozenset[str] = _SERVED) -> None:
    """Refuse a policy that asks for what no recogniser finds; Presidio would drop the entity in silence (#2256).

    Raises:
        ConfigurationError: CFG-020, naming the first such entity.
    """
    for entity in rules.entities:
        if entity not in served:
            raise ConfigurationError("CFG-020", f"no recogniser serves the entity {entity}", field="text.entities")


class Analyzer:
    """The recognisers of one policy's text rules."""

    def __init__(self, rules: TextRules) -> None:
        refuse_unserved(rules)
        self.rules = rules
        self._recognisers = {
            code: recognisers.build(rules.entities, rules.phone_regions, code, rules.timeout_seconds)
            for code in LANGUAGES
        }
        for made in self._recognisers.values():
            refuse_unserved(rules, _NAMED.union(*(one.supported_entities for one in made)))
        first = self._recognisers[LANGUAGES[0]]
        self._prefilter = prefilter.Prefilter([one.hints for one in first])
        self._named = _NAMED.intersection(rules.entities)
        self._names = names.Readers(rules.names.model_dump()) if self._named else None
        self._plain: presidio_analyzer.AnalyzerEngine | None = None

    def findings(self, text: str, tag: str | None = None, known: Mapping[str, str] | None = None) -> list[Finding]:
        """Find the policy's entities and the record's own identifiers in a text; spans of the text as given.

        Raises:
            ContractError: CON-040, longer than the policy allows; CON-041, a pattern ran out of time.
        """
        if len(text) > self.rules.max_characters:
            raise ContractError("CON-040", f"a text of {len(text)} characters, more than the policy scans")
        language = language_of(text, tag)
        found: set[Finding] = set()
        try:
            for place, reading in enumerate(forms(text)):
                found.update(identifier_findings(reading, known) if known else ())
                values = chain(self._patterns(reading, language, place), self._given(reading, language, place))
                found.update(Finding(*reading.span(start, end), kind, score) for start, end, kind, score in values)
        except TimeoutError:
            raise ContractError("CON-041", "a pattern ran out of time") from None
        return sorted(found)

    def warm(self) -> None:
        """Load what is loaded when first used, so that no text pays for it."""
        for language in LANGUAGES:
            for probe in _PROBES:
                self.findings(probe, language)

    def _patterns(self, reading: Normalised, language: str, place: int) -> Iterator[Value]:
        """Yield what patterns find in the chunks of a reading, of a further one where it shows anything new."""
        for offset, chunk in self._chunks(reading.text):
            if place and not reading.differs(offset, offset + len(chunk)):
                continue
            for start, end, kind, score in self.fast(chunk, language):
                yield start + offset, end + offset, kind, score

    def _given(self, reading: Normalised, language: str, place: int) -> Iterator[Value]:
        """Yield names and what else the trained recognisers give away, at their own thresholds, in a whole reading."""
        if self._names is None:
            return
        for start, end, kind, score in self._names.find(reading.text, language):
            if kind in self._named and (not place or reading.differs(start, end)):
                yield start, end, kind, score

    def fast(self, text: str, language: str) -> list[Value]:
        """Analyse a normalised text: one scan, then recognisers where it saw something; no tokens are made."""
        made, least = self._recognisers[language], self.rules.score_threshold
        found = [
            (start, end, made[group].supported_entities[0], score)
            for group, hits in self._prefilter.hits(text).items()
            if min(hits) < len(made[group].rules)  # else there is nothing but words of context
            for start, end, score in made[group].find(text, hits)
            if score >= least
        ]
        return distinct(found) if found else found

    def plain(self, text: str, language: str) -> list[Value]:
        """Analyse a normalised text for patterns with Presidio's own engine, unaltered: what `fast` must equal."""
        if self._plain is None:
            self._plain = self._engine()
        results = self._plain.analyze(
            text,
            language,
            entities=[one for one in self.rules.entities if one not in self._named],
            score_threshold=self.rules.score_threshold,
        )
        return _plain_values(results)

    def _engine(self) -> presidio_analyzer.AnalyzerEngine:
        every = [one for made in self._recognisers.values() for one in made]
        registry = presidio_analyzer.RecognizerRegistry(recognizers=every, supported_languages=list(LANGUAGES))
        return presidio_analyzer.AnalyzerEngine(
            registry=registry, nlp_engine=_BlankSpacy(), supported_languages=list(LANGUAGES)
        )

    def _chunks(self, text: str) -> Iterator[tuple[int, str]]:
        size, step = self.rules.chunk_characters, self.rules.chunk_characters - self.rules.overlap_characters
        for offset in range(0, max(1, len(text) - self.rules.overlap_characters), step):
            yield offset, text[offset : offset + size]


def distinct(found: Iterable[Value]) -> list[Value]:
    """Leave out what another finding of the same type contains with at least the same score.

    Source: presidio_analyzer 2.2.366, `EntityRecognizer.remove_duplicates`, on plain values.
    """
    kept: list[Value] = []
    active: list[Value] = []
    for value in sorted(set(found), key=_outermost):
        start, end, kind, score = value
        active = [other for other in active if other[2] == kind and other[1] >= start]
        if score and not any(other[1] >= end and other[3] >= score for other in active):
            active.append(value)
            kept.append(value)
    return sorted(kept)


def _outermost(value: Value) -> tuple[str, int, int, float]:
    start, end, kind, score = value
    return kind, start, -end, -score


def _plain_values(results: list[presidio_analyzer.RecognizerResult]) -> list[Value]:
    return sorted((r.start, r.end, r.entity_type, r.score) for r in results)
