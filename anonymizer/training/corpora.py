"""Labelled corpora as the models read them: normalised text, TAB's eight entity types.

Decides which type of a source counts as which of ours and what is dropped. Reads gzipped JSON lines
`{"text", "spans": [[start, end, type, level?, entity?]], "lang", "source"}`; trains nothing.
"""

import gzip
import hashlib
import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

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
"""Parts that documents fall into; the first is kept for figures."""


@dataclass(frozen=True, slots=True)
class Span:
    """A labelled span (characters, half open); level is direct, quasi or no, entity a number within the document."""

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
    """Read a corpus file, mapping types and folding text; spans follow the folding."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [_document(json.loads(line)) for line in lines]


def sha256(path: Path) -> str:
    """Return the SHA-256 of a corpus file, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fold_of(document: LabelledText) -> int:
    """Return which of the `FOLDS` a document is in: by the SHA-256 of its text."""
    return int.from_bytes(hashlib.sha256(document.text.encode()).digest()) % FOLDS


def held_out(document: LabelledText) -> bool:
    """Tell whether a document is of the fold that is kept for figures."""
    return fold_of(document) == 0


def _document(row: dict[str, Any]) -> LabelledText:
    folded = normalise(row["text"])
    spans = (_span(folded, *item) for item in row["spans"] if item[2] in _OURS)
    return LabelledText(folded.text, tuple(s for s in spans if s.start < s.end), row["lang"], row["source"])


def _span(folded: Normalised, start: int, end: int, kind: str, level: str = "quasi", entity: object = None) -> Span:
    if folded.starts is not None and folded.ends is not None:
        start, end = bisect_left(folded.starts, start), bisect_right(folded.ends, end)
    return Span(start, end, _OURS[kind], level, None if entity is None else str(entity))


def labels(tokens: Tokens, spans: Iterable[Span], *, keep: bool = False, begun: bool = False) -> list[str]:
    """Label tokens: the type of the span they overlap, else `OUTSIDE`; of nested spans the longest counts.

    With `keep`, what the annotator saw and left in clear (level no) is labelled `KEEP` instead of its type.
    With `begun` the first token of a span is labelled `B-` and its type, the others `I-` and its type.
    """
    found = [OUTSIDE] * len(tokens.forms)
    starts = [start for start, _ in tokens.spans]
    for span in sorted(spans, key=lambda s: s.end - s.start):
        kind = KEEP if keep and span.level == "no" else span.type
        for number, place in enumerate(_within(tokens.spans, starts, span)):
            found[place] = f"{'I' if number else 'B'}-{kind}" if begun and kind != KEEP else kind
    return found


def _within(spans: Sequence[tuple[int, int]], starts: Sequence[int], span: Span) -> Iterator[int]:
    place = max(0, bisect_right(starts, span.start) - 1)
    while place < len(spans) and spans[place][0] < span.end:
        if spans[place][1] > span.start:
            yield place
        place += 1
