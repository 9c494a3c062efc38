"""Data augmentation: copies of labelled lines with other names, so that a model learns contexts and not names.

Called by: `recipes`, and `make` for `lower`.

Invariant: equal generators give equal copies; the seed is passed in.
"""

import bisect
import random
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Final

from anonymizer.names import lexicon
from anonymizer.training.corpora import LabelledText

__all__ = ["lines_with_names", "lower", "renamed"]

_WORD: Final = re.compile(r"[^\W\d_]{3,}")
_TITLES: Final = frozenset({"mrs", "miss", "the", "and", "von", "van", "der", "del"})
_JOINED: Final = ("Al-{}", "al-{}", "El {}", "Abu {}", "Al {}", "Bin {}")
# Cumulative shares of the copies whose names are capitalised, in small letters, in capitals.
_STYLES: Final = ((0.82, str), (0.92, str.lower), (1.0, str.upper))  # the new words are capitalised already


def lower(document: LabelledText) -> LabelledText | None:
    """Return a copy in lower case, None if lower-casing would change the length and so shift the spans."""
    text = document.text.lower()
    return replace(document, text=text) if len(text) == len(document.text) else None


def lines_with_names(documents: Iterable[LabelledText]) -> Iterator[LabelledText]:
    """Yield those lines of documents that hold a person's name, each as a document."""
    for document in documents:
        start = 0
        for line in document.text.splitlines(keepends=True):
            end = start + len(line)
            inside = tuple(
                replace(span, start=span.start - start, end=span.end - start)
                for span in document.spans
                if start <= span.start and span.end <= end
            )
            if any(span.type == "PERSON" for span in inside):
                yield replace(document, text=line, spans=inside)
            start = end


def renamed(document: LabelledText, rng: random.Random) -> LabelledText:
    """Return a copy whose persons have names of the region; a word of a name is replaced by the same one throughout."""
    middle_east = lexicon.classes("middle_east")
    names = {
        kind: sorted(word for word, kinds in middle_east.items() if kind in kinds.split("+"))
        for kind in ("given", "family")
    }
    replaced: dict[str, str] = {}
    pieces: list[str] = []
    moved: list[tuple[int, int]] = []
    last = shift = 0
    drawn = rng.random()
    style = next(style for share, style in _STYLES if drawn < share)
    for span in document.spans:
        if span.type != "PERSON" or span.start < last:  # one within a name was changed with it
            continue
        new = _new_name(document.text[span.start : span.end], replaced, names, rng, style)
        pieces += document.text[last : span.start], new
        shift += len(new) - (span.end - span.start)
        last = span.end
        moved.append((span.end, shift))
    pieces.append(document.text[last:])
    spans = tuple(
        replace(span, start=_shifted(span.start, moved), end=_shifted(span.end, moved)) for span in document.spans
    )
    return replace(document, text="".join(pieces), spans=spans)


def _new_name(
    old: str, replaced: dict[str, str], names: dict[str, list[str]], rng: random.Random, style: Callable[[str], str]
) -> str:
    """Return a name in the place of `old`; `replaced` holds the new word of each old one, and grows."""
    # Titles and particles stay: they are the context by which a model knows a name.
    words = [word for word in _WORD.findall(old) if word.lower() not in _TITLES]
    for place, word in enumerate(words):
        kind = "family" if place and place == len(words) - 1 else "given"
        if word not in replaced:
            new = rng.choice(names[kind])
            joined = kind == "family" and rng.random() < 1 / 4
            replaced[word] = rng.choice(_JOINED).format(new.title()) if joined else new.title()
    return _WORD.sub(lambda match: style(replaced[match[0]]) if match[0] in replaced else match[0], old)


def _shifted(place: int, moved: list[tuple[int, int]]) -> int:
    """Move an end of a span by the shift that holds there; `moved` are places and the shifts from them on."""
    # The last shift at or before the place: no shift sorts behind the pair that is searched for.
    index = bisect.bisect_right(moved, (place, 1 << 60))
    return place + (moved[index - 1][1] if index else 0)
