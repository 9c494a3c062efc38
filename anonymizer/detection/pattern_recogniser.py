"""A recogniser of one entity type: linear patterns, an optional check of the value, and context words before it.

A value is scored in three steps:
    1. A pattern matches, with the score of its rule.
    2. The rule's check, such as a check digit, may replace the score or drop the match.
    3. A context word in the 48 characters before the value, in any of the three languages, adds 0.35 to the score.

Both engines of `Analyzer` run recognisers: ours calls `find`, Presidio's calls `analyze`, which wraps what `find`
yields.

Called by: `recognisers`, whose modules give rules and whose `build` makes the recognisers; the subclasses are in
`dates`, `phones` and `recognisers.finance`.

Invariants:
    - A pattern that runs out of time raises TimeoutError; the text is then refused.
    - Texts are normalised before they come here. No pattern is defined here.
"""

import bisect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import presidio_analyzer
import regex  # type: ignore[import-untyped]  # ships no type information

from anonymizer.detection import match_windows
from anonymizer.microdata.normalise import normalise

__all__ = [
    "END",
    "START",
    "Check",
    "Context",
    "Fired",
    "PatternRecogniser",
    "PatternRule",
    "Span",
    "Subject",
    "context",
]

START: Final = r"(?<![A-Z0-9_])"
"""A value begins here; an Arabic letter may stand before it, as its one-letter words do."""

END: Final = r"(?![A-Z0-9_])"
"""A value ends here."""

Span = tuple[int, int, float]
"""Start, end (characters, half open) and score."""

Check = Callable[[str], float | None]
"""The score of a matched value: a float replaces the rule's, None keeps it, 0 drops the match."""

Context = Any
"""A compiled pattern of context words, or None; `regex` has no types."""

Fired = Mapping[int, Sequence[int]] | None
"""What the prefilter saw: index of a rule to the ends of its possible matches (characters, ascending).

The index after the last rule is that of the context words. None means that no prefilter ran, so every rule may match.
"""

FLAGS: Final = regex.DOTALL | regex.MULTILINE | regex.IGNORECASE
_CONTEXT_CHARACTERS: Final = 48
_BOOST: Final = 0.35  # as in Presidio's own context enhancer


@dataclass(frozen=True, slots=True)
class PatternRule:
    """One pattern with its base score and, where the value carries one, its check.

    Attributes:
        name: the name in `docs/reference/recognisers.md`.
        regex: the pattern; a group named `value` marks the value if the match holds more than it.
        score: between 0 and 1; replaced by the check, raised by context words.
        check: scores a matched value.
        hint: a cheaper pattern for the prefilter; wherever `regex` matches, `hint` must match within it.
        example: an invented value that the rule finds.
        where: the countries, ISO 3166-1 alpha-2; empty for everywhere.
        source: the specification, or a statement that there is none.
    """

    name: str
    regex: str
    score: float
    check: Check | None = None
    hint: str | None = None
    example: str = ""
    where: str = ""
    source: str = "shape"


@dataclass(frozen=True, slots=True)
class Subject:
    """The rules of one entity type, and the context words that raise the score of its values."""

    entity: str
    rules: Sequence[PatternRule]
    words: tuple[str, ...] = ()


def context(*words: str) -> Context:
    """Compile context words for search before a match; each is a pattern of how a word begins, in any spelling."""
    folded = (normalise(word).text for word in words)
    # Arabic writes and, then, with, like, to and the article onto the word that follows.
    return regex.compile("|".join(rf"(?<!\w)(?:[وفبك]?ال|لل|[وفبلك])?{word}" for word in folded), FLAGS)


class PatternRecogniser(presidio_analyzer.PatternRecognizer):
    """A Presidio pattern recogniser whose `find` yields plain spans.

    Args:
        entity: the entity type.
        rules: its rules, in the order of the prefilter's group.
        near: compiled context words, or None.
        language: the language under which Presidio's engine asks for it.
        seconds: time limit of one scan with one pattern.

    Attributes:
        hints: the patterns for the prefilter: one for each rule, and last that of the context words.
        rules: compiled pattern, score and check of each rule.
    """

    def __init__(self, entity: str, rules: Sequence[PatternRule], near: Context, language: str, seconds: float) -> None:
        super().__init__(
            supported_entity=entity,
            supported_language=language,
            patterns=[presidio_analyzer.Pattern(r.name, r.regex, r.score) for r in rules],
            global_regex_flags=FLAGS,
            name=(title := f"Amana{entity.title().replace('_', '')}"),
        )
        self.title = title
        self.near = near
        self.seconds = seconds
        self.hints = [r.hint or r.regex for r in rules]
        if near is not None:
            self.hints.append(near.pattern)
        self.reaches = [match_windows.reach(r.regex) for r in rules]
        self.rules = tuple((regex.compile(r.regex, FLAGS), r.score, r.check) for r in rules)

    def find(self, text: str, fired: Fired = None) -> Iterator[Span]:
        """Yield the values in a normalised text, overlapping ones included; `fired` tells which rules can match.

        Raises:
            TimeoutError: a pattern took longer than the policy allows.
        """
        for index, (pattern, base, check) in enumerate(self.rules):
            # 1. Match the pattern.
            if fired is None:
                matches = pattern.finditer(text, timeout=self.seconds)
            elif index in fired:
                matches = match_windows.matches(pattern, text, fired[index], self.reaches[index], self.seconds)
            else:
                continue
            for match in matches:
                start, end = match.span("value") if "value" in pattern.groupindex else match.span()
                # 2. Check the value.
                checked = check(text[start:end]) if check else None
                score = base if checked is None else checked
                if score:
                    yield start, end, self.boosted(text, start, score, fired)  # 3.

    def boosted(self, text: str, start: int, score: float, fired: Fired = None) -> float:
        """Return the score of a value at `start`, raised if a context word stands shortly before it."""
        if score >= 1 or self.near is None:
            return score
        if fired is not None:
            # The prefilter saw all context words, so most searches below can be spared.
            ends = fired.get(len(self.rules), ())
            place = bisect.bisect_right(ends, start)
            if place == 0 or ends[place - 1] <= start - _CONTEXT_CHARACTERS:
                return score
        word = self.near.search(text, max(0, start - _CONTEXT_CHARACTERS), start, timeout=self.seconds)
        return round(min(1.0, score + _BOOST), 2) if word else score

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: object = None, regex_flags: int | None = None
    ) -> list[presidio_analyzer.RecognizerResult]:
        """Return the values in a text as Presidio's results, for Presidio's engine."""
        # Overridden because Presidio's own method (2.2.366) logs a pattern that ran out of time and skips it: the text
        # would pass as clean.
        del entities, nlp_artifacts, regex_flags
        metadata = {
            presidio_analyzer.RecognizerResult.RECOGNIZER_NAME_KEY: self.title,
            presidio_analyzer.RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: self.id,
        }
        return [
            presidio_analyzer.RecognizerResult(self.supported_entities[0], *span, recognition_metadata=metadata)
            for span in self.find(text)
        ]
