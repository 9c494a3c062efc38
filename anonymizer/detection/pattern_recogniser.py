"""A recogniser by shape: linear patterns, an optional check, words nearby that make a weak shape sure.

Decides how a Presidio recogniser of ours behaves: what a pattern finds is scored by its check and by context words just
before it, in any of the three languages; a pattern that runs out of time raises. Does not hold any pattern itself.
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
"""A compiled pattern of context words, or None."""

Fired = Mapping[int, Sequence[int]] | None
"""Index of a rule → ends of what may match it, ascending; behind the rules those of context words. None: unknown."""

FLAGS: Final = regex.DOTALL | regex.MULTILINE | regex.IGNORECASE
_BEFORE: Final = 48
_BOOST: Final = 0.35


@dataclass(frozen=True, slots=True)
class PatternRule:
    """One pattern with its base score and, where the value carries one, its check.

    `hint` is a cheaper pattern for the prefilter: wherever `regex` matches, `hint` must match too. `example` is an
    invented value that the rule finds; `where` names the countries, ISO 3166-1 alpha-2, and nothing for everywhere.
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
    """All that is looked for as one entity type: its rules, and the words before a value that make it surer."""

    entity: str
    rules: Sequence[PatternRule]
    words: tuple[str, ...] = ()


def context(*words: str) -> Context:
    """Compile context words (patterns of how they begin, in any spelling) for search before a match."""
    folded = (normalise(word).text for word in words)
    return regex.compile("|".join(rf"(?<!\w)(?:[وفبك]?ال|لل|[وفبلك])?{word}" for word in folded), FLAGS)


class PatternRecogniser(presidio_analyzer.PatternRecognizer):
    """A Presidio pattern recogniser whose `find` yields plain spans; `analyze` wraps them for Presidio's engine.

    Source: presidio_analyzer 2.2.366, whose own `analyze` skips a pattern that times out and goes on as if clean.
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
            self.hints.append(near.pattern)  # the last: where words of context may end
        self.reaches = [match_windows.reach(r.regex) for r in rules]
        self.rules = tuple((regex.compile(r.regex, FLAGS), r.score, r.check) for r in rules)

    def find(self, text: str, fired: Fired = None) -> Iterator[Span]:
        """Yield spans of a normalised text, overlaps included; `fired` says which rules can match, and up to where.

        Raises:
            TimeoutError: a pattern took longer than the policy allows.
        """
        for index, (pattern, base, check) in enumerate(self.rules):
            if fired is None:
                seen = pattern.finditer(text, timeout=self.seconds)
            elif index in fired:
                seen = match_windows.matches(pattern, text, fired[index], self.reaches[index], self.seconds)
            else:
                continue
            for match in seen:
                start, end = match.span("value") if "value" in pattern.groupindex else match.span()
                checked = check(text[start:end]) if check else None
                score = base if checked is None else checked
                if score:
                    yield start, end, self.boosted(text, start, score, fired)

    def boosted(self, text: str, start: int, score: float, fired: Fired = None) -> float:
        """Return the score, raised where a context word stands shortly before the match."""
        if score >= 1 or self.near is None or not self._hinted(start, fired):
            return score
        found = self.near.search(text, max(0, start - _BEFORE), start, timeout=self.seconds)
        return round(min(1.0, score + _BOOST), 2) if found else score

    def _hinted(self, start: int, fired: Fired) -> bool:
        """Tell whether a context word may end in the stretch before `start`, by what the prefilter saw."""
        if fired is None:
            return True
        ends = fired.get(len(self.rules), ())
        place = bisect.bisect_right(ends, start)
        return place > 0 and ends[place - 1] > start - _BEFORE

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: object = None, regex_flags: int | None = None
    ) -> list[presidio_analyzer.RecognizerResult]:
        """Return what `find` finds, as Presidio's results."""
        del entities, nlp_artifacts, regex_flags
        return [self.result(span) for span in self.find(text)]

    def result(self, span: Span) -> presidio_analyzer.RecognizerResult:
        """Wrap one span."""
        metadata = {
            presidio_analyzer.RecognizerResult.RECOGNIZER_NAME_KEY: self.title,
            presidio_analyzer.RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: self.id,
        }
        return presidio_analyzer.RecognizerResult(self.supported_entities[0], *span, recognition_metadata=metadata)
