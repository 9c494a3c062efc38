"""The privacy loss that earlier noisy tables mean to a person of a new one.

Purpose: it decides which draws of a history may have counted the same person, and adds up what they cost.
Called by: `amana protect`, which prints the sum before it draws.

A row is a set of persons by its codes (equal codes are the same persons in every table of a history):

| earlier tables | counted the person, if nobody is in two cells of one table |
|---|---|
| of the same dimensions | those that have the codes of the person's cell |
| of other dimensions | of those with the same dimensions among them, the dearest that have one cell in common |

Where a person may be in several cells, all of them did.

Invariants:
- The sum is that of the person who lost most: never less than what anybody of the new table lost.
- Tables of other dimensions are never taken for tables about others: nothing in them says so.
"""

from collections.abc import Sequence
from itertools import groupby

from anonymizer.tabular.crosstab import CrossTable

__all__ = ["Loss", "loss_before"]

Loss = tuple[CrossTable, int]
"""An earlier table, and the rho of its draw."""


def loss_before(new: CrossTable, earlier: Sequence[Loss], cells: int) -> int:
    """Return the most that earlier draws cost one person of a new table, in the unit of rho.

    Args:
        new: the table to draw.
        earlier: the draws before it.
        cells: cells of a table in which one person may be counted.
    """
    if cells > 1:
        return sum(rho for _, rho in earlier)
    by_dims = sorted(earlier, key=lambda loss: sorted(loss[0].dims))
    return sum(
        _deepest([table for table, _ in family], [rho for _, rho in family], new if _alike(family[0][0], new) else None)
        for family in (list(group) for _, group in groupby(by_dims, key=lambda loss: sorted(loss[0].dims)))
    )


def _alike(one: CrossTable, other: CrossTable) -> bool:
    return set(one.dims) == set(other.dims)


def _deepest(tables: Sequence[CrossTable], rhos: Sequence[int], within: CrossTable | None) -> int:
    """Return the greatest sum of rho over tables of the same dimensions that have one cell in common."""
    alive = {frozenset(range(len(tables)))}
    for dim in tables[0].dims:
        codes = {code for table in tables for code in table.codes[dim]} if within is None else set(within.codes[dim])
        # Codes that the same tables have are one: there are no more of these than tables can be told apart by.
        holders = {frozenset(i for i, table in enumerate(tables) if code in set(table.codes[dim])) for code in codes}
        alive = {chosen & held for chosen in alive for held in holders}
    return max((sum(rhos[i] for i in chosen) for chosen in alive), default=0)
