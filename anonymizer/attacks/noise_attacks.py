"""Attacks on noisy tables: averaging over repeated draws, and reconstruction of small counts by rounding.

Purpose: it decides what counts as recovered: many draws of one cell whose mean is surely rounded to the true count; one
draw whose noise is too small to hide a person; a table with cells without noise.
Called by: `amana attack`.

Invariants:
- Only noisy tables are attacked; a value that was suppressed is left out.

Sources: Dinur and Nissim (2003) for reconstruction; Asghar and Kaafar (2020) for averaging.
"""

import math
from collections.abc import Sequence

from anonymizer.attacks.attack_result import AttackResult
from anonymizer.attacks.published_tables import Codes, PublishedCell, PublishedTable

__all__ = ["averaging", "rounding", "untouched"]

_SURE = 0.5 / 1.96  # of a standard deviation below this, rounding is right nineteen times in twenty


def averaging(tables: Sequence[PublishedTable]) -> AttackResult:
    """Attack cells with several draws: the mean of the draws has less noise than each of them."""
    draws: dict[tuple[frozenset[str], Codes], list[PublishedCell]] = {}
    for table in (t for t in tables if t.noisy):
        for cell in (c for c in table.cells if c.value is not None):
            draws.setdefault((frozenset(table.dims), cell.codes), []).append(cell)
    repeated = {key: cells for key, cells in draws.items() if len({cell.value for cell in cells}) > 1}
    got = [key for key, cells in repeated.items() if math.fsum(c.sd**2 for c in cells) ** 0.5 / len(cells) < _SURE]
    return AttackResult("averaging", len(draws), len(got), tuple(", ".join(codes) for _, codes in got))


def rounding(tables: Sequence[PublishedTable]) -> AttackResult:
    """Attack single draws whose noise is so small that rounding gives the count."""
    noisy = [(t.name, cell) for t in tables if t.noisy for cell in t.cells if cell.value is not None]
    got = [f"{name}: {', '.join(cell.codes)}" for name, cell in noisy if cell.sd < _SURE]
    return AttackResult("rounding", len(noisy), len(got), tuple(got))


def untouched(tables: Sequence[PublishedTable]) -> AttackResult:
    """Attack tables in which cells without noise stand out: more exact zeros than noise would leave."""
    got = []
    attacked = 0
    for table in (t for t in tables if t.noisy):
        values = [cell.value for cell in table.cells if cell.value is not None]
        attacked += len(values)
        zeros = sum(1 for value in values if value == 0)
        # The density of a normal variable at 0 is 1 / (sd · √(2π)), and √(2π) is about 2.5.
        expected = sum(min(1.0, 1 / (max(c.sd, 0.1) * 2.5)) for c in table.cells if c.value is not None)
        if zeros > 3 * expected + 3:
            got.append(table.name)
    return AttackResult("untouched", attacked, len(got), tuple(got))
