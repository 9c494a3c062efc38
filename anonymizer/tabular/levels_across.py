"""Levels that lie in two tables of a history: countries in one, their governorates in the next.

Purpose: it decides whether a new table counts people of an earlier one under other codes. Rows of two tables are
related by equal codes alone, so such a table would be protected as if it were about other people.
Called by: `amana protect`, before anything is protected.

Invariants:
- Only codes that one of the two tables lacks are compared; a year that is given with the rows of its quarters is the
  same as the quarters.
- What the user states to be flat is not compared by names of levels or by counts; two spellings of one code are refused
  in any case.
- A message names a dimension, never a code or a count.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from anonymizer.tabular.code_sums import SumSearch
from anonymizer.tabular.crosstab import Codes, CrossTable
from schemas.code_names import crossing, folded, same_code, strength_within
from schemas.errors import ContractError

__all__ = ["refuse_other_levels"]

_DOUBT: Final = 8.0  # bits of evidence; more than within one table, since there may be many earlier ones


def refuse_other_levels(new: CrossTable, history: Sequence[CrossTable], flat: Collection[str]) -> None:
    """Refuse a table that counts at another level, or in other spellings, than an earlier one.

    Raises:
        ContractError: CON-085, two spellings of one code, or of a dimension; CON-089, another level.
    """
    for earlier in history:
        pairs = {folded(dim): dim for dim in earlier.dims}
        if any(pairs.get(folded(dim), dim) != dim for dim in new.dims):
            raise ContractError("CON-085", "an earlier table of this history spells the name of a dimension otherwise")
        if set(earlier.dims) != set(new.dims):
            continue
        table = earlier.ordered(new.dims)
        for dim in new.dims:
            ours, theirs = _alone(new, table, dim), _alone(table, new, dim)
            if {same_code(code) for code in ours} & {same_code(code) for code in theirs}:
                raise ContractError(
                    "CON-085", f"{dim}: an earlier table of this history spells a code otherwise", field=dim
                )
            renamed = {*ours} & {*table.groups.get(dim, {})} or {*theirs} & {*new.groups.get(dim, {})}
            if renamed or (dim not in flat and (_named(ours, theirs) or _summed(new, table, dim, ours, theirs))):
                message = (
                    f"{dim}: an earlier table of this history counts the same persons at another level: give the rows "
                    "of the lowest level in both tables and the others as --groups, or name the dimension with --flat"
                )
                raise ContractError("CON-089", message, field=dim)


def _alone(table: CrossTable, other: CrossTable, dim: str) -> Codes:
    """Return the codes that the other table does not have."""
    return tuple(sorted(set(table.codes[dim]) - set(other.codes[dim])))


def _named(ours: Codes, theirs: Codes) -> bool:
    return any(
        strength_within(one, other) > 1 or strength_within(other, one) > 1 or crossing(one, other)
        for one in ours
        for other in theirs
    )


def _summed(new: CrossTable, table: CrossTable, dim: str, ours: Codes, theirs: Codes) -> bool:
    """Tell whether a code of one table is by its counts surely the sum of codes of the other."""
    if not ours or not theirs or any(new.codes[d] != table.codes[d] for d in new.dims if d != dim):
        return False
    vectors = _vectors([(new, ours), (table, theirs)], dim)
    search = SumSearch(vectors)
    sides = range(len(ours)), range(len(ours), len(vectors))
    return any(search.parts_of(whole, parts, _DOUBT) for wholes, parts in (sides, sides[::-1]) for whole in wholes)


def _vectors(chosen: Sequence[tuple[CrossTable, Codes]], dim: str) -> npt.NDArray[np.int64]:
    """Return the counts of codes, a row per code, a column per combination of the other dimensions' codes."""
    columns: dict[Codes, int] = {}
    entries = [*_entries(chosen, dim, columns)]
    vectors = np.zeros((sum(len(codes) for _, codes in chosen), max(1, len(columns))), np.int64)
    for row, column, count in entries:
        vectors[row, column] = count
    return vectors


def _entries(
    chosen: Sequence[tuple[CrossTable, Codes]], dim: str, columns: dict[Codes, int]
) -> Iterator[tuple[int, int, int]]:
    first = 0
    for table, codes in chosen:
        place = table.dims.index(dim)
        rank = {code: first + i for i, code in enumerate(codes)}
        for key, count in table.counts.items():
            if key[place] in rank:
                rest = key[:place] + key[place + 1 :]
                yield rank[key[place]], columns.setdefault(rest, len(columns)), count
        first += len(codes)
