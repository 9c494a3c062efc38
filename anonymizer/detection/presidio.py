"""The analyzer: from a text to its findings, by Presidio recognisers of this project in English, French and Arabic.

Two engines run the same recognisers:
    - `values_by_prefilter` is ours and the one in use: a Hyperscan scan, then only the patterns that it saw.
    - `values_by_presidio` is Presidio's AnalyzerEngine, unaltered. Only tests and measurements call it: the property
      tests hold that both return equal values.

Called by: `anonymizer.sandbox.detector_process` (`Analyzer.findings`); `anonymizer.sandbox.detector_pool`,
`amana.commands.redact` and `amana.provisioning.inspection` for `language_of` and `refuse_unserved`.

A text is read so (`Analyzer.findings`):
    1. It is folded, and read in further ways if it holds look-alike letters, broken lines or overrides (`normalise`).
    2. In each reading the record's own identifiers are looked for.
    3. Patterns are matched in chunks that overlap, so that a value across a border is whole in one of them.
    4. The trained models read the whole text, for they use its context.
    5. Spans are mapped back to the text as it was given.

Invariants:
    - No network is used: the spaCy pipelines are blank, the models are package data, and no recogniser asks for a list
      of public suffixes.
    - A policy with an entity that no recogniser serves is refused (CFG-020).
    - A text that cannot be scanned in time is refused (CON-041); it is never returned as clean.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
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
_FRENCH_SHARE: Final = 12  # French if more than one word in twelve is one of these
_NAMED: Final = frozenset(spans.ENTITIES)
_SERVED: Final = recognisers.ENTITIES | _NAMED
_PROBES: Final = ("Rana told Karim.", "rana told karim 03123456")  # with and without capitals: a model for each

Value = tuple[int, int, str, float]
"""Start, end (characters, half open), type and score of a finding in a normalised text."""


class _BlankSpacy(nlp_engine.SpacyNlpEngine):
    """Blank spaCy pipelines, which only cut a text into tokens; Presidio would download trained ones."""

    def __init__(self) -> None:
        super().__init__(models=[{"lang_code": code, "model_name": f"blank_{code}"} for code in LANGUAGES])

    def load(self) -> None:
        """Make the pipelines."""
        self.nlp: Any = {code: spacy.blank(code) for code in LANGUAGES}


def language_of(text: str, tag: str | None = None) -> str:
    """Return the language to scan a text in: `tag` if it has recognisers, else a guess by script and common words."""
    if tag in LANGUAGES:
        return tag
    if len(_ARABIC.findall(text)) * 3 > len(text):  # over a third of all characters
        return "ar"
    words = text.lower().split()
    return "fr" if sum(w in _FRENCH_WORDS for w in words) * _FRENCH_SHARE > len(words) else "en"


def refuse_unserved(rules: TextRules, served: frozenset[str] = _SERVED) -> None:
    """Refuse text rules with an entity that none of `served` is.

    Raises:
        ConfigurationError: CFG-020, naming the first such entity.
    """
    # Presidio drops such an entity without a word as long as it serves another one (its issue 2256).
    for entity in rules.entities:
        if entity not in served:
            raise ConfigurationError("CFG-020", f"no recogniser serves the entity {entity}", field="text.entities")


class Analyzer:
    """The recognisers and trained models for the text rules of one policy.

    Raises:
        ConfigurationError: CFG-020, an entity without a recogniser; CFG-022, a region without telephone numbers;
            CFG-025, a language without a trained model.
    """

    def __init__(self, rules: TextRules) -> None:
        refuse_unserved(rules)
        self.rules = rules
        self._recognisers = {
            code: recognisers.build(rules.entities, rules.phone_regions, code, rules.timeout_seconds)
            for code in LANGUAGES
        }
        for of_language in self._recognisers.values():
            refuse_unserved(rules, _NAMED.union(*(recogniser.supported_entities for recogniser in of_language)))
        # The patterns are the same in all languages, so one prefilter serves them all.
        self._prefilter = prefilter.Prefilter([recogniser.hints for recogniser in self._recognisers[LANGUAGES[0]]])
        self._named = _NAMED.intersection(rules.entities)
        self._names = names.Readers(rules.names.model_dump()) if self._named else None
        self._presidio: presidio_analyzer.AnalyzerEngine | None = None

    def findings(self, text: str, tag: str | None = None, known: Mapping[str, str] | None = None) -> list[Finding]:
        """Find the policy's entities and the record's own identifiers in a text.

        Args:
            text: the text as it was given.
            tag: the language tag of the record.
            known: the record's own identifiers, field to value.

        Returns:
            Findings in ascending order, with spans of the text as it was given; they may overlap.

        Raises:
            ContractError: CON-040, longer than the policy allows; CON-041, a pattern ran out of time.
        """
        if len(text) > self.rules.max_characters:
            raise ContractError("CON-040", f"a text of {len(text)} characters, more than the policy scans")
        language = language_of(text, tag)
        findings: set[Finding] = set()
        try:
            for number, reading in enumerate(forms(text)):  # 1.
                further = number > 0
                findings.update(identifier_findings(reading, known) if known else ())  # 2.
                values = list(self._pattern_values(reading, language, further=further))  # 3.
                if self._names is not None:
                    values += [  # 4.
                        (start, end, kind, score)
                        for start, end, kind, score in self._names.find(reading.text, language)
                        if kind in self._named and (not further or reading.differs(start, end))
                    ]
                for start, end, kind, score in values:
                    findings.add(Finding(*reading.span(start, end), kind, score))  # 5.
        except TimeoutError:
            raise ContractError("CON-041", "a pattern ran out of time") from None
        return sorted(findings)

    def warm(self) -> None:
        """Load the models now instead of at the first text."""
        for language in LANGUAGES:
            for probe in _PROBES:
                self.findings(probe, language)

    def _pattern_values(self, reading: Normalised, language: str, *, further: bool) -> Iterator[Value]:
        """Yield the matches of patterns in the chunks of a reading; of a further one only where it differs."""
        size, overlap = self.rules.chunk_characters, self.rules.overlap_characters
        for offset in range(0, max(1, len(reading.text) - overlap), size - overlap):
            chunk = reading.text[offset : offset + size]
            if further and not reading.differs(offset, offset + len(chunk)):
                continue
            for start, end, kind, score in self.values_by_prefilter(chunk, language):
                yield start + offset, end + offset, kind, score

    def values_by_prefilter(self, text: str, language: str) -> list[Value]:
        """Return the matches of patterns in a normalised text, by our own engine."""
        of_language, least = self._recognisers[language], self.rules.score_threshold
        values = [
            (start, end, of_language[group].supported_entities[0], score)
            for group, hits in self._prefilter.hits(text).items()
            # Behind the rules comes the pattern of context words, which alone makes no finding.
            if min(hits) < len(of_language[group].rules)
            for start, end, score in of_language[group].find(text, hits)
            if score >= least
        ]
        return distinct(values) if values else values

    def values_by_presidio(self, text: str, language: str) -> list[Value]:
        """Return the matches of patterns in a normalised text, by Presidio's own engine, for comparison."""
        if self._presidio is None:
            every = [recogniser for of_language in self._recognisers.values() for recogniser in of_language]
            registry = presidio_analyzer.RecognizerRegistry(recognizers=every, supported_languages=list(LANGUAGES))
            self._presidio = presidio_analyzer.AnalyzerEngine(
                registry=registry, nlp_engine=_BlankSpacy(), supported_languages=list(LANGUAGES)
            )
        results = self._presidio.analyze(
            text,
            language,
            entities=[entity for entity in self.rules.entities if entity not in self._named],
            score_threshold=self.rules.score_threshold,
        )
        return sorted((r.start, r.end, r.entity_type, r.score) for r in results)


def distinct(values: Iterable[Value]) -> list[Value]:
    """Leave out every value that another one of the same type contains with at least the same score.

    Source: presidio_analyzer 2.2.366, `EntityRecognizer.remove_duplicates`, on plain values. Presidio compares every
    pair; sorted by type and start, with the outermost first, a value need only be compared with those still open.
    """
    kept: list[Value] = []
    open_values: list[Value] = []
    for value in sorted(set(values), key=lambda v: (v[2], v[0], -v[1], -v[3])):
        start, end, kind, score = value
        open_values = [other for other in open_values if other[2] == kind and other[1] >= start]
        if score and not any(other[1] >= end and other[3] >= score for other in open_values):
            open_values.append(value)
            kept.append(value)
    return sorted(kept)
