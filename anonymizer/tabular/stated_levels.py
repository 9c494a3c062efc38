"""Rows of a statistician's table, and what its user states about levels.

Purpose: the input of `levels`: rows with their lines, groups of codes, codes that are totals, dimensions without
levels. A group may hold other groups, and `_O`, the persons who are in none of its listed codes.
Called by: `levels` and `connectors.offline.table_files`, which reads both from files.

Invariants:
- The rest of a group is a leaf of its own, `GROUP:_O`: what is left of the group's rows after those of its parts.
- A rest is never negative.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from anonymizer.tabular.crosstab import Codes
from schemas.code_names import REST
from schemas.errors import ConfigurationError, ContractError
from schemas.trend import TOTAL

__all__ = ["CountRow", "StatedLevels", "without_rests"]

Groups = Mapping[str, Mapping[str, frozenset[str]]]


@dataclass(frozen=True, slots=True)
class CountRow:
    """One row: the line on which it ends, its codes, and its persons."""

    line: int
    codes: Codes
    count: int


@dataclass(frozen=True, slots=True)
class StatedLevels:
    """What a user states: dimension → group → leaves; codes that are totals; dimensions whose codes are no sums."""

    groups: Groups = field(default_factory=dict)
    totals: frozenset[str] = frozenset()
    flat: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls, groups: Groups, totals: frozenset[str] = frozenset(), flat: frozenset[str] = frozenset()
    ) -> "StatedLevels":
        """Resolve groups of groups, and name the rest of each group that has one.

        Raises:
            ConfigurationError: CFG-082, a group that holds itself, or has the name of a total.
        """
        return cls({dim: _resolved(dim, names) for dim, names in groups.items()}, totals, flat)


def _resolved(dim: str, groups: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    def _leaves(name: str, above: tuple[str, ...]) -> Iterator[str]:
        if name in above or name == TOTAL:
            raise ConfigurationError("CFG-082", "a group holds itself, or has the name of a total", field=dim)
        if name not in groups:
            yield name
            return
        for code in sorted(groups[name]):
            if code == REST:
                yield f"{name}:{REST}"
            else:
                yield from _leaves(code, (*above, name))

    return {name: frozenset(_leaves(name, ())) for name in groups}


def without_rests(rows: Sequence[CountRow], dims: Sequence[str], stated: StatedLevels) -> list[CountRow]:
    """Replace the rows of every group that has a rest by rows of its rest.

    Raises:
        ContractError: CON-087, a group with a rest has fewer persons than its parts together.
    """
    kept = list(rows)
    for place, dim in enumerate(dims):
        groups = stated.groups.get(dim, {})
        # The smallest groups first: the rest of a group inside is a part of the group outside.
        for group in sorted(groups, key=lambda name: (len(groups[name]), name)):
            rest = f"{group}:{REST}"
            if rest not in groups[group] or not any(row.codes[place] == group for row in kept):
                continue
            spent: dict[Codes, int] = {}
            for row in kept:
                if row.codes[place] in groups[group]:
                    others = row.codes[:place] + row.codes[place + 1 :]
                    spent[others] = spent.get(others, 0) + row.count
            kept = [_rest(row, place, rest, spent) if row.codes[place] == group else row for row in kept]
    return kept


def _rest(row: CountRow, place: int, name: str, spent: Mapping[Codes, int]) -> CountRow:
    left = row.count - spent.get(row.codes[:place] + row.codes[place + 1 :], 0)
    if left < 0:
        raise ContractError(
            "CON-087", f"line {row.line} is of a group with a rest, and has fewer persons than its parts"
        )
    return CountRow(row.line, (*row.codes[:place], name, *row.codes[place + 1 :]), left)
