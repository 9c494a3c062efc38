"""The attack on the suppression pattern itself: the attacker knows the rule, and asks which tables it would blank so.

Purpose: it tries tables of whole numbers that agree with the published cells, the first 200. The rule itself, with
other secrets than the true one, tells which of them it would have blanked in the same pattern.
Called by: the attack tests; it needs the rule as a function.

Invariants:
- A cell counts as recovered only by agreement of all tried tables that the rule blanks alike; where there are more than
  200 tables, the result says that it is not complete.

Source: Cox (1995) and Salazar (2008) on what a published pattern reveals.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

from anonymizer.attacks.attack_result import AttackResult
from anonymizer.attacks.published_tables import Codes, PublishedTable

__all__ = ["pattern"]

_MOST = 200  # tables that are tried

Protect = Callable[[Mapping[Codes, int]], frozenset[Codes]]
"""Counts by elementary cell → the cells that the rule suppresses."""


def pattern(table: PublishedTable, protect: Protect, k: int) -> AttackResult:
    """Attack one small table.

    A suppressed elementary cell is recovered if it has the same 1 to k-1 persons in all tables that the rule would
    blank in this pattern.
    """
    shown = {cell.codes: int(cell.value) for cell in table.cells if cell.value is not None}
    hidden = frozenset(cell.codes for cell in table.cells if cell.value is None)
    fixed = {element: shown[element] for element in table.elements if element in shown}
    sums = [(table.counted(codes), value) for codes, value in shown.items()]
    open_ = [element for element in table.elements if element not in fixed]
    # The first 200 tables that agree with the published cells, and of these the ones that the rule blanks alike.
    tables = [*islice(_filled(open_, dict(fixed), sums), _MOST + 1)]
    alike = [counts for counts in tables[:_MOST] if protect(counts) == hidden]
    elements = [codes for codes in table.elements if codes in hidden]
    got = [codes for codes in elements if alike and 0 < alike[0][codes] < k and len({t[codes] for t in alike}) == 1]
    names = tuple(f"{table.name}: {', '.join(codes)}" for codes in got)
    return AttackResult("pattern", len(elements), len(got), names, complete=len(tables) <= _MOST)


def _filled(
    open_: Sequence[Codes], counts: dict[Codes, int], sums: Sequence[tuple[Sequence[Codes], int]]
) -> Iterator[Mapping[Codes, int]]:
    """Yield every way to fill the open elementary cells, one after the other, within the published sums."""
    # A sum with nothing left to give, or with something left and no open cell, ends the branch.
    room = [(value - sum(counts.get(element, 0) for element in elements), elements) for elements, value in sums]
    if any(left < 0 or (left > 0 and all(element in counts for element in elements)) for left, elements in room):
        return
    if not open_:
        yield dict(counts)
        return
    element, rest = open_[0], open_[1:]
    most = min((left for left, elements in room if element in elements), default=0)
    for count in range(most + 1):
        yield from _filled(rest, counts | {element: count}, sums)
