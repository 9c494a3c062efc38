"""What exact published tables say together: equations over the people in every leaf, at every print.

Decides the attacker's beliefs: nobody counts less than nothing; rows with equal codes are the same people; a print that
does not agree with the earlier ones is a revision, to which people came, and from which, if need be, they went.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from anonymizer.attacks.families import Families, families_of
from anonymizer.attacks.published_tables import Codes, PublishedTable
from schemas.trend import TOTAL

__all__ = ["Knowledge", "LinearEquation", "LinearForm", "gather"]

LinearForm = dict[int, float]
"""Variable → how often it is counted."""

LinearEquation = tuple[LinearForm, float]

_Leaf = tuple[frozenset[str], Codes]

Possible = Callable[[int, Sequence[LinearEquation]], bool]
"""Says whether so many variables, none below zero, can satisfy equations."""


@dataclass(slots=True)
class Knowledge:
    """Equations that hold; `hidden` are the cells without a value as lines, `gains` what came between two prints."""

    variables: int = 0
    equations: list[LinearEquation] = field(default_factory=list)
    hidden: list[tuple[str, Codes, LinearForm]] = field(default_factory=list)
    gains: list[tuple[str, Codes, LinearForm]] = field(default_factory=list)
    leaves: dict[_Leaf, LinearForm] = field(default_factory=dict)

    def variable(self) -> int:
        """Add one."""
        self.variables += 1
        return self.variables - 1


def gather(tables: Sequence[PublishedTable], possible: Possible) -> Knowledge:
    """Put exact tables together in the order of their publication."""
    known = Knowledge()
    exact = [table for table in tables if not table.noisy]
    same: dict[frozenset[str], list[PublishedTable]] = {}
    for table in exact:
        same.setdefault(frozenset(table.dims), []).append(table)
    families = {dims: families_of(some) for dims, some in same.items()}
    for table in exact:
        _take(known, _Reading(table, families[frozenset(table.dims)]), possible)
    return known


@dataclass(frozen=True, slots=True)
class _Reading:
    """A table, and the families of dimensions by which it is counted."""

    table: PublishedTable
    families: Families

    def names(self) -> list[_Leaf]:
        """Return every leaf that the table counts."""
        return [leaf for dims in self.families.sets for leaf in self._under(dims, (TOTAL,) * len(self.table.dims))]

    def line(self, leaves: Mapping[_Leaf, LinearForm], codes: Codes) -> LinearForm:
        """Return the sum that a cell is."""
        shown = frozenset(d for d, code in zip(self.table.dims, codes, strict=True) if code != TOTAL)
        line: LinearForm = {}
        for leaf in self._under(self.families.holding(shown), codes):
            line |= leaves.get(leaf, {})
        return line

    def agreements(self, leaves: Mapping[_Leaf, LinearForm]) -> list[LinearEquation]:
        """Return that families which are linked count the same people by what they share."""
        found = []
        for one, other in self.families.links:
            sums: dict[Codes, LinearForm] = {}
            for dims, sign in ((one, 1.0), (other, -1.0)):
                for leaf in self._under(dims, (TOTAL,) * len(self.table.dims)):
                    shared = tuple(c for d, c in zip(sorted(dims), leaf[1], strict=True) if d in one & other)
                    for variable, times in leaves.get(leaf, {}).items():
                        sums.setdefault(shared, {})[variable] = sign * times
            found += [(line, 0.0) for line in sums.values()]
        return found

    def _under(self, dims: frozenset[str], codes: Codes) -> list[_Leaf]:
        named = dict(zip(self.table.dims, codes, strict=True))
        return [(dims, leaf) for leaf in product(*(self.table.under(d, named[d]) for d in sorted(dims)))]


def _take(known: Knowledge, reading: _Reading, possible: Possible) -> None:
    names, table = reading.names(), reading.table
    seen = [name for name in names if name in known.leaves]
    fresh = {name: {known.variable(): 1.0} for name in names if name not in known.leaves}
    known.leaves |= fresh
    known.equations += reading.agreements(fresh)
    moved: dict[_Leaf, LinearForm] = {}
    for sign in (1.0, -1.0) if seen else ():
        silent = sign > 0 and _silent(known, reading)
        if not silent and possible(known.variables, [*known.equations, *_equations(known, reading)]):
            break
        change = {name: {known.variable(): sign} for name in seen}
        known.equations += reading.agreements(change)
        for name, line in change.items():
            known.leaves[name] = known.leaves[name] | line
            moved[name] = moved.get(name, {}) | line
    known.equations += _equations(known, reading)
    hidden = (cell.codes for cell in table.cells if cell.value is None)
    known.hidden += [(table.name, codes, reading.line(known.leaves, codes)) for codes in hidden]
    known.gains += [(table.name, name[1], line) for name, line in moved.items()]
    gained = ((cell.codes, reading.line(moved, cell.codes)) for cell in table.cells)
    known.gains += [(table.name, codes, line) for codes, line in gained if line]


def _silent(known: Knowledge, reading: _Reading) -> bool:
    """Say whether a table leaves out what an earlier one said: then something has changed."""
    said = {frozenset(line.items()) for line, _ in known.equations}
    hidden = (cell.codes for cell in reading.table.cells if cell.value is None)
    return any(frozenset(reading.line(known.leaves, codes).items()) in said for codes in hidden)


def _equations(known: Knowledge, reading: _Reading) -> list[LinearEquation]:
    shown = ((cell.codes, cell.value) for cell in reading.table.cells if cell.value is not None)
    return [(reading.line(known.leaves, codes), value) for codes, value in shown]
