"""Attacks on exact tables by linear and integer programs: margins, history, revisions, reconstruction, an insider.

Purpose: it decides what counts as recovered.

- A sum of people that must be 1 to k-1, whether it is one number or not.
- A total less its published parts, if that is 1 to k-1.
- If the true counts are given: a sum of 1 to k-1 people that cannot be 0, or cannot be k (an interval violation).

An insider is an agency that knows its own persons: it attacks the same tables without them (`without`). It recovers
what an outsider would of the others' persons, a published cell of 1 to k-1 others, and that others changed nothing: it
may have reported one person to see whether a count moves.

A count of k or more that was suppressed as cover for others, and is told by a later publication, is no secret. Solves
nothing itself: `Engines` holds the solvers.

Called by: `streams.core.releasing.pre_release_attack` (margins, history, revisions, insiders) and `amana attack` (all);
`anonymizer.solvers.ortools_engine` fills `Engines`.

Invariants:
- Noisy tables are left out, and tables are taken in the order of their publication.
- A result names tables and codes, and holds no count.

Sources: Fischetti and Salazar (2001) for feasibility intervals; Garfinkel, Abowd, Martindale (2018) for reconstruction.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from anonymizer.attacks.attack_result import AttackResult, merge_results
from anonymizer.attacks.intervals import BoundsSolver, bounds
from anonymizer.attacks.knowledge import Knowledge, LinearEquation, LinearForm, Possible, gather
from anonymizer.attacks.published_tables import Codes, PublishedTable
from schemas.trend import TOTAL

__all__ = [
    "Engines",
    "Truth",
    "history",
    "insider",
    "insiders",
    "integers",
    "margins",
    "membership",
    "revisions",
    "unchanged",
    "without",
]

Truth = Mapping[tuple[str, Codes], int]
"""True counts by table and elementary cell, for a self-test; an attacker has none."""

_EXACT = 0.5  # of a person: bounds are of fractions, counts are whole
_CLOSE = 1e-6  # error of a solver
_SECONDS = 2.0  # for one sum in whole numbers
_HARDEST = 20  # sums that are tried in whole numbers: those with the narrowest intervals

Sum = tuple[str, Codes, LinearForm]
"""Table, codes of the cell, and the sum of variables that the cell is."""


@dataclass(frozen=True, slots=True)
class Engines:
    """The solvers: `take` loads equations, `possible` tells whether they can hold, `unique` tries whole numbers."""

    take: Callable[[int, Sequence[LinearEquation]], BoundsSolver]
    possible: Possible
    unique: Callable[[int, Sequence[LinearEquation], LinearForm, float], int | None]


def _attack(
    name: str, known: Knowledge, sums: Sequence[Sum], k: int, engines: Engines, truth: Sequence[float | None]
) -> AttackResult:
    """Bound every sum and report those whose bounds are too close; `truth` holds the true sums that are known."""

    def _is_enough(i: int, low: float, high: float) -> bool:
        true = truth[i]
        if true is None:
            # An attacker is sure only of a sum that must be 1 to k-1.
            return not (low > _EXACT and high < k - _EXACT)
        # A self-test asks for more: a sum that is 1 to k-1 must possibly be 0, and possibly k.
        return not (0 < true < k and (low > _CLOSE or high < k - _CLOSE))

    intervals = bounds([line for *_, line in sums], engines.take(known.variables, known.equations), _is_enough, 2.0 * k)
    got = [
        f"{table}: {', '.join(codes)}" if table else ", ".join(codes)
        for i, ((table, codes, _), b) in enumerate(zip(sums, intervals, strict=True))
        if not _is_enough(i, b.low, b.high)
    ]
    return AttackResult(name, len(sums), len(got), tuple(got))


def _truths(sums: Iterable[Sum], tables: Sequence[PublishedTable], truth: Truth | None) -> list[float | None]:
    """Return the true value of every sum, None without the truth."""
    by_name = {table.name: table for table in tables}
    return [
        None if truth is None else float(sum(truth.get((name, element), 0) for element in by_name[name].counted(codes)))
        for name, codes, _ in sums
    ]


def margins(tables: Sequence[PublishedTable], k: int, engines: Engines, truth: Truth | None = None) -> AttackResult:
    """Attack every table by itself: its suppressed cells, from its totals."""
    parts = []
    for table in (t for t in tables if not t.noisy):
        known = gather([table], engines.possible)
        parts.append(_attack("margins", known, known.hidden, k, engines, _truths(known.hidden, tables, truth)))
    left = [cell for table in tables if not table.noisy for cell in _small_rests(table, k)]
    return merge_results([*parts, AttackResult("margins", 0, len(left), tuple(left))])[0]


def _small_rests(table: PublishedTable, k: int) -> Iterator[str]:
    """Yield the totals and groups whose suppressed parts together have 1 to k-1 people."""
    values = {cell.codes: cell.value for cell in table.cells}
    for cell in table.cells:
        for place, dim in enumerate(table.dims):
            code = cell.codes[place]
            if cell.value is None or not (code == TOTAL or code in table.groups.get(dim, {})):
                continue
            below = table.under(dim, code)
            parts = [values.get((*cell.codes[:place], part, *cell.codes[place + 1 :]), -1) for part in below]
            rest = cell.value - sum(part for part in parts if part is not None)
            # -1 stands for a part that the table does not have: then the rest is not that of the suppressed parts. Nor
            # is it where a total counts the same part several times.
            if -1 not in parts and len(set(below)) == len(below) and 0 < rest < k:
                yield f"{table.name}: {', '.join(cell.codes)}, beside its {dim}"


def history(tables: Sequence[PublishedTable], k: int, engines: Engines, truth: Truth | None = None) -> AttackResult:
    """Attack all tables together: windows, roll-ups, overlapping groups, revisions."""
    known = gather(tables, engines.possible)
    return _attack("history", known, known.hidden, k, engines, _truths(known.hidden, tables, truth))


def revisions(tables: Sequence[PublishedTable], k: int, engines: Engines) -> AttackResult:
    """Attack the changes between two publications of the same people: of cells and of elementary cells."""
    known = gather(tables, engines.possible)
    return _attack("revisions", known, known.gains, k, engines, [None] * len(known.gains))


def integers(tables: Sequence[PublishedTable], k: int, engines: Engines) -> AttackResult:
    """Attack the suppressed cells with the narrowest intervals in whole numbers, which fractions cannot rule out."""
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
    """Attack the elementary cells: report those that must hold somebody, and fewer than k."""
    known = gather(tables, engines.possible)
    elements = [("", codes, line) for (_, codes), line in known.elements.items()]
    return _attack("membership", known, elements, k, engines, [None] * len(elements))


def unchanged(tables: Sequence[PublishedTable], engines: Engines) -> AttackResult:
    """Report the sums of which the tables tell that they did not change between two publications.

    A sum that must be 0 is none of these: that nobody is there may be told, and says that nobody came.
    """
    known = gather(tables, engines.possible, is_asking=True)

    def _is_enough(_: int, low: float, high: float) -> bool:
        return low < -_EXACT or high > _EXACT

    lines = [line for *_, line in known.gains]
    solver = engines.take(known.variables, known.equations)
    still = [i for i, b in enumerate(bounds(lines, solver, _is_enough, 1.0)) if not _is_enough(i, b.low, b.high)]
    counts = bounds([known.gained[i] for i in still], solver, lambda _i, _low, high: high > _EXACT, 1.0)
    told = [known.gains[i] for i, b in zip(still, counts, strict=True) if b.high > _EXACT]
    got = [f"{table}: {', '.join(codes)}" for table, codes, _ in told]
    return AttackResult("unchanged", len(lines), len(got), tuple(got))


def without(table: PublishedTable, own: Mapping[Codes, float]) -> PublishedTable:
    """Return a table without an agency's own persons; `own` maps the table's cells to how many they are."""
    cells = (
        cell if cell.value is None else replace(cell, value=cell.value - own.get(cell.codes, 0.0))
        for cell in table.cells
    )
    return replace(table, cells=tuple(cells))


def insiders(others: Sequence[PublishedTable], k: int, engines: Engines, *, of_persons: bool) -> AttackResult:
    """Attack tables without an agency's own persons, with all that an outsider can do and what an agency can besides.

    Args:
        others: the published tables, each `without` the agency's persons.
        k: fewest persons in a published cell.
        engines: the solvers.
        of_persons: whether the tables count persons, of whom the agency can report one and look whether a count moves.
    """
    results = [
        _told(others, k),
        margins(others, k, engines),
        history(others, k, engines),
        membership(others, k, engines),
    ]
    if len(others) > 1:
        results.append(revisions(others, k, engines))
        results += [unchanged(others, engines)] if of_persons else []
    return merge_results([replace(result, attack="insider") for result in results])[0]


def insider(tables: Sequence[PublishedTable], k: int, own: Mapping[Codes, int], engines: Engines) -> AttackResult:
    """Attack tables as an agency does that knows its own persons in each elementary cell.

    Args:
        tables: the published tables, in which the agency has the same persons.
        k: fewest persons in a published cell.
        own: elementary cell → persons that the agency reported, whoever else did.
        engines: the solvers.
    """
    counts = {
        (t.name, cell.codes): float(sum(own.get(element, 0) for element in t.counted(cell.codes)))
        for t in tables
        for cell in t.cells
        if not t.noisy
    }
    others = [without(t, {codes: n for (name, codes), n in counts.items() if name == t.name}) for t in tables]
    # The file says nothing of changes between publications, so nobody asks whether any count moved.
    return insiders([table for table in others if not table.noisy], k, engines, of_persons=False)


def _told(tables: Sequence[PublishedTable], k: int) -> AttackResult:
    """Report the published cells of 1 to k-1 persons."""
    shown = [(f"{t.name}: {', '.join(c.codes)}", c.value) for t in tables if not t.noisy for c in t.cells]
    values = [(name, value) for name, value in shown if value is not None]
    got = tuple(name for name, value in values if 0 < value < k)
    return AttackResult("insider", len(values), len(got), got)
