"""The levels of one dimension, as far as they are known: which codes are totals, which are sums of which others.

Purpose: the memory of `levels` while it decides, and the sentences about what it took for what.
Called by: `levels` and `code_columns`.

Invariants:
- A sentence names the dimension and lines, never a code or a count.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from schemas.errors import ContractError
from schemas.trend import TOTAL

__all__ = ["DimensionLevels"]

_SHOWN: Final = 8  # lines that a sentence names


@dataclass(slots=True)
class DimensionLevels:
    """One dimension: the codes in the order of their lines, which are totals, and which are sums of which others."""

    name: str
    place: int
    lines: dict[str, int]
    flat: bool
    totals: set[str] = field(default_factory=set)
    wholes: dict[str, frozenset[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def leaves(self) -> list[str]:
        """Return the codes that are no sum."""
        return [code for code in self.lines if code not in self.totals and code not in self.wholes]

    def below(self, code: str) -> frozenset[str]:
        """Return the leaves that a code sums."""
        if code in self.totals:
            return frozenset(self.leaves)
        if code not in self.wholes:
            return frozenset({code})
        return frozenset().union(*(self.below(part) for part in self.wholes[code]))

    def groups(self, stated: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
        """Return every sum with its leaves: those of the table, and the stated groups that have no row."""
        sums = {whole: self.below(whole) for whole in self.wholes}
        others = {name: codes for name, codes in stated.items() if name not in self.lines}
        return {name: frozenset().union(*map(self.below, codes)) for name, codes in others.items()} | sums

    def take(self, whole: str, parts: Iterable[str]) -> None:
        """Take a code for the sum of others."""
        self.wholes[whole] = frozenset(parts)
        listed = _lines(self.lines[part] for part in self.wholes[whole] if part in self.lines)
        self.notes.append(f"{self.name}: the code of line {self.lines[whole]} is the sum of those of lines {listed}")

    def take_total(self, code: str) -> None:
        """Take a code for the total."""
        self.totals.add(code)
        if code != TOTAL:
            self.notes.append(f"{self.name}: the code of line {self.lines[code]} is the total, published as {TOTAL}")

    def no_total(self, code: str) -> ContractError:
        """Return the refusal of a code that has the name of a total, and is no sum."""
        message = (
            f"line {self.lines[code]} has the name of a total of {self.name}, but is not the sum of its rows; "
            "leave it out, or name its codes with --groups, or the dimension with --flat"
        )
        return ContractError("CON-083", message, field=self.name)

    def doubt(self, codes: Iterable[str], what: str) -> ContractError:
        """Return the refusal of codes whose levels are not certain; of no codes, that of the whole dimension."""
        listed = _lines(self.lines[code] for code in codes)
        where = f"{self.name}, lines {listed}" if listed else self.name
        remedy = "say so with --groups, or with --flat if these codes count different persons"
        return ContractError("CON-086", f"{where}: {what}; {remedy}", field=self.name)


def _lines(numbers: Iterable[int]) -> str:
    shown = sorted(set(numbers))
    return ", ".join(map(str, shown[:_SHOWN])) + (f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else "")
