"""What the pattern of suppressed cells says: the attacker knows the rule, and tries which tables it would blank so.

Decides which tables are tried: every one of whole numbers that agrees with what is published, if they are few. Which of
them the rule would have blanked just so is asked of the rule itself, `protect`, with other secrets than the true one.

Source: Cox (1995) and Salazar (2008) on what a published pattern reveals.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

from anonymizer.attacks.attack_result import AttackResult
from anonymizer.attacks.published_tables import Codes, PublishedTable

__all__ = ["pattern"]

_MOST = 200  # tables that are tried

Protect = Callable[[Mapping[Codes, int]], frozenset[Codes]]
"""Counts by leaf → the cells that the rule suppresses."""


def pattern(table: PublishedTable, protect: Protect, k: int) -> AttackResult:
    """Attack one small table; a suppressed leaf is recovered if all tables of this pattern agree on 1 to k-1 in it."""
    hidden = frozenset(cell.codes for cell in table.cells if cell.value is None)
    leaves = [codes for codes in table.leaves if codes in hidden]
    alike = [counts for counts in _tables(table) if protect(counts) == hidden]
    got = (
        [leaf for leaf in leaves if len({counts[leaf] for counts in alike}) == 1 and 0 < alike[0][leaf] < k]
        if alike
        else []
    )
    return AttackResult("pattern", len(leaves), len(got), tuple(f"{table.name}: {', '.join(leaf)}" for leaf in got))


def _tables(table: PublishedTable) -> Iterator[Mapping[Codes, int]]:
    """Yield the tables that agree with the published cells, the first of them."""
    shown = {cell.codes: int(cell.value) for cell in table.cells if cell.value is not None}
    fixed = {leaf: shown[leaf] for leaf in table.leaves if leaf in shown}
    sums = [(table.counted(codes), value) for codes, value in shown.items()]
    open_ = [leaf for leaf in table.leaves if leaf not in fixed]
    yield from islice(_filled(open_, dict(fixed), sums), _MOST)


def _filled(
    open_: Sequence[Codes], counts: dict[Codes, int], sums: Sequence[tuple[Sequence[Codes], int]]
) -> Iterator[Mapping[Codes, int]]:
    room = [(value - sum(counts.get(leaf, 0) for leaf in leaves), leaves) for leaves, value in sums]
    if any(left < 0 or (left > 0 and all(leaf in counts for leaf in leaves)) for left, leaves in room):
        return
    if not open_:
        yield dict(counts)
        return
    leaf, rest = open_[0], open_[1:]
    most = min((left for left, leaves in room if leaf in leaves), default=0)
    for count in range(most + 1):
        yield from _filled(rest, counts | {leaf: count}, sums)
