"""Classes of words that are used alike, made from published word vectors by k-means.

Labelled texts are too few to hold most trades, ailments and words for kin; a class that was met in training stands for
all its words.

Called by: nobody in the running system; it is run by hand, and the list is shipped as package data:

    python -m anonymizer.training.word_classes VECTORS > en_word_classes.txt

VECTORS is a file in GloVe's form: one word and its numbers a line.

Invariant: equal vectors give equal classes, up to the last bit of the linear algebra beneath.

Source: Brown et al. (1992) and Miller, Guinness, Zamanian (2004) for classes as features; MacQueen (1967), k-means;
Pennington, Socher, Manning (2014), GloVe.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import wordfreq  # type: ignore[import-untyped,unused-ignore]  # no type information of its own
from numpy.typing import NDArray

__all__ = ["classes", "lines"]

_LEVELS: Final = (64, 256, 1024)  # each made for itself; classes inside one another were measured to serve less well
_ROUNDS: Final = 20
_SEED: Final = 7
_WORDS: Final = 60_000

Vectors = NDArray[np.float64]


def classes(vectors: Vectors, levels: Sequence[int] = _LEVELS) -> NDArray[np.int64]:
    """Return the classes of words (words by levels, the coarsest first), given their vectors (words by dimensions)."""
    points = _directions(vectors - vectors.mean(axis=0))
    return np.stack([_grouped(points, min(level, len(points))) for level in levels], axis=1)


def _grouped(points: Vectors, count: int) -> NDArray[np.int64]:
    """Return the number of each point's nearest centre, by spherical k-means from random points."""
    draw: Any = np.random.RandomState(_SEED)  # the same draws in every version of numpy
    centres = points[draw.permutation(len(points))[:count]].copy()
    for _ in range(_ROUNDS):
        sums = np.zeros_like(centres)
        # `sums[...] += points` would add one point alone to each centre.
        np.add.at(sums, (points @ centres.T).argmax(axis=1), points)
        # A centre that lost all its points stays where it is.
        centres = np.where(sums.any(axis=1, keepdims=True), _directions(sums), centres)
    return np.asarray((points @ centres.T).argmax(axis=1))


def _directions(vectors: Vectors) -> Vectors:
    """Return vectors at length 1."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9))


def lines(vectors: Mapping[str, Sequence[float]]) -> Iterator[str]:
    """Yield a line `classes: words` for all common words of the same classes; the coarsest class comes first."""
    words = [word for word in wordfreq.top_n_list("en", _WORDS) if word in vectors and word.isalpha()]
    members: dict[tuple[int, ...], list[str]] = {}
    for word, levels in zip(words, classes(np.array([vectors[word] for word in words])).tolist(), strict=True):
        members.setdefault(tuple(levels), []).append(word)
    for levels, alike in sorted(members.items()):
        yield f"{'.'.join(map(str, levels))}: {' '.join(sorted(alike))}"


def _read(path: Path) -> dict[str, list[float]]:
    """Read a file of vectors."""
    rows = (line.rstrip("\n").split(" ") for line in path.open(encoding="utf-8"))
    return {word: list(map(float, numbers)) for word, *numbers in rows}


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in lines(_read(Path(sys.argv[1]))))
