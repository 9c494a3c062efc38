"""One cross table protected beside all that was published before: what `decide_publication` needs, and what gives way.

Decides which earlier tables matter (those that count some of the same people, or of theirs), and that the largest
margin is withheld first where a table cannot be protected whole. Does not read or write files (`amana.offline`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from anonymizer.policy import Suppression
from anonymizer.tabular.crosstab import Codes, CrossTable, lay_out
from anonymizer.tabular.linear_program import Engine, WorkMeter
from anonymizer.tabular.publication_decision import decide_publication
from schemas.errors import DisclosureError

__all__ = ["ReleasedTable", "overlapping_tables", "protect_table"]

_GIVES_WAY = frozenset({"DIS-021", "DIS-023"})


@dataclass(frozen=True, slots=True)
class ReleasedTable:
    """What may be published: cell → value, None where suppressed; the cells withheld with their margin, and why.

    `unsafe` counts the cells suppressed by themselves; `width` is the least interval, in persons, that the audit found.
    """

    values: Mapping[Codes, int | None]
    withheld: tuple[Codes, ...] = ()
    fault: DisclosureError | None = None
    unsafe: int = 0
    width: float = float("inf")
    programs: int = 0


def overlapping_tables(new: CrossTable, history: Sequence[CrossTable]) -> tuple[CrossTable, ...]:
    """Return the earlier tables that count some of the same people as `new`, or as another that does; in their order.

    Tables with other dimensions are other people's: only rows with equal codes are the same.
    """
    same = [table for table in history if set(table.dims) == set(new.dims)]
    near, reached = [new], set[int]()
    while near:
        table = near.pop()
        for i, other in enumerate(same):
            if i not in reached and all(set(table.codes[d]) & set(other.codes[d]) for d in new.dims):
                reached.add(i)
                near.append(other)
    return tuple(same[i].ordered(new.dims) for i in sorted(reached))


def _blank(new: CrossTable, history: Sequence[CrossTable]) -> frozenset[Codes]:
    """Return the cells of `new` that are suppressed in an earlier table of other codes, in its own codes."""
    found: set[Codes] = set()
    for table in (t.ordered(new.dims) for t in history if set(t.dims) == set(new.dims)):
        own = [table.codes[dim] == new.codes[dim] for dim in new.dims]
        hidden = {_of(key, own) for key, value in (table.values or {}).items() if value is None}
        found |= {key for key in new.cells if _of(key, own) in hidden}
    return frozenset(found)


def _of(key: Codes, own: Sequence[bool]) -> Codes:
    return tuple(code if kept else "" for code, kept in zip(key, own, strict=True))


def protect_table(new: CrossTable, history: Sequence[CrossTable], rules: Suppression, engine: Engine) -> ReleasedTable:
    """Protect a table beside earlier ones.

    Args:
        new: the table to decide.
        history: everything published before, in order.
        rules: k and the agency rules.
        engine: solver, seed, limits.
    """
    before, meter = overlapping_tables(new, history), WorkMeter.of(engine)
    margins = sorted(new.margins, key=lambda m: (_size(new, m), sorted(m)))
    fault: DisclosureError | None = None
    while margins:
        table = replace(new, margins=tuple(margins))
        try:
            return _attempt(table, before, rules, (engine.seed, meter, _blank(table, history)), (new, fault))
        except DisclosureError as error:
            fault = error
            margins = margins[:-1] if error.code in _GIVES_WAY else []
    return ReleasedTable({}, new.cells, fault, programs=meter.solved)


def _size(table: CrossTable, margin: frozenset[str]) -> int:
    size = 1
    for dim in margin:
        size *= len(table.codes[dim])
    return size


def _attempt(
    table: CrossTable,
    before: Sequence[CrossTable],
    rules: Suppression,
    work: tuple[bytes, WorkMeter, frozenset[Codes]],
    asked: tuple[CrossTable, DisclosureError | None],
) -> ReleasedTable:
    layout = lay_out([*before, table])
    seed, solve, blank = work
    names: dict[object, bool] = {key: key in blank for key in table.cells}
    decided = decide_publication(layout.prints, layout.leaves, names, rules, seed, solve)
    totals = layout.prints[-1].members.times(layout.prints[-1].values)
    shown = zip(table.cells, totals.tolist(), decided.withheld.tolist(), strict=True)
    values = {key: None if hide else round(total) for key, total, hide in shown}
    rest = tuple(key for key in asked[0].cells if key not in values)
    return ReleasedTable(values, rest, asked[1], int(decided.unsafe.sum()), decided.width, solve.solved)
