"""Protection of one cross table of a statistician, beside everything that was published before.

Purpose: it decides which earlier tables matter, and what gives way if the rules cannot be kept: the largest margin is
withheld first. Files are read and written in `connectors.offline`.
Called by: `amana protect`; `connectors.offline.table_files` spells the result.

Invariants:
- An earlier table matters if it counts some of the same people as the new one, or as another table that matters.
- A value is returned only out of a pattern that passed its audit.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from anonymizer.suppression_rules import Suppression
from anonymizer.tabular.crosstab import Codes, CrossTable, lay_out
from anonymizer.tabular.linear_program import Engine, WorkMeter
from anonymizer.tabular.publication_decision import GIVES_WAY, decide_publication
from schemas.errors import DisclosureError

__all__ = ["ReleasedTable", "overlapping_tables", "protect_table"]


@dataclass(frozen=True, slots=True)
class ReleasedTable:
    """The result of protecting a table: cell → value, None where suppressed.

    `withheld` are the cells of the margins that could not be protected, with the last `fault`. `unsafe` counts the
    primary suppressions; `width` is the least interval, in persons, that the audit found; `programs` were solved.
    """

    values: Mapping[Codes, int | None]
    withheld: tuple[Codes, ...] = ()
    fault: DisclosureError | None = None
    unsafe: int = 0
    width: float = float("inf")
    programs: int = 0


def overlapping_tables(new: CrossTable, history: Sequence[CrossTable]) -> tuple[CrossTable, ...]:
    """Return the earlier tables that share people with `new`, directly or through another of them, in their order.

    Two tables share people if they have the same dimensions and, in each, a code in common. Tables with other
    dimensions are taken to be of other people.
    """
    same = [table for table in history if set(table.dims) == set(new.dims)]
    to_visit, reached = [new], set[int]()
    while to_visit:
        table = to_visit.pop()
        for i, other in enumerate(same):
            if i not in reached and all(set(table.codes[d]) & set(other.codes[d]) for d in new.dims):
                reached.add(i)
                to_visit.append(other)
    return tuple(same[i].ordered(new.dims) for i in sorted(reached))


def _suppressed_elsewhere(new: CrossTable, history: Sequence[CrossTable]) -> frozenset[Codes]:
    """Return the cells of `new` that an earlier table suppresses for another period, in the codes of `new`.

    The period is whichever dimensions have other codes there (a quarter, a year): they are left out of the comparison.
    """
    cells: set[Codes] = set()
    for table in (t.ordered(new.dims) for t in history if set(t.dims) == set(new.dims)):
        compared = [table.codes[dim] == new.codes[dim] for dim in new.dims]
        hidden = {_masked(key, compared) for key, value in (table.values or {}).items() if value is None}
        cells |= {key for key in new.cells if _masked(key, compared) in hidden}
    return frozenset(cells)


def _masked(key: Codes, compared: Sequence[bool]) -> Codes:
    return tuple(code if kept else "" for code, kept in zip(key, compared, strict=True))


def protect_table(new: CrossTable, history: Sequence[CrossTable], rules: Suppression, engine: Engine) -> ReleasedTable:
    """Protect a table beside earlier ones; if that fails, without its largest margins.

    Args:
        new: the table to decide.
        history: everything published before, in order.
        rules: k and the agency rules.
        engine: solvers, seed, limits.
    """
    before, meter = overlapping_tables(new, history), WorkMeter.of(engine)
    margins = sorted(new.margins, key=lambda m: (math.prod(len(new.codes[dim]) for dim in m), sorted(m)))
    fault: DisclosureError | None = None
    while margins:
        table = replace(new, margins=tuple(margins))
        try:
            return _protected(table, before, rules, (engine.seed, meter, history), (new, fault))
        except GIVES_WAY as reason:
            fault, margins = reason, margins[:-1]
        except DisclosureError as reason:
            fault, margins = reason, []  # less detail would not help
    return ReleasedTable({}, new.cells, fault, programs=meter.solved)


def _protected(
    table: CrossTable,
    before: Sequence[CrossTable],
    rules: Suppression,
    work: tuple[bytes, WorkMeter, Sequence[CrossTable]],
    asked: tuple[CrossTable, DisclosureError | None],
) -> ReleasedTable:
    """Protect a table with the margins that are left; `asked` is the whole table and the fault that took the others."""
    layout = lay_out([*before, table])
    seed, solve, history = work
    blank = _suppressed_elsewhere(table, history)
    names: dict[object, tuple[bool, bool]] = {key: (key in blank, False) for key in table.cells}
    decision = decide_publication(layout.publications, layout.links, names, rules, seed, solve)
    last = layout.publications[-1]
    totals = last.members @ last.values
    cells = zip(table.cells, totals.tolist(), decision.withheld.tolist(), strict=True)
    values = {key: None if hidden else round(total) for key, total, hidden in cells}
    rest = tuple(key for key in asked[0].cells if key not in values)
    return ReleasedTable(values, rest, asked[1], int(decision.unsafe.sum()), decision.width, solve.solved)
