"""Copies of labelled lines with other names in them, so that a model learns the place of a name and not the name.

Decides which lines are copied and how their names are changed. Deterministic: a generator is passed in.
"""

import bisect
import random
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Final

from anonymizer.names import lexicon
from anonymizer.training.corpora import LabelledText, Span

__all__ = ["lines_with_names", "lower", "renamed"]

_WORD: Final = re.compile(r"[^\W\d_]{3,}")
_TITLES: Final = frozenset({"mrs", "miss", "the", "and", "von", "van", "der", "del"})
_JOINED: Final = ("Al-{}", "al-{}", "El {}", "Abu {}", "Al {}", "Bin {}")
_STYLES: Final = ((0.82, str.title), (0.92, str.lower), (1.0, str.upper))


def lower(document: LabelledText) -> LabelledText | None:
    """Return a copy in lower case; None where lower-casing would shift the spans."""
    text = document.text.lower()
    return replace(document, text=text) if len(text) == len(document.text) else None


def lines_with_names(documents: Iterable[LabelledText]) -> Iterator[LabelledText]:
    """Cut documents into those of their lines that hold a person's name."""
    for document in documents:
        start = 0
        for line in document.text.splitlines(keepends=True):
            end = start + len(line)
            inside = tuple(_moved(s, -start) for s in document.spans if start <= s.start and s.end <= end)
            if any(span.type == "PERSON" for span in inside):
                yield replace(document, text=line, spans=inside)
            start = end


def renamed(document: LabelledText, rng: random.Random) -> LabelledText:
    """Return a copy with the region's names for persons, each word of a name changed to the same one throughout."""
    names = {kind: _of_kind(kind) for kind in ("given", "family")}
    given: dict[str, str] = {}
    pieces: list[str] = []
    moved: list[tuple[int, int]] = []
    last = shift = 0
    style = _style(rng)
    for span in document.spans:
        if span.type != "PERSON" or span.start < last:
            continue
        new = _name(document.text[span.start : span.end], given, names, rng, style)
        pieces += document.text[last : span.start], new
        shift += len(new) - (span.end - span.start)
        last = span.end
        moved.append((span.end, shift))
    pieces.append(document.text[last:])
    return replace(document, text="".join(pieces), spans=tuple(_shifted(span, moved) for span in document.spans))


def _name(
    old: str, known: dict[str, str], names: dict[str, list[str]], rng: random.Random, style: Callable[[str], str]
) -> str:
    words = [word for word in _WORD.findall(old) if word.lower() not in _TITLES]
    for place, word in enumerate(words):
        kind = "family" if place and place == len(words) - 1 else "given"
        if word not in known:
            new = rng.choice(names[kind])
            joined = kind == "family" and rng.random() < 1 / 4
            known[word] = rng.choice(_JOINED).format(new.title()) if joined else new.title()
    return _WORD.sub(lambda found: style(known[found[0]]) if found[0] in known else found[0], old)


def _of_kind(kind: str) -> list[str]:
    return sorted(word for word, kinds in lexicon.classes("middle_east").items() if kind in kinds.split("+"))


def _style(rng: random.Random) -> Callable[[str], str]:
    drawn = rng.random()
    chosen = next(style for share, style in _STYLES if drawn < share)
    return (lambda word: word) if chosen is str.title else chosen


def _moved(span: Span, by: int) -> Span:
    return replace(span, start=span.start + by, end=span.end + by)


def _shifted(span: Span, moved: list[tuple[int, int]]) -> Span:
    """Move a span by what has been put in before its ends."""

    def at(place: int) -> int:
        index = bisect.bisect_right(moved, (place, 1 << 60))
        return place + (moved[index - 1][1] if index else 0)

    return replace(span, start=at(span.start), end=at(span.end))
