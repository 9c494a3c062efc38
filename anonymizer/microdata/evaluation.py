"""Evaluation of masking: recall of personal data, precision, and the share of other words that stay readable.

Purpose: the measures, the counts behind them, and their 95 % intervals. Finds nothing and reads no files.
Called by: `amana evaluate`, and `anonymizer.training.card` for the cards of the names models.

A *word* is a run of word characters; it is masked when all its characters are in predicted spans. Two kinds of gold:

* With levels (court texts). A mention *needs masking* at level `direct` or `quasi`; at level `no` it stays in clear,
  and its words count as ordinary. It is masked when every character is covered, leaving aside spaces, common
  punctuation, titles (mr, mrs, ms, no, nr, about) and English determiners, prepositions, conjunctions, possessives.
* Without levels. Every mention needs masking; it is masked when all its words are, whatever type was predicted.

Invariants:
- A measure of nothing has no value, never 0 or 1.
- Reports of several documents pool counts; shares are not averaged.

Source: Pilán et al. (2022), the Text Anonymization Benchmark, `evaluation.py`; the closed list of function words stands
in for its part-of-speech tags.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

__all__ = ["Document", "EvaluationReport", "Mention", "Share", "by_language", "pooled", "report"]

_Z: Final = 1.959963984540054  # half the width of a 95 % interval, in standard deviations of a normal variable
_WORD: Final = re.compile(r"\w+")
_CHARACTER: Final = re.compile(r"\w+|[^\w\s.,;:!?()\[\]{}'\"`´‘’“”„«»‹›…\-–—/\\،؛؟]")  # noqa: RUF001 - quotes, by design
_TITLES: Final = frozenset({"mr", "mrs", "ms", "no", "nr", "about"})
_FUNCTION_WORDS: Final = frozenset(
    {
        "a", "an", "the", "this", "that", "these", "those", "my", "your", "his", "her", "its", "our", "their",
        "whose", "s", "of", "in", "on", "at", "by", "for", "from", "to", "with", "within", "without", "into", "onto",
        "upon", "under", "over", "between", "among", "through", "during", "before", "after", "since", "until", "till",
        "against", "as", "near", "per", "than", "via", "towards", "toward", "around", "across", "along", "behind",
        "beside", "beyond", "above", "below", "and", "or", "but", "nor", "so", "if", "because", "although", "though",
        "while", "whether",
    }
)  # fmt: skip
_LEFT_ASIDE: Final = _TITLES | _FUNCTION_WORDS


@dataclass(frozen=True, slots=True)
class Mention:
    """A labelled span of the gold (characters, half open); `level` and `entity` where the gold has them."""

    start: int
    end: int
    type: str
    level: str | None = None
    entity: Hashable = None

    @property
    def needs_masking(self) -> bool:
        """True where leaving it in clear is a miss."""
        return self.level != "no"


@dataclass(frozen=True, slots=True)
class Document:
    """A text, its language, its labelled mentions, and the spans that were predicted."""

    text: str
    language: str
    mentions: Sequence[Mention]
    predicted: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Share:
    """A proportion: `hits` out of `total`."""

    hits: int = 0
    total: int = 0

    def __add__(self, other: "Share") -> "Share":
        """Pool the counts."""
        return Share(self.hits + other.hits, self.total + other.total)

    @property
    def value(self) -> float | None:
        """The proportion, None where there is nothing to count."""
        return self.hits / self.total if self.total else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval: Wilson's; where nothing was missed, the rule of three (3 / n below 1)."""
        if not self.total:
            return None
        n, p = self.total, self.hits / self.total
        if self.hits == n:  # the rule of three: (1 - 3/n)**n is about 5 %
            return max(0.0, 1 - 3 / n), 1.0
        middle = (p + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
        half = _Z / (1 + _Z**2 / n) * (p * (1 - p) / n + _Z**2 / (4 * n**2)) ** 0.5
        return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """The measures over some documents.

    `mentions` is recall of mentions that need masking, by type and as `all`. `direct` and `quasi` are recall of
    entities: an entity is direct when one of its mentions is, else quasi when one of its mentions is, and counts when
    all its mentions that need masking are masked; gold without levels has none. `precision` is the share of masked
    words whose first and last character lie in a mention that needs masking. `kept` is the share of the other words
    that are not masked. `clean` is the share of the documents with something to mask in which nothing of it was missed.
    """

    documents: int
    mentions: Mapping[str, Share] = field(default_factory=dict)
    direct: Share = Share()
    quasi: Share = Share()
    precision: Share = Share()
    kept: Share = Share()
    clean: Share = Share()


def by_language(documents: Iterable[Document]) -> dict[str, EvaluationReport]:
    """Measure language by language, sorted, and over all of them as `all` where there are several."""
    groups: dict[str, list[Document]] = defaultdict(list)
    all_documents = list(documents)
    for document in all_documents:
        groups[document.language].append(document)
    made = {language: report(groups[language]) for language in sorted(groups)}
    return made if len(made) == 1 else made | {"all": report(all_documents)}


def report(documents: Iterable[Document]) -> EvaluationReport:
    """Measure over some documents, mentions, entities and words pooled."""
    return pooled([_measured(document) for document in documents])


def pooled(parts: Sequence[EvaluationReport]) -> EvaluationReport:
    """Return the report over the documents of several parts: every share adds up hits and totals."""

    def total(of: Callable[[EvaluationReport], Share]) -> Share:
        """Add up one share of all parts."""
        return sum(map(of, parts), Share())

    types = sorted({kind for part in parts for kind in part.mentions})
    mentions = {kind: total(lambda part, kind=kind: part.mentions.get(kind, Share())) for kind in types}  # type: ignore[misc] # a default binds the loop's variable
    return EvaluationReport(
        documents=sum(part.documents for part in parts),
        mentions=mentions,
        direct=total(lambda part: part.direct),
        quasi=total(lambda part: part.quasi),
        precision=total(lambda part: part.precision),
        kept=total(lambda part: part.kept),
        clean=total(lambda part: part.clean),
    )


def _measured(document: Document) -> EvaluationReport:
    """Measure one document."""
    covered = _covered(len(document.text), document.predicted)
    needing = [mention for mention in document.mentions if mention.needs_masking]
    masked: dict[int, bool] = {}  # by id, not by value: gold may label one span twice
    by_type: dict[str, Share] = defaultdict(Share)  # `all` besides
    for mention in needing:
        masked[id(mention)] = _is_masked(document.text, mention, covered)
        share = Share(int(masked[id(mention)]), 1)
        by_type[mention.type] += share
        by_type["all"] += share
    precision, kept = _words(document, needing, covered)
    return EvaluationReport(
        documents=1,
        mentions=dict(by_type),
        direct=_entities(needing, masked, "direct"),
        quasi=_entities(needing, masked, "quasi"),
        precision=precision,
        kept=kept,
        clean=Share(int(all(masked.values())), 1) if needing else Share(),
    )


def _covered(length: int, spans: Iterable[tuple[int, int]]) -> bytearray:
    """Return one byte per character of a text, 1 where a span covers it."""
    covered = bytearray(length)
    for start, end in spans:
        first, last = max(0, start), min(length, end)  # a prediction may be beyond the text
        covered[first:last] = b"\1" * max(0, last - first)
    return covered


def _is_masked(text: str, mention: Mention, covered: bytearray) -> bool:
    """Return whether a mention is covered, by the rule of its kind of gold."""
    if mention.level is None:
        pieces = [word.span() for word in _WORD.finditer(text, mention.start, mention.end)]
    else:
        characters = _CHARACTER.finditer(text, mention.start, mention.end)
        pieces = [piece.span() for piece in characters if piece[0].lower() not in _LEFT_ASIDE]
    return all(0 not in covered[start:end] for start, end in pieces)


def _entities(needing: Sequence[Mention], masked: Mapping[int, bool], level: str) -> Share:
    """Return the recall of the entities of a level, `direct` or `quasi`."""
    entities: dict[Hashable, list[Mention]] = defaultdict(list)
    for place, mention in enumerate(needing):
        if mention.level is not None:
            # a mention without an entity is one of its own
            entities[("alone", place) if mention.entity is None else mention.entity].append(mention)
    # one direct mention makes the whole entity direct
    is_direct = {entity: any(m.level == "direct" for m in mentions) for entity, mentions in entities.items()}
    of_level = [mentions for entity, mentions in entities.items() if is_direct[entity] == (level == "direct")]
    return Share(sum(all(masked[id(m)] for m in mentions) for mentions in of_level), len(of_level))


def _words(document: Document, needing: Iterable[Mention], covered: bytearray) -> tuple[Share, Share]:
    """Return token precision and the share of ordinary words kept."""
    wanted = _covered(len(document.text), [(mention.start, mention.end) for mention in needing])
    right = wrong = kept = 0
    for word in _WORD.finditer(document.text):
        start, end = word.span()
        ordinary = not (wanted[start] and wanted[end - 1])
        masked = 0 not in covered[start:end]
        right += masked and not ordinary
        wrong += masked and ordinary
        kept += ordinary and not masked
    return Share(right, right + wrong), Share(kept, kept + wrong)
