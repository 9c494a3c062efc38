"""The counts of one dimension's codes, and what they and the names say about its levels.

Purpose: it decides for one dimension which codes are totals, which are sums of others, and which may be and are
refused; `levels` has the table of decisions.
Called by: `levels`.

Invariants:
- A sum is taken only if it holds wherever the table has a row for it.
- Codes are taken from the smallest up, so that a sum of sums is one of leaves.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from anonymizer.tabular.code_balance import balanced_codes
from anonymizer.tabular.code_sums import SumSearch, evidence
from anonymizer.tabular.crosstab import Codes
from anonymizer.tabular.dimension_levels import DimensionLevels
from anonymizer.tabular.stated_levels import CountRow
from schemas.code_names import crossing, span_of, strength_within, total_strength

__all__ = ["CodeColumns"]

_DOUBT: Final = 5.0  # bits of evidence; independent tables reach this by chance in fewer than one in fifty
_SURE: Final = 20.0

Vectors = npt.NDArray[np.int64]
Given = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class CodeColumns:
    """The counts of one dimension's codes: a row per code, a column per combination of the other dimensions' leaves.

    `given` flags the combinations that the table has a row for; others are 0.
    """

    dimension: DimensionLevels
    codes: tuple[str, ...]
    counts: Vectors
    given: Given

    @classmethod
    def of(
        cls,
        rows: Sequence[CountRow],
        dimensions: Sequence[DimensionLevels],
        dimension: DimensionLevels,
        aside: Mapping[str, Collection[str]],
    ) -> "CodeColumns":
        """Return the counts; rows of other dimensions' totals and sums are left out, and of codes put `aside`."""
        place = dimension.place
        other = [
            (d.place, frozenset(d.leaves) - frozenset(aside.get(d.name, ()))) for d in dimensions if d.place != place
        ]
        kept = [row for row in rows if all(row.codes[i] in leaves for i, leaves in other)]
        codes = tuple(dimension.lines)
        rank = {code: i for i, code in enumerate(codes)}
        columns: dict[Codes, int] = {}
        entries = []
        for row in kept:
            rest = row.codes[:place] + row.codes[place + 1 :]
            entries.append((rank[row.codes[place]], columns.setdefault(rest, len(columns)), row.count))
        counts = np.zeros((len(codes), len(columns)), np.int64)
        given = np.zeros(counts.shape, np.bool_)
        for code, column, count in entries:
            counts[code, column], given[code, column] = count, True
        return cls(dimension, codes, counts, given)

    def _places(self, codes: Iterable[str]) -> list[int]:
        return [self.codes.index(code) for code in codes]

    def _is_sum(self, whole: str, parts: Collection[str]) -> bool:
        """Tell whether a code is the sum of others wherever the table has a row for it, and not of nobody alone."""
        row = self.codes.index(whole)
        sums = self.counts[self._places(parts)].sum(axis=0)
        there = self.given[row]
        return bool(parts) and bool((self.counts[row] == sums)[there].all()) and bool(sums[there].any())

    def take_totals(self, named: Collection[str]) -> None:
        """Take the codes that have the name of a total and are the sum of all leaves."""
        own = self.dimension
        leaves = [code for code in own.leaves if code not in named]
        for code in [code for code in own.leaves if code in named]:
            if self._is_sum(code, leaves):
                own.take_total(code)

    def take_named(self) -> None:
        """Take the codes whose names say of which others they are the sum, from the lowest level up.

        Raises:
            ContractError: CON-086, the names say so, and the counts neither agree nor make it impossible.
        """
        own = self.dimension
        spans = [code for code in own.leaves if span_of(code)]
        for i, code in enumerate(spans):
            if across := next((other for other in spans[i + 1 :] if crossing(code, other)), None):
                raise own.doubt([code, across], "these codes overlap, and neither lies within the other")
        search = SumSearch(self.counts)
        for whole in sorted(own.leaves, key=lambda code: int(self.counts[self.codes.index(code)].sum())):
            every = {code: strength for code in own.lines if (strength := strength_within(code, whole))}
            every = {code: strength for code, strength in every.items() if code not in own.totals}
            sure = [code for code, strength in every.items() if strength > 1]
            parts = next((p for p in map(_highest, (sure, list(every))) if self._is_sum(whole, p)), None)
            if parts is None and every:
                parts = self._wider(search, whole, _highest(list(every)))
            if parts is not None:
                own.take(whole, parts)
            elif sure and self._may_hold(whole, _highest(sure)):
                raise own.doubt(
                    [whole, *_highest(sure)],
                    "the first code is named as one that holds the others, but is not their sum",
                )

    def _wider(self, search: SumSearch, whole: str, parts: Sequence[str]) -> list[str] | None:
        """Return the codes that a code is surely the sum of, if they include those that are named as its parts."""
        if len(parts) == 0:
            return None
        leaves = self._places(code for code in self.dimension.leaves if code != whole)
        for found in search.parts_of(self.codes.index(whole), leaves, _DOUBT):
            codes = [self.codes[i] for i in found.parts]
            filled = [code for code in parts if self.counts[self.codes.index(code)].any()]
            if set(filled) <= set().union(*(self.dimension.below(code) | {code} for code in codes)):
                return [*codes, *(code for code in parts if code not in filled)]
        return None

    def _may_hold(self, whole: str, parts: Sequence[str]) -> bool:
        """Tell whether everybody of the parts may be counted in a code; times and ages hold each other in any case."""
        if span_of(whole):
            return True
        row, there = self.codes.index(whole), self.given[self.codes.index(whole)]
        return bool((self.counts[self._places(parts)].max(axis=0) <= self.counts[row])[there].all())

    def take_sums(self) -> None:
        """Take the codes that are sums of others by the counts alone, from the smallest up.

        Raises:
            ContractError: CON-086, the evidence is less than certain; CON-083, a code has the name of a total, and is
                no sum.
        """
        own = self.dimension
        search = SumSearch(self.counts)
        size = {code: int(self.counts[i].sum()) for i, code in enumerate(self.codes)}
        for whole in sorted(own.leaves, key=lambda code: (size[code], own.lines[code])):
            named = total_strength(whole) > 1
            smaller = self._places(c for c in own.leaves if c != whole and size[c] < size[whole])
            sums = search.parts_of(self.codes.index(whole), smaller, _DOUBT)
            if not sums:
                if named:
                    raise own.no_total(whole)
                continue
            codes = [[self.codes[i] for i in found.parts] for found in sums]
            if len(sums) > 1 or (sums[0].bits < _SURE and not named):
                raise own.doubt([whole, *codes[0]], "the counts of the first code may be the sum of the others'")
            own.take(whole, codes[0])
        self._refuse_twins(search)

    def _refuse_twins(self, search: SumSearch) -> None:
        """Refuse leaves with equal counts throughout, and leaves that are cut in two ways."""
        own = self.dimension
        first: dict[bytes, str] = {}
        for code in own.leaves:
            row = self.counts[self.codes.index(code)]
            twin = first.setdefault(row.tobytes(), code)
            if twin != code and evidence(row, 1, len(own.leaves)) >= _DOUBT:
                raise own.doubt([twin, code], "these codes have equal counts in every row")
        if balance := balanced_codes(self.counts[self._places(own.leaves)], _DOUBT):
            codes = [own.leaves[i] for side in balance for i in side]
            raise own.doubt(codes, "some of these codes may count the same persons as the others, cut in another way")
        if not search.complete:
            raise own.doubt([], "too many codes to look for every sum among them")


def _highest(codes: Sequence[str]) -> list[str]:
    """Return the codes that lie within no other of them."""
    return [code for code in codes if not any(strength_within(code, other) for other in codes if other != code)]
