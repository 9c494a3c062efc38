"""Knowledge of an attacker: what exact published tables say together, as equations over elementary cells.

Purpose: it decides the beliefs of the attacker: no count is negative; rows with equal codes are the same people; a
publication that does not agree with the earlier ones is a revision, to which people came, and from which people left
if nothing else explains it.
Called by: `exact`, `intervals` and `anonymizer.solvers.ortools_engine`.

Invariants:
- Tables are taken in the order of their publication.
- Noisy tables say nothing exact and are left out.
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
"""A sum of variables, and its value."""

_Element = tuple[frozenset[str], Codes]
"""An elementary cell: the dimensions of its family, and its codes in their alphabetical order."""

Possible = Callable[[int, Sequence[LinearEquation]], bool]
"""(Number of variables, equations) → True if values that are not negative satisfy them."""


@dataclass(slots=True)
class Knowledge:
    """Equations over variables that are never negative.

    `hidden` are the cells without a value, as sums of variables; `gains` the changes between two publications, of
    elementary cells and of cells, and `gained` what each of these is afterwards. `elements` maps each elementary cell
    to the sum of variables that it is.
    """

    variables: int = 0
    equations: list[LinearEquation] = field(default_factory=list)
    hidden: list[tuple[str, Codes, LinearForm]] = field(default_factory=list)
    gains: list[tuple[str, Codes, LinearForm]] = field(default_factory=list)
    gained: list[LinearForm] = field(default_factory=list)
    elements: dict[_Element, LinearForm] = field(default_factory=dict)

    def variable(self) -> int:
        """Add a variable; return its number."""
        self.variables += 1
        return self.variables - 1


def gather(tables: Sequence[PublishedTable], possible: Possible, *, is_asking: bool = False) -> Knowledge:
    """Return what exact tables say together, taken in the order of their publication.

    Args:
        tables: the published tables.
        possible: tells whether equations can hold.
        is_asking: whether the attacker asks if anything changed between two publications, instead of assuming that
            nothing did where nothing else is known.
    """
    known = Knowledge()
    exact = [table for table in tables if not table.noisy]
    same: dict[frozenset[str], list[PublishedTable]] = {}
    for table in exact:
        same.setdefault(frozenset(table.dims), []).append(table)
    families = {dims: families_of(alike) for dims, alike in same.items()}
    for table in exact:
        _take(known, _Reading(table, families[frozenset(table.dims)]), possible, is_asking=is_asking)
    return known


@dataclass(frozen=True, slots=True)
class _Reading:
    """A table, read by the families of dimensions in which it is counted."""

    table: PublishedTable
    families: Families

    def names(self) -> list[_Element]:
        """Return the elementary cells that the table counts."""
        return [element for dims in self.families.sets for element in self._elements(dims)]

    def line(self, elements: Mapping[_Element, LinearForm], codes: Codes) -> LinearForm:
        """Return a cell as a sum of variables, given the sum that each elementary cell is."""
        shown = frozenset(d for d, code in zip(self.table.dims, codes, strict=True) if code != TOTAL)
        line: LinearForm = {}
        for element in self._counted(self.families.holding(shown), codes):
            for variable, times in elements.get(element, {}).items():
                line[variable] = line.get(variable, 0.0) + times
        return line

    def agreements(self, elements: Mapping[_Element, LinearForm]) -> list[LinearEquation]:
        """Return an equation per combination of shared codes: linked families count the same people."""
        agreements = []
        for one, other in self.families.links:
            sums: dict[Codes, LinearForm] = {}
            for dims, sign in ((one, 1.0), (other, -1.0)):
                for element in self._elements(dims):
                    shared = tuple(c for d, c in zip(sorted(dims), element[1], strict=True) if d in one & other)
                    for variable, times in elements.get(element, {}).items():
                        sums.setdefault(shared, {})[variable] = sign * times
            agreements += [(line, 0.0) for line in sums.values()]
        return agreements

    def _elements(self, dims: frozenset[str]) -> list[_Element]:
        """Return every elementary cell of a family."""
        return [(dims, element) for element in product(*(self.table.universe[d] for d in sorted(dims)))]

    def _counted(self, dims: frozenset[str], codes: Codes) -> list[_Element]:
        """Return the elementary cells of a family that a cell sums."""
        named = dict(zip(self.table.dims, codes, strict=True))
        return [(dims, element) for element in product(*(self.table.under(d, named[d]) for d in sorted(dims)))]


def _take(known: Knowledge, reading: _Reading, possible: Possible, *, is_asking: bool) -> None:
    """Add a table to the knowledge."""
    names, table = reading.names(), reading.table
    seen = [name for name in names if name in known.elements]
    fresh = {name: {known.variable(): 1.0} for name in names if name not in known.elements}
    known.elements |= fresh
    known.equations += reading.agreements(fresh)
    moved: dict[_Element, LinearForm] = {}
    # Variables of change are added only if needed: first of people who came, then of people who left. The fewest that
    # explain the table leave the attacker the narrowest intervals.
    for sign in (1.0, -1.0) if seen else ():
        # A table that suppresses a sum which an earlier one showed has changed, even if its values could be explained.
        shown = {frozenset(line.items()) for line, _ in known.equations}
        silent = sign > 0 and any(
            frozenset(reading.line(known.elements, cell.codes).items()) in shown
            for cell in table.cells
            if cell.value is None
        )
        needless = not silent and not (is_asking and sign > 0)
        if needless and possible(known.variables, [*known.equations, *_equations(known, reading)]):
            break
        change = {name: {known.variable(): sign} for name in seen}
        known.equations += reading.agreements(change)
        for name, line in change.items():
            known.elements[name] = known.elements[name] | line
            moved[name] = moved.get(name, {}) | line
    known.equations += _equations(known, reading)
    hidden = (cell.codes for cell in table.cells if cell.value is None)
    known.hidden += [(table.name, codes, reading.line(known.elements, codes)) for codes in hidden]
    known.gains += [(table.name, name[1], line) for name, line in moved.items()]
    known.gained += [known.elements[name] for name in moved]
    gained = [(cell.codes, line) for cell in table.cells if (line := reading.line(moved, cell.codes))]
    known.gains += [(table.name, codes, line) for codes, line in gained]
    known.gained += [reading.line(known.elements, codes) for codes, _ in gained]


def _equations(known: Knowledge, reading: _Reading) -> list[LinearEquation]:
    """Return an equation per published cell of a table."""
    shown = ((cell.codes, cell.value) for cell in reading.table.cells if cell.value is not None)
    return [(reading.line(known.elements, codes), value) for codes, value in shown]
