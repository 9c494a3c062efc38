"""Attacks on exact tables by linear and integer programs: margins, history, revisions, reconstruction, an insider.

Decides what counts as recovered: a sum of people that must be of 1 to k-1, whether one number or not; and what is left
of a total beside its published parts, if that is 1 to k-1. Where the true counts are given: a sum of 1 to k-1 people
that cannot be none, or cannot be k (an interval violation). A count of k and more that was blanked as cover for others,
and is told by a later print, is no secret.

Source: Fischetti and Salazar (2001) for feasibility intervals; Garfinkel, Abowd, Martindale (2018) for reconstruction.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from anonymizer.attacks.attack_result import AttackResult, merge_results
from anonymizer.attacks.intervals import Bounds, BoundsSolver, bounds
from anonymizer.attacks.knowledge import Knowledge, LinearEquation, LinearForm, Possible, gather
from anonymizer.attacks.published_tables import Codes, PublishedTable
from schemas.trend import TOTAL

__all__ = ["Engines", "Truth", "history", "insider", "integers", "margins", "membership", "revisions"]

Truth = Mapping[tuple[str, Codes], int]
"""True counts by table and leaf, for a self-test: an attacker has none."""

_EXACT = 0.5
_CLOSE = 1e-6
_SECONDS = 2.0
_HARDEST = 20  # sums that are tried in whole numbers: those with the narrowest intervals

Sum = tuple[str, Codes, LinearForm]


@dataclass(frozen=True, slots=True)
class Engines:
    """What solves: `take` takes knowledge up, `unique` tries whole numbers."""

    take: Callable[[int, Sequence[LinearEquation]], BoundsSolver]
    possible: Possible
    unique: Callable[[int, Sequence[LinearEquation], LinearForm, float], int | None]


def _told(bound: Bounds, k: int) -> bool:
    return bound.low > _EXACT and bound.high < k - _EXACT


def _called(table: str, codes: Codes) -> str:
    return f"{table}: {', '.join(codes)}" if table else ", ".join(codes)


def _attack(
    name: str, known: Knowledge, sums: Sequence[Sum], k: int, engines: Engines, truth: Sequence[float | None]
) -> AttackResult:
    def violated(i: int, low: float, high: float) -> bool:
        true = truth[i]
        return true is not None and 0 < abs(true) < k and (low > _CLOSE or high < k - _CLOSE) and true > 0

    def enough(i: int, low: float, high: float) -> bool:
        return not violated(i, low, high) and (truth[i] is not None or not _told(Bounds(low, high), k))

    found = bounds([line for *_, line in sums], engines.take(known.variables, known.equations), enough, 2.0 * k)
    got = [
        _called(table, codes)
        for i, ((table, codes, _), b) in enumerate(zip(sums, found, strict=True))
        if not enough(i, b.low, b.high)
    ]
    return AttackResult(name, len(sums), len(got), tuple(got))


def _truths(sums: Iterable[Sum], tables: Sequence[PublishedTable], truth: Truth | None) -> list[float | None]:
    by_name = {table.name: table for table in tables}
    return [
        None if truth is None else float(sum(truth.get((name, leaf), 0) for leaf in by_name[name].counted(codes)))
        for name, codes, _ in sums
    ]


def margins(tables: Sequence[PublishedTable], k: int, engines: Engines, truth: Truth | None = None) -> AttackResult:
    """Every table by itself: what do its totals say of its suppressed cells?"""
    parts = []
    for table in (t for t in tables if not t.noisy):
        known = gather([table], engines.possible)
        parts.append(_attack("margins", known, known.hidden, k, engines, _truths(known.hidden, tables, truth)))
    left = [one for table in tables if not table.noisy for one in _left(table, k)]
    return merge_results([*parts, AttackResult("margins", 0, len(left), tuple(left))])[0]


def _left(table: PublishedTable, k: int) -> Iterator[str]:
    """Yield the totals that leave 1 to k-1 people to their suppressed parts."""
    values = {cell.codes: cell.value for cell in table.cells}
    for cell in table.cells:
        for place, dim in enumerate(table.dims):
            if cell.codes[place] != TOTAL or cell.value is None:
                continue
            parts = [
                values.get((*cell.codes[:place], code, *cell.codes[place + 1 :]), -1) for code in table.universe[dim]
            ]
            rest = cell.value - sum(part for part in parts if part is not None)
            if -1 not in parts and 0 < rest < k:
                yield f"{table.name}: {', '.join(cell.codes)}, beside its {dim}"


def history(tables: Sequence[PublishedTable], k: int, engines: Engines, truth: Truth | None = None) -> AttackResult:
    """All tables together: windows, roll-ups, overlapping groups, revisions."""
    known = gather(tables, engines.possible)
    return _attack("history", known, known.hidden, k, engines, _truths(known.hidden, tables, truth))


def revisions(tables: Sequence[PublishedTable], k: int, engines: Engines) -> AttackResult:
    """What came between two prints of the same people: cells printed twice, and single leaves."""
    known = gather(tables, engines.possible)
    return _attack("revisions", known, known.gains, k, engines, [None] * len(known.gains))


def integers(tables: Sequence[PublishedTable], k: int, engines: Engines) -> AttackResult:
    """Whole numbers only: the narrowest suppressed cells, for those that fractions alone keep open."""
    known = gather(tables, engines.possible)
    lines = [line for *_, line in known.hidden]
    solver = engines.take(known.variables, known.equations)
    wide = bounds(lines, solver, lambda _i, low, high: high - low >= 2 * k, 3.0 * k)
    order = sorted((i for i, b in enumerate(wide) if b.high - b.low < 2 * k), key=lambda i: wide[i].high - wide[i].low)
    got = []
    for i in order[:_HARDEST]:
        name, codes, line = known.hidden[i]
        value = engines.unique(known.variables, known.equations, line, _SECONDS)
        if value:
            got.append(f"{name}: {', '.join(codes)}")
    return AttackResult("integers", min(len(order), _HARDEST), len(got), tuple(got))


def membership(tables: Sequence[PublishedTable], k: int, engines: Engines) -> AttackResult:
    """Is anybody there? Leaves that must hold somebody, and fewer than k."""
    known = gather(tables, engines.possible)
    leaves = [("", codes, line) for (_, codes), line in known.leaves.items()]
    return _attack("membership", known, leaves, k, engines, [None] * len(leaves))


def insider(tables: Sequence[PublishedTable], k: int, own: Mapping[Codes, int]) -> AttackResult:
    """An agency takes away what it reported itself, by leaf: which published cells are then those of a few others?"""
    exact = [t for t in tables if not t.noisy]
    rest = [
        (f"{t.name}: {', '.join(cell.codes)}", cell.value - sum(own.get(leaf, 0) for leaf in t.counted(cell.codes)))
        for t in exact
        for cell in t.cells
        if cell.value is not None
    ]
    got = [name for name, others in rest if 0 < others < k]
    return AttackResult("insider", len(rest), len(got), tuple(got))
