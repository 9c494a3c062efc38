"""Labelled corpora: normalised texts whose spans have the eight entity types of the Text Anonymization Benchmark.

A corpus file holds gzipped JSON lines `{"text", "spans": [[start, end, type, level?, entity?]], "lang", "source"}`.
Other corpora's types are mapped to the eight; a span of any other type is dropped.

Called by: `make`, `augment`, `card` and `recipes`; `tests/bench` for the folds.

Invariant: a document's fold depends on its text alone, so that no training ever sees a held-out document.

Source: Pilán et al. (2022), "The Text Anonymization Benchmark (TAB)".
"""

import gzip
import hashlib
import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from anonymizer.microdata.normalise import Normalised, normalise
from anonymizer.names.tokens import Tokens

__all__ = [
    "FOLDS",
    "KEEP",
    "OUTSIDE",
    "TYPES",
    "LabelledText",
    "Span",
    "fold_of",
    "held_out",
    "labels",
    "read",
    "sha256",
]

TYPES: Final = ("PERSON", "LOC", "ORG", "DATETIME", "CODE", "QUANTITY", "DEM", "MISC")
OUTSIDE: Final = "O"
KEEP: Final = "KEEP"
_OURS: Final = {kind: kind for kind in TYPES} | {
    "CORPORATION": "ORG", "GROUP": "ORG", "TEMPORAL": "DATETIME", "DATE_TIME": "DATETIME", "MONEY": "QUANTITY",
    "DOCUMENTREFERENCE": "CODE", "NATIONALITY": "DEM", "NRP": "DEM", "AGE": "DEM", "GPE": "LOC",
    "STREET_ADDRESS": "LOC", "ZIP_CODE": "LOC", "CREDIT_CARD": "CODE", "PHONE_NUMBER": "CODE", "EMAIL_ADDRESS": "CODE",
    "IBAN_CODE": "CODE", "DOMAIN_NAME": "CODE", "IP_ADDRESS": "CODE", "US_SSN": "CODE", "US_DRIVER_LICENSE": "CODE",
}  # fmt: skip
FOLDS: Final = 5
"""Number of parts that documents fall into; the first is held out, for figures."""


@dataclass(frozen=True, slots=True)
class Span:
    """A labelled span.

    Attributes:
        start, end: characters of the normalised text, half open.
        type: one of `TYPES`.
        level: `direct` or `quasi` for direct and quasi-identifiers, `no` for what the annotator left in clear.
        entity: names the person or thing within the document, None if the corpus does not tell.
    """

    start: int
    end: int
    type: str
    level: str = "quasi"
    entity: str | None = None


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A normalised text with its labelled spans."""

    text: str
    spans: tuple[Span, ...]
    language: str
    source: str


def read(path: Path) -> list[LabelledText]:
    """Read a corpus file; texts are normalised, and the spans are those of the normalised texts."""
    documents = []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            folded = normalise(row["text"])
            moved = [_span(folded, *item) for item in row["spans"] if item[2] in _OURS]
            # A span of characters that normalisation drops, such as marks alone, is empty.
            kept = tuple(span for span in moved if span.start < span.end)
            documents.append(LabelledText(folded.text, kept, row["lang"], row["source"]))
    return documents


def sha256(path: Path) -> str:
    """Return the SHA-256 of a corpus file, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fold_of(document: LabelledText) -> int:
    """Return the fold of a document, from 0 to `FOLDS` - 1, by the SHA-256 of its text."""
    return int.from_bytes(hashlib.sha256(document.text.encode()).digest()) % FOLDS


def held_out(document: LabelledText) -> bool:
    """Tell whether a document is in the fold that is held out for figures."""
    return fold_of(document) == 0


def _span(folded: Normalised, start: int, end: int, kind: str, level: str = "quasi", entity: object = None) -> Span:
    """Make a span of an item of a corpus file, moved to where its characters are in the normalised text."""
    if folded.starts is not None and folded.ends is not None:
        start, end = bisect_left(folded.starts, start), bisect_right(folded.ends, end)
    return Span(start, end, _OURS[kind], level, None if entity is None else str(entity))


def labels(tokens: Tokens, spans: Iterable[Span], *, keep: bool = False, begun: bool = False) -> list[str]:
    """Label tokens: the type of the span that they overlap, else `OUTSIDE`; of nested spans the longest counts.

    Args:
        tokens: the tokens of a document.
        spans: its labelled spans.
        keep: label tokens of level `no` as `KEEP` instead of their type.
        begun: label the first token of a span `B-` and its type, the others `I-` and its type.
    """
    by_token = [OUTSIDE] * len(tokens.forms)
    starts = [start for start, _ in tokens.spans]
    for span in sorted(spans, key=lambda s: s.end - s.start):  # the longest last: it overwrites those inside it
        kind = KEEP if keep and span.level == "no" else span.type
        for number, place in enumerate(_within(tokens.spans, starts, span)):
            by_token[place] = f"{'I' if number else 'B'}-{kind}" if begun and kind != KEEP else kind
    return by_token


def _within(spans: Sequence[tuple[int, int]], starts: Sequence[int], span: Span) -> Iterator[int]:
    """Yield the indices of the tokens that overlap a span."""
    place = max(0, bisect_right(starts, span.start) - 1)
    while place < len(spans) and spans[place][0] < span.end:
        if spans[place][1] > span.start:
            yield place
        place += 1
