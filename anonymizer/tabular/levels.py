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

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from anonymizer.tabular.code_columns import CodeColumns
from anonymizer.tabular.crosstab import Codes
from anonymizer.tabular.dimension_levels import DimensionLevels
from anonymizer.tabular.stated_levels import CountRow, StatedLevels, without_rests
from schemas.code_names import total_strength
from schemas.errors import ContractError
from schemas.trend import TOTAL

__all__ = ["RecognisedLevels", "recognise"]

Given = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RecognisedLevels:
    """A table's leaves with their counts, the groups of leaves that it also shows, and notes on what was taken as what.

    `groups` maps dimension → group → leaves.
    """

    counts: Mapping[Codes, int]
    groups: Mapping[str, Mapping[str, frozenset[str]]]
    notes: tuple[str, ...] = ()


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
        made.append(DimensionLevels(name, place, lines, name in stated.flat))
    # 1. What the user states, and `_T`.
    for dimension in made:
        for code in dimension.lines:
            if code == TOTAL or code in stated.totals:
                dimension.take_total(code)
        for group, parts in stated.groups.get(dimension.name, {}).items():
            # A group none of whose codes is here is a leaf of this table.
            if group in dimension.lines and parts & dimension.lines.keys():
                dimension.take(group, parts & dimension.lines.keys())
    searched = [d for d in made if not d.flat]
    # 2. Names of totals: in all dimensions first, since rows of totals are often there for totals alone.
    named = {d.name: {code for code in d.leaves if total_strength(code)} for d in searched}
    for dimension in searched:
        CodeColumns.of(rows, made, dimension, named).take_totals(named[dimension.name])
    # 3. Names of parts, then the counts alone.
    for dimension in searched:
        columns = CodeColumns.of(rows, made, dimension, named)
        columns.take_named()
        columns.take_totals(named[dimension.name])  # again: the sums among the leaves are known now
        columns.take_sums()
    counts = _checked(rows, made)
    groups = {d.name: d.groups(stated.groups.get(d.name, {})) for d in made}
    notes = tuple(note for d in made for note in d.notes)
    return RecognisedLevels(counts, {name: own for name, own in groups.items() if own}, notes)


def _checked(rows: Sequence[CountRow], dimensions: Sequence[DimensionLevels]) -> dict[Codes, int]:
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


def _membership(dimension: DimensionLevels, codes: Sequence[str]) -> Callable[[str], Given]:
    """Return the function that flags which of `codes` a code of the dimension sums; it remembers its answers."""
    known: dict[str, Given] = {}

    def _flags(code: str) -> Given:
        if code not in known:
            below = dimension.below(code)
            known[code] = np.array([one in below for one in codes], np.bool_)
        return known[code]

    return _flags
