"""Two sets of codes with equal sums: the same persons, cut in two ways.

Purpose: the search for codes such as `women`, `men`, `minors`, `adults` in one dimension: none is the sum of others,
and yet everybody is counted twice, and one cell can be computed from the others.
Called by: `levels`.

Invariants:
- Sets are disjoint and have two codes or more each; sums are equal in every entry.
- All sets are tried where there are up to 14 codes, pairs and threes where there are more, none beyond 80 codes.
"""

import math
from collections.abc import Iterator
from itertools import combinations

import numpy as np
import numpy.typing as npt

__all__ = ["balanced_codes"]

Counts = npt.NDArray[np.int64]

_ALL = 14
_MOST = 80


def balanced_codes(vectors: Counts, least: float) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Return two disjoint sets of rows with equal sums, the first with at least `least` bits of evidence, or None.

    The evidence is measured as in `code_sums`; the bits to name both sets are taken off.
    """
    filled = [i for i in range(len(vectors)) if vectors[i].any()]
    if len(filled) > _MOST or vectors.shape[1] == 0:
        return None
    seen: dict[bytes, list[tuple[int, ...]]] = {}
    for chosen in _sets(filled):
        total = vectors[list(chosen)].sum(axis=0)
        for other in seen.setdefault(total.tobytes(), []):
            if not set(other) & set(chosen) and _bits(total, len(filled), len(chosen), len(other)) >= least:
                return other, chosen
        seen[total.tobytes()].append(chosen)
    return None


def _sets(codes: list[int]) -> Iterator[tuple[int, ...]]:
    most = len(codes) - 2 if len(codes) <= _ALL else 3
    for size in range(2, most + 1):
        yield from combinations(codes, size)


def _bits(total: Counts, codes: int, one: int, other: int) -> float:
    ordered = np.sort(total)[::-1]
    rest = ordered[1:][ordered[1:] > 0]
    known = math.log2(1 + int(ordered[0])) + float(np.log2(2 * math.pi * rest).sum()) / 2
    return known - math.log2(math.comb(codes, one) * max(1, math.comb(codes - one, other)))
