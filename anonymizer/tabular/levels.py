"""Levels of a statistician's table: the codes that are totals or sums of other codes, and the leaves below them.

Purpose: it decides which rows of a table count people whom other rows count too. Such a table is protected as one of
its leaves, with a group of codes for each sum: then no small leaf can be computed from the sum above it.
Called by: `connectors.offline.table_files`, which reads the rows; `amana protect` prints the notes.

Counts decide, and names are evidence (`schemas.code_names`, `code_sums`):

| counts | names | decision |
|---|---|---|
| the sum in every row | say so | a total or a sum |
| the sum in every row | silent | a sum from 20 bits of evidence, refused from 5 bits, else chance |
| at least every part, but not their sum | say so | refused: say what the code holds |
| below one of its parts | say so, by time or by ages | refused: these codes overlap |
| below one of its parts | say so otherwise | a code like any other |

Invariants:
- What a user states (groups, totals, dimensions without levels) is never overruled, only checked.
- Every row that is a sum is checked against its leaves, and dropped; no leaf is.
- A message names a dimension and lines, never a code or a count.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from anonymizer.tabular.code_balance import balanced_codes
from anonymizer.tabular.code_sums import SumSearch, evidence
from anonymizer.tabular.crosstab import Codes
from anonymizer.tabular.stated_levels import CountRow, StatedLevels, without_rests
from schemas.code_names import crossing, span_of, strength_within, total_strength
from schemas.errors import ContractError
from schemas.trend import TOTAL

__all__ = ["RecognisedLevels", "recognise"]

_DOUBT: Final = 5.0  # bits of evidence; independent tables reach this by chance in fewer than one in fifty
_SURE: Final = 20.0

Vectors = npt.NDArray[np.int64]
Given = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RecognisedLevels:
    """A table's leaves with their counts, the groups of leaves that it also shows, and notes on what was taken as what.

    `groups` maps dimension → group → leaves.
    """

    counts: Mapping[Codes, int]
    groups: Mapping[str, Mapping[str, frozenset[str]]]
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Dimension:
    """One dimension: the codes in the order of their lines, which are totals, and which are sums of which others."""

    name: str
    place: int
    lines: dict[str, int]
    flat: bool
    totals: set[str] = field(default_factory=set)
    wholes: dict[str, frozenset[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def leaves(self) -> list[str]:
        """Return the codes that are no sum."""
        return [code for code in self.lines if code not in self.totals and code not in self.wholes]

    def below(self, code: str) -> frozenset[str]:
        """Return the leaves that a code sums."""
        if code in self.totals:
            return frozenset(self.leaves)
        if code not in self.wholes:
            return frozenset({code})
        return frozenset().union(*(self.below(part) for part in self.wholes[code]))

    def take(self, whole: str, parts: Iterable[str]) -> None:
        """Take a code for the sum of others."""
        self.wholes[whole] = frozenset(parts)
        listed = _lines(self.lines[part] for part in self.wholes[whole] if part in self.lines)
        self.notes.append(f"{self.name}: the code of line {self.lines[whole]} is the sum of those of lines {listed}")

    def take_total(self, code: str) -> None:
        """Take a code for the total."""
        self.totals.add(code)
        if code != TOTAL:
            self.notes.append(f"{self.name}: the code of line {self.lines[code]} is the total, published as {TOTAL}")

    def doubt(self, codes: Iterable[str], what: str) -> ContractError:
        """Return the refusal of codes whose levels are not certain."""
        listed = _lines(self.lines[code] for code in codes)
        remedy = "say so with --groups, or with --flat if these codes count different persons"
        return ContractError("CON-086", f"{self.name}, lines {listed}: {what}; {remedy}", field=self.name)


def _lines(numbers: Iterable[int]) -> str:
    shown = sorted(set(numbers))
    return ", ".join(map(str, shown[:8])) + (f" and {len(shown) - 8} more" if len(shown) > 8 else "")  # noqa: PLR2004


def recognise(rows: Sequence[CountRow], dims: Sequence[str], stated: StatedLevels) -> RecognisedLevels:
    """Find the levels of a table, and reduce it to its leaves.

    Args:
        rows: every row once, by codes; persons per row.
        dims: names of the dimensions, in the order of the codes.
        stated: what the user says about levels.

    Raises:
        ContractError: CON-083, a row that is a total or a sum does not have the persons of its leaves; CON-086, codes
            look like sums of others, and it is not certain that they are.
    """
    rows = without_rests(rows, dims, stated)
    made = []
    for place, name in enumerate(dims):
        lines: dict[str, int] = {}
        for row in rows:
            lines.setdefault(row.codes[place], row.line)
        made.append(_Dimension(name, place, lines, name in stated.flat))
    # 1. What the user states, and `_T`.
    for dimension in made:
        for code in dimension.lines:
            if code == TOTAL or code in stated.totals:
                dimension.take_total(code)
        for group, parts in stated.groups.get(dimension.name, {}).items():
            if group in dimension.lines:
                dimension.take(group, parts & dimension.lines.keys())
    # 2. Names of totals: in all dimensions first, since rows of totals are often there for totals alone.
    named = {d.name: {code for code in d.leaves if total_strength(code)} - _ordinary(d) for d in made}
    for dimension in (d for d in made if not d.flat):
        _Columns.of(rows, made, dimension, named).take_totals(named[dimension.name])
    # 3. Names of parts, then the counts alone.
    for dimension in (d for d in made if not d.flat):
        columns = _Columns.of(rows, made, dimension, {})
        columns.take_named()
        columns.take_sums()
    counts = _checked(rows, made)
    groups = {d.name: {whole: d.below(whole) for whole in d.wholes} for d in made if d.wholes}
    return RecognisedLevels(counts, groups, tuple(note for d in made for note in d.notes))


def _ordinary(dimension: _Dimension) -> set[str]:
    return set(dimension.lines) if dimension.flat else set()


@dataclass(frozen=True, slots=True)
class _Columns:
    """The counts of one dimension's codes: a row per code, a column per combination of the other dimensions' leaves.

    `given` flags the combinations that the table has a row for; others are 0.
    """

    dimension: _Dimension
    codes: tuple[str, ...]
    counts: Vectors
    given: Given

    @classmethod
    def of(
        cls,
        rows: Sequence[CountRow],
        dimensions: Sequence[_Dimension],
        dimension: _Dimension,
        aside: Mapping[str, Collection[str]],
    ) -> "_Columns":
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
        for code in [code for code in own.lines if code in named]:
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
                    raise ContractError(
                        "CON-083",
                        f"line {own.lines[whole]} has the name of a total of {own.name}, but is not the sum of its rows; "
                        "leave it out, or name its codes with --groups, or the dimension with --flat",
                        field=own.name,
                    )
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
            own.notes.append(f"{own.name}: too many codes to look for every sum; state its levels with --groups")


def _highest(codes: Sequence[str]) -> list[str]:
    """Return the codes that lie within no other of them."""
    return [code for code in codes if not any(strength_within(code, other) for other in codes if other != code)]


def _checked(rows: Sequence[CountRow], dimensions: Sequence[_Dimension]) -> dict[Codes, int]:
    """Return the leaves' counts, after every other row was checked against them."""
    leaves = [frozenset(d.leaves) for d in dimensions]
    counts = {
        row.codes: row.count for row in rows if all(code in own for code, own in zip(row.codes, leaves, strict=True))
    }
    flags = [_membership(d, [codes[d.place] for codes in counts]) for d in dimensions]
    persons = np.array([*counts.values()], np.int64)
    for row in rows:
        if row.codes in counts:
            continue
        below = np.ones(len(persons), np.bool_)
        for code, member in zip(row.codes, flags, strict=True):
            below &= member(code)
        if int(persons[below].sum()) != row.count:
            raise ContractError("CON-083", f"line {row.line} is a total or a sum, but not that of its rows")
    return counts


def _membership(dimension: _Dimension, codes: Sequence[str]) -> Callable[[str], Given]:
    """Return the function that flags which of `codes` a code of the dimension sums; it remembers its answers."""
    known: dict[str, Given] = {}

    def _flags(code: str) -> Given:
        if code not in known:
            below = dimension.below(code)
            known[code] = np.array([one in below for one in codes], np.bool_)
        return known[code]

    return _flags
