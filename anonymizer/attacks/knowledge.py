"""What exact published tables say together: equations over the people in every leaf, at every print.

Decides the attacker's beliefs: nobody counts less than nothing; rows with equal codes are the same people; a print that
does not agree with the earlier ones is a revision, to which people came, and from which, if need be, they went.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from anonymizer.attacks.published import Codes, Published

__all__ = ["Equation", "Knowledge", "Line", "gather"]

Line = dict[int, float]
"""Variable → how often it is counted."""

Equation = tuple[Line, float]

_Leaf = tuple[frozenset[str], Codes]

Possible = Callable[[int, Sequence[Equation]], bool]
"""Says whether so many variables, none below zero, can satisfy equations."""


@dataclass(slots=True)
class Knowledge:
    """Equations that hold; `hidden` are the cells without a value as lines, `gains` what came between two prints."""

    variables: int = 0
    equations: list[Equation] = field(default_factory=list)
    hidden: list[tuple[str, Codes, Line]] = field(default_factory=list)
    gains: list[tuple[str, Codes, Line]] = field(default_factory=list)
    leaves: dict[_Leaf, Line] = field(default_factory=dict)

    def variable(self) -> int:
        """Add one."""
        self.variables += 1
        return self.variables - 1


def gather(tables: Sequence[Published], possible: Possible) -> Knowledge:
    """Put exact tables together in the order of their publication."""
    known = Knowledge()
    for table in (t for t in tables if not t.noisy):
        _take(known, table, possible)
    return known


def _take(known: Knowledge, table: Published, possible: Possible) -> None:
    names = {leaf: _name(table.dims, leaf) for leaf in table.leaves}
    seen = [name for name in names.values() if name in known.leaves]
    known.leaves |= {name: {known.variable(): 1.0} for name in names.values() if name not in known.leaves}
    moved: dict[_Leaf, Line] = {}
    for sign in (1.0, -1.0) if seen else ():
        silent = sign > 0 and _silent(known, table, names)
        if not silent and possible(known.variables, [*known.equations, *_equations(known, table, names)]):
            break
        for name in seen:
            number = known.variable()
            known.leaves[name] = known.leaves[name] | {number: sign}
            moved[name] = moved.get(name, {}) | {number: sign}
    known.equations += _equations(known, table, names)
    hidden = (cell.codes for cell in table.cells if cell.value is None)
    known.hidden += [(table.name, codes, _line(known.leaves, table, names, codes)) for codes in hidden]
    gained = ((codes, _line(moved, table, names, codes)) for codes in (*names, *(cell.codes for cell in table.cells)))
    known.gains += [(table.name, codes, line) for codes, line in gained if line]


def _silent(known: Knowledge, table: Published, names: Mapping[Codes, _Leaf]) -> bool:
    """Say whether a table leaves out what an earlier one said: then something has changed."""
    said = {frozenset(line.items()) for line, _ in known.equations}
    hidden = (cell.codes for cell in table.cells if cell.value is None)
    return any(frozenset(_line(known.leaves, table, names, codes).items()) in said for codes in hidden)


def _equations(known: Knowledge, table: Published, names: Mapping[Codes, _Leaf]) -> list[Equation]:
    shown = ((cell.codes, cell.value) for cell in table.cells if cell.value is not None)
    return [(_line(known.leaves, table, names, codes), value) for codes, value in shown]


def _name(dims: Codes, leaf: Codes) -> _Leaf:
    """Name a leaf whatever the order of its dimensions."""
    return frozenset(dims), tuple(code for _, code in sorted(zip(dims, leaf, strict=True)))


def _line(leaves: Mapping[_Leaf, Line], table: Published, names: Mapping[Codes, _Leaf], codes: Codes) -> Line:
    line: Line = {}
    for leaf in table.counted(codes):
        line |= leaves.get(names[leaf], {})
    return line
