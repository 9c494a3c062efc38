"""From probabilities to spans: what is masked in a text, and under which type.

Decides by a threshold on the probability that a word is no part of an identifier; then masks every other occurrence of
a name in the text, and what belongs to a masked word by rule. Does not compute probabilities: see `model`.
"""

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anonymizer.names.tokens import LINE_BREAK, Tokens

__all__ = ["CLEAR", "ENTITIES", "Found", "MaskedTokens", "introduce", "propagate", "spans", "spare", "threshold"]

ENTITIES: Final = ("PERSON", "LOC", "ORG", "DATETIME", "CODE", "QUANTITY", "DEM", "MISC")
CLEAR: Final = frozenset({"O", "KEEP"})
_PROPAGATED: Final = frozenset({"PERSON", "LOC", "ORG", "CODE"})
_SURE: Final = 0.5
_SHORTEST: Final = 3
_NAME: Final = "PERSON"

Found = tuple[int, int, str, float]
"""Start and end (characters, half open), entity type, score: one minus the least probability of being clear."""


@dataclass(slots=True)
class MaskedTokens:
    """What is masked, token by token: truth values, the type of each token were it masked, and P(clear)."""

    masked: NDArray[np.bool_]
    types: list[str]
    clear: NDArray[np.float64]

    def mark(self, start: int, end: int, kind: str, clear: float) -> None:
        """Mask tokens that are not masked yet, as sure as the given probability of being clear is low."""
        for place in range(start, end):
            if not self.masked[place]:
                self.masked[place] = True
                self.types[place] = kind
                self.clear[place] = min(self.clear[place], clear)


def threshold(
    probabilities: NDArray[np.float64],
    labels: Sequence[str],
    least_clear: float,
    weights: Mapping[str, float] = MappingProxyType({}),
) -> MaskedTokens:
    """Mask every token whose probability of being clear lies below `least_clear`, as its likeliest type.

    A type's probability counts as often as `weights` says, once unless it does.
    """
    inside = [place for place, label in enumerate(labels) if label not in CLEAR]
    outside = [place for place, label in enumerate(labels) if label in CLEAR]
    kinds = [labels[place].rpartition("-")[2] for place in inside]  # the first word of a name may be B-PERSON
    clear = probabilities[:, outside].sum(axis=1)
    dear = probabilities[:, inside] @ np.array([weights.get(kind, 1.0) for kind in kinds])
    clear = clear / (clear + dear)
    best = probabilities[:, inside].argmax(axis=1).tolist()
    return MaskedTokens(clear < least_clear, [kinds[place] for place in best], clear)


def spare(forms: Sequence[str], marks: MaskedTokens, idle: Collection[str]) -> None:
    """Leave words that say nothing, `idle`, in clear where nothing else is masked beside them, unless it is sure."""
    spared = np.array([form.lower() in idle for form in forms], dtype=np.bool_) & (marks.clear >= _SURE)
    edges = np.flatnonzero(np.diff(marks.masked, prepend=False, append=False)).tolist()
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if spared[start:end].all():
            marks.masked[start:end] = False


def introduce(forms: Sequence[str], marks: MaskedTokens, ranks: Collection[str]) -> None:
    """Mask a lone capital letter behind a rank, `ranks`, and the rank with it: where names are shortened, it is one."""
    for place, form in enumerate(forms):
        if len(form) == 1 and form.isupper() and place and forms[place - 1].lower() in ranks:
            marks.mark(place - 1, place + 1, _NAME, 0.0)


def propagate(forms: Sequence[str], marks: MaskedTokens, *, part: Callable[[str], bool]) -> None:
    """Mask every other occurrence of the names that are surely some; `part(form)` says whether a word alone is a name.

    A person's name is also looked for part by part; titles and common words, which `part` refuses, are not.
    """
    surfaces = _surfaces(forms, marks, part)
    if not surfaces:
        return
    firsts = {surface[0] for surface in surfaces}
    by_first = {first: [s for s in surfaces if s[0] == first] for first in firsts}
    for place in [place for place, form in enumerate(forms) if form in firsts]:
        for surface in by_first[forms[place]]:
            if tuple(forms[place : place + len(surface)]) == surface:
                marks.mark(place, place + len(surface), *surfaces[surface])


def _surfaces(
    forms: Sequence[str], marks: MaskedTokens, part: Callable[[str], bool]
) -> dict[tuple[str, ...], tuple[str, float]]:
    found: dict[tuple[str, ...], tuple[str, float]] = {}
    sure = marks.clear < _SURE
    for start, end, kind in _runs(marks, sure):
        surface = tuple(forms[start:end])
        if kind not in _PROPAGATED or LINE_BREAK in surface:
            continue
        clear = float(marks.clear[start:end].min())
        if len(surface) > 1 or part(surface[0]):
            found.setdefault(surface, (kind, clear))
        if kind == _NAME:
            for form in surface:
                if part(form):
                    found.setdefault((form,), (kind, clear))
    return found


def _runs(marks: MaskedTokens, chosen: NDArray[np.bool_]) -> Iterator[tuple[int, int, str]]:
    """Runs of chosen tokens of one type."""
    places = np.flatnonzero(chosen).tolist()
    for _, group in itertools.groupby(enumerate(places), key=lambda item: (item[1] - item[0], marks.types[item[1]])):
        run = [place for _, place in group]
        yield run[0], run[-1] + 1, marks.types[run[0]]


def spans(text: str, tokens: Tokens, marks: MaskedTokens) -> list[Found]:
    """Unite masked neighbours of one type with at most one character between them; spans hold a letter or a digit."""
    found: list[Found] = []
    for start, end, kind in _runs(marks, marks.masked):
        first, last = _trimmed(tokens.forms, start, end)
        if first == last:
            continue
        score = 1.0 - float(marks.clear[first:last].min())
        here = (tokens.spans[first][0], tokens.spans[last - 1][1])
        if (
            found
            and found[-1][2] == kind
            and here[0] - found[-1][1] <= 1
            and text[found[-1][1] : here[0]] != LINE_BREAK
        ):
            found[-1] = (found[-1][0], here[1], kind, max(score, found[-1][3]))
        else:
            found.append((*here, kind, score))
    return found


def _trimmed(forms: Sequence[str], start: int, end: int) -> tuple[int, int]:
    """Leave signs and line breaks at either end of a run out; an empty run if nothing else is in it."""
    while start < end and not forms[start][0].isalnum():
        start += 1
    while end > start and not forms[end - 1][0].isalnum():
        end -= 1
    return start, end
