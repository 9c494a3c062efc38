"""Codes whose counts are the sums of other codes' counts, found from the counts alone.

Purpose: the search for the parts of a code, and the measure of how surely a sum that was found is none by chance. A
code is a vector of counts: one entry for each combination of the other dimensions' codes.
Called by: `levels`, which holds the result against the codes' names.

The measure is a description length. A code's vector takes about log2(1 + largest count) bits, and half of log2(2 pi
count) for every other count, the entropy of a count that varies as a Poisson variable does. To name s of m other codes
takes log2(m choose s) bits, and to name the code itself log2(m). What the sum explains beyond that is its evidence.

Invariants:
- A sum holds in every entry, to the person.
- The search ends: after a number of steps it returns what it has found, and says that it is not complete.
- Evidence below 0 says nothing: so many sums hold by chance.

Source: Rissanen (1978), "Modeling by shortest data description", for the measure; Knuth (2000), "Dancing links", for
the search that branches where fewest codes can fill an entry.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["CodeSum", "SumSearch", "evidence"]

Counts = npt.NDArray[np.int64]

_STEPS = 40_000  # of one dimension: a second or two
_LARGEST = 24  # parts of a sum that is searched step by step; larger ones are solved for, or found by what they lack


@dataclass(frozen=True, slots=True)
class CodeSum:
    """A code's parts, as positions, and the evidence in bits that they are its parts and no others."""

    parts: tuple[int, ...]
    bits: float


def evidence(whole: Counts, parts: int, codes: int) -> float:
    """Return the bits by which a sum of so many out of so many codes explains a vector of counts."""
    if not whole.any():
        return -math.inf
    largest = int(whole.argmax())
    rest = np.delete(whole, largest)
    known = math.log2(1 + int(whole[largest])) + float(np.log2(2 * math.pi * rest[rest > 0]).sum()) / 2
    return known - _choices(codes, parts) - math.log2(max(codes, 1))


def _choices(codes: int, parts: int) -> float:
    """Return log2 of the number of ways to choose `parts` of `codes`."""
    return (math.lgamma(codes + 1) - math.lgamma(parts + 1) - math.lgamma(codes - parts + 1)) / math.log(2)


class SumSearch:
    """The search for sums among the codes of one dimension; `complete` turns False where it gave up."""

    def __init__(self, vectors: Counts) -> None:
        """Keep the vectors, a row per code."""
        self.vectors = vectors
        self.complete = True
        self._steps = _STEPS

    def parts_of(self, whole: int, among: Sequence[int], least: float) -> list[CodeSum]:
        """Return the sums of at least two of the codes `among` that a code is, best first.

        Args:
            whole: position of the code.
            among: positions of the codes that may be its parts.
            least: evidence in bits below which a sum is passed over.
        """
        vector = self.vectors[whole]
        fitting = [c for c in among if c != whole and self.vectors[c].any() and (self.vectors[c] <= vector).all()]
        size = len(fitting)
        # Nothing can be learnt where even the cheapest sum, one of two codes or of all of them, would be too weak.
        if size < 2 or max(evidence(vector, 2, size), evidence(vector, size, size)) < least:  # noqa: PLR2004 - two parts
            return []
        table = self.vectors[fitting]
        found = self._solved(vector, table)
        if found is None:
            found = self._small(vector, table, least, size)
            # A sum of nearly all codes is found by the few that it lacks.
            lacking = table.sum(axis=0) - vector
            if (lacking >= 0).all():
                every = set(range(size))
                short = [()] if not lacking.any() else self._small(lacking, table, least, size, bound=vector)
                found += [tuple(sorted(every - set(chosen))) for chosen in short]
        sums = [
            CodeSum(tuple(sorted(fitting[i] for i in chosen)), evidence(vector, len(chosen), size))
            for chosen in dict.fromkeys(found)
            if len(chosen) > 1
        ]
        return sorted((one for one in sums if one.bits >= least), key=lambda one: (-one.bits, one.parts))

    @staticmethod
    def _solved(vector: Counts, table: Counts) -> list[tuple[int, ...]] | None:
        """Return the one sum where the entries determine it, nothing where none holds; None if they do not suffice."""
        if table.shape[1] < table.shape[0] or np.linalg.matrix_rank(table.astype(np.float64)) < table.shape[0]:
            return None
        shares = np.linalg.lstsq(table.T.astype(np.float64), vector.astype(np.float64), rcond=None)[0]
        chosen = np.flatnonzero(np.round(shares) == 1)
        return [tuple(chosen.tolist())] if (table[chosen].sum(axis=0) == vector).all() else []

    def _small(
        self, vector: Counts, table: Counts, least: float, size: int, bound: Counts | None = None
    ) -> list[tuple[int, ...]]:
        """Return sums of so few codes that they can be evidence, searched step by step.

        `bound` is the vector whose bits count, where that is not the one to fill.
        """
        most = 1
        while most < min(size, _LARGEST) and evidence(vector if bound is None else bound, most + 1, size) >= least:
            most += 1
        order = np.argsort(-table.sum(axis=1), kind="stable")
        found: list[tuple[int, ...]] = []
        self._fill(vector, table[order], (), most, found, np.arange(size))
        return [tuple(sorted(int(order[i]) for i in chosen)) for chosen in found]

    def _fill(
        self,
        left: Counts,
        table: Counts,
        chosen: tuple[int, ...],
        most: int,
        found: list[tuple[int, ...]],
        able: npt.NDArray[np.int64],
    ) -> None:
        """Fill what is left by up to `most` of the able codes; keep every way."""
        if not left.any():
            found.append(chosen)
            return
        if most == 0 or len(found) >= 8:  # noqa: PLR2004 - more ways than can be told apart
            return
        if self._steps <= 0:
            self.complete = False
            return
        self._steps -= 1
        able = able[(table[able] <= left).all(axis=1)]
        # The largest `most` of the able codes must reach what is left, in every entry.
        if not len(able) or (np.sort(table[able], axis=0)[-most:].sum(axis=0) < left).any():
            return
        # Branch at the entry that fewest codes can fill: one of them is in every way from here.
        fill = table[able] > 0
        entry = int(np.where(left > 0, fill.sum(axis=0), len(able) + 1).argmin())
        for code in able[fill[:, entry]].tolist():
            self._fill(left - table[code], table, (*chosen, code), most - 1, found, able[able != code])
            able = able[able != code]
