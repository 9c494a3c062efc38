"""Rows of a statistician's table, and what its user states about levels.

Purpose: the input of `levels`: rows with their lines, groups of codes, codes that are totals, dimensions without
levels. A group may hold other groups, and `_O`, the persons who are in none of its listed codes.
Called by: `levels`, `connectors.offline.table_files`, which reads both from files, and `amana protect` and `amana
attack`, which take the statement.

Invariants:
- A statement is about codes, not about spellings: a group of `jor` holds the table's `JOR`.
- The rest of a group is a leaf of its own, `GROUP:_O`: what is left of the group's rows after those of its parts.
- A rest is never negative.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from anonymizer.tabular.crosstab import Codes
from schemas.code_names import REST, same_code
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
        return cls({dim: _resolved(dim, _spelt_once(names)) for dim, names in groups.items()}, totals, flat)

    def spelt_as(self, codes: Mapping[str, Iterable[str]]) -> "StatedLevels":
        """Return the same statement in the spelling of a table, or of several; totals that it has not are left out.

        Args:
            codes: dimension → codes of the table.
        """
        known = {dim: {same_code(code): code for code in named} for dim, named in codes.items()}
        totals = {own[key] for own in known.values() for key in map(same_code, self.totals) if key in own}
        groups = {
            dim: {
                _as(known.get(dim, {}), group): frozenset(_as(known.get(dim, {}), code) for code in parts)
                for group, parts in names.items()
            }
            for dim, names in self.groups.items()
        }
        return StatedLevels(groups, frozenset(totals), self.flat)

    def demand_totals(self, codes: Iterable[str]) -> None:
        """Demand that every stated total is one of these codes.

        Raises:
            ConfigurationError: CFG-087, one is not: the user means another table, or mistyped it.
        """
        if not {same_code(name) for name in self.totals} <= {same_code(code) for code in codes}:
            raise ConfigurationError("CFG-087", "--total names a code that the table does not have", field="total")


def _spelt_once(groups: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """Return groups with every code and group in one spelling: that of a group, or the first in order."""
    known: dict[str, str] = {}
    for name in (*sorted(groups), *sorted({code for codes in groups.values() for code in codes})):
        known.setdefault(same_code(name), name)
    once: dict[str, frozenset[str]] = {}
    for name, codes in groups.items():
        group = known[same_code(name)]
        once[group] = once.get(group, frozenset()) | {known[same_code(code)] for code in codes}
    return once


def _as(known: Mapping[str, str], name: str) -> str:
    """Return a code in its known spelling; of the rest of a group, the group is spelt."""
    rest = f":{REST}"
    whole = name.removesuffix(rest)
    return known.get(same_code(whole), whole) + (rest if whole != name else "")


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
            if any(row.codes[place] == rest for row in kept):
                continue  # the table has rows of the rest: it is a code like the others, and the group their sum
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
