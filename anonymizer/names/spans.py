"""Masked spans: from the probabilities of labels to the spans that are masked in a text, each with a type.

Called by: `recogniser.LanguageReader`, in the order below; `anonymizer.detection.presidio` and
`amana.composition.stages` for the types in `ENTITIES`.
    1. `threshold` masks every token that is not surely outside of identifiers
    2. `unmask_idle` takes back words that identify nobody by themselves
    3. `mask_initials` adds single letters behind a rank
    4. `propagate` masks the other occurrences of what is surely a name
    5. `spans` unites neighbouring tokens

Invariant: a token counts as clear only by its probability of being clear, whatever the likeliest label is; a name that
the model is unsure of is masked.
"""

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anonymizer.names.tokens import LINE_BREAK, Tokens

__all__ = [
    "CLEAR",
    "ENTITIES",
    "MaskedSpan",
    "MaskedTokens",
    "mask_initials",
    "propagate",
    "spans",
    "threshold",
    "unmask_idle",
]

# TAB's types, in which the corpora are labelled (Pilán et al. 2022, Text Anonymization Benchmark).
ENTITIES: Final = ("PERSON", "LOC", "ORG", "DATETIME", "CODE", "QUANTITY", "DEM", "MISC")
CLEAR: Final = frozenset({"O", "KEEP"})
"""Labels of tokens that stay in clear; KEEP is said of names that the annotators left in clear."""

_PROPAGATED: Final = frozenset({"PERSON", "LOC", "ORG", "CODE"})
_SURE: Final = 0.5
_NAME: Final = "PERSON"

MaskedSpan = tuple[int, int, str, float]
"""Start and end (characters, half open), entity type, and score: one minus the least probability of being clear."""


@dataclass(slots=True)
class MaskedTokens:
    """The state of masking, token by token.

    Attributes:
        masked: whether each token is masked.
        types: the type that each token has if it is masked.
        clear: the probability that each token is clear.
    """

    masked: NDArray[np.bool_]
    types: list[str]
    clear: NDArray[np.float64]

    def mask(self, start: int, end: int, kind: str, clear: float) -> None:
        """Mask the tokens of a range that are not masked yet; their probability of being clear is at most `clear`."""
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

    Args:
        probabilities: of every label at every token (tokens by labels).
        labels: the labels, in the order of columns.
        least_clear: the threshold; the nearer to 1, the more is masked.
        weights: factor by which the probability of a type counts, 1 for a type that is not named.
    """
    inside = [place for place, label in enumerate(labels) if label not in CLEAR]
    outside = [place for place, label in enumerate(labels) if label in CLEAR]
    kinds = [labels[place].rpartition("-")[2] for place in inside]  # the first word of a name may be B-PERSON
    clear = probabilities[:, outside].sum(axis=1)
    identifying = probabilities[:, inside] @ np.array([weights.get(kind, 1.0) for kind in kinds])
    clear = clear / (clear + identifying)
    best = probabilities[:, inside].argmax(axis=1).tolist()
    return MaskedTokens(clear < least_clear, [kinds[place] for place in best], clear)


def unmask_idle(forms: Sequence[str], masks: MaskedTokens, idle: Collection[str]) -> None:
    """Unmask runs of tokens that are all `idle` words (lower-case) and more likely clear than not."""
    # Beside another masked word an idle one stays masked: it may be a part of the name.
    spared = np.array([form.lower() in idle for form in forms], dtype=np.bool_) & (masks.clear >= _SURE)
    edges = np.flatnonzero(np.diff(masks.masked, prepend=False, append=False)).tolist()
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if spared[start:end].all():
            masks.masked[start:end] = False


def mask_initials(forms: Sequence[str], masks: MaskedTokens, ranks: Collection[str]) -> None:
    """Mask a single capital letter behind one of `ranks` (lower-case), and the rank with it: it is a shortened name."""
    for place, form in enumerate(forms):
        if len(form) == 1 and form.isupper() and place and forms[place - 1].lower() in ranks:
            masks.mask(place - 1, place + 1, _NAME, 0.0)


def propagate(forms: Sequence[str], masks: MaskedTokens, *, part: Callable[[str], bool]) -> None:
    """Mask every other occurrence of the names that are more likely names than not.

    A person's name is also looked for word by word; `part(form)` tells whether a word alone is a name, which titles and
    common words are not.
    """
    surfaces = _surfaces(forms, masks, part)
    if not surfaces:
        return
    firsts = {surface[0] for surface in surfaces}
    # By first word, so that each place of the text is compared with few names.
    by_first = {first: [s for s in surfaces if s[0] == first] for first in firsts}
    for place in [place for place, form in enumerate(forms) if form in firsts]:
        for surface in by_first[forms[place]]:
            if tuple(forms[place : place + len(surface)]) == surface:
                masks.mask(place, place + len(surface), *surfaces[surface])


def _surfaces(
    forms: Sequence[str], masks: MaskedTokens, part: Callable[[str], bool]
) -> dict[tuple[str, ...], tuple[str, float]]:
    """Return the names to look for, as forms, each with its type and its probability of being clear."""
    surfaces: dict[tuple[str, ...], tuple[str, float]] = {}
    sure = masks.clear < _SURE
    for start, end, kind in _runs(masks, sure):
        surface = tuple(forms[start:end])
        if kind not in _PROPAGATED or LINE_BREAK in surface:
            continue
        clear = float(masks.clear[start:end].min())
        if len(surface) > 1 or part(surface[0]):
            surfaces.setdefault(surface, (kind, clear))
        if kind == _NAME:
            for form in surface:
                if part(form):
                    surfaces.setdefault((form,), (kind, clear))
    return surfaces


def _runs(masks: MaskedTokens, chosen: NDArray[np.bool_]) -> Iterator[tuple[int, int, str]]:
    """Yield the runs of chosen tokens of one type: first token, the one behind the last, type."""
    places = np.flatnonzero(chosen).tolist()
    for _, group in itertools.groupby(enumerate(places), key=lambda item: (item[1] - item[0], masks.types[item[1]])):
        run = [place for _, place in group]
        yield run[0], run[-1] + 1, masks.types[run[0]]


def spans(text: str, tokens: Tokens, masks: MaskedTokens) -> list[MaskedSpan]:
    """Unite masked tokens of one type with at most one character between them; every span holds a letter or a digit."""
    united: list[MaskedSpan] = []
    for start, end, kind in _runs(masks, masks.masked):
        # Signs and line breaks are cut off both ends of a run; nothing is left if it has nothing else.
        first, last = start, end
        while first < last and not tokens.forms[first][0].isalnum():
            first += 1
        while last > first and not tokens.forms[last - 1][0].isalnum():
            last -= 1
        if first == last:
            continue
        score = 1.0 - float(masks.clear[first:last].min())
        here = (tokens.spans[first][0], tokens.spans[last - 1][1])
        if (
            united
            and united[-1][2] == kind
            and here[0] - united[-1][1] <= 1
            and text[united[-1][1] : here[0]] != LINE_BREAK
        ):
            united[-1] = (united[-1][0], here[1], kind, max(score, united[-1][3]))
        else:
            united.append((*here, kind, score))
    return united
