"""A release's joint system: leaf variables, how they balance, and which of them each published cell sums.

Decides what an attacker may put together: every table, margin, overlapping region, quarter and year of one population,
year and block. Does not decide which cells are unsafe (`primary`) or which are withheld (`secondary`).

Countries without any person in the block's year are left out: their cells are published as zeros. Leaving variables
out can only narrow the intervals that are computed, so it never makes a release look safer than it is; `empties` puts
them back in where they are needed as cover.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from anonymizer.policy import TablePlan
from anonymizer.tabular.facts import MULTIPLE, UNIVERSE, Fact
from anonymizer.tabular.frame import YEAR, CellKey, Frame, Scope
from anonymizer.tabular.program import Floats, Matrix
from schemas.errors import DisclosureError

__all__ = ["YEAR", "CellKey", "Scope", "System", "build", "keys_of"]


@dataclass(frozen=True, slots=True)
class System:
    """Leaf variables with their exact `values`; `balance · x` lies between 0 and `slack`; cells are `members · x`.

    `agencies` has a row per cell and a column per agency: whose persons they are. `zeros` are cells that no variable
    of the system touches.
    """

    values: Floats
    balance: Matrix
    slack: Floats
    cells: tuple[CellKey, ...]
    members: Matrix
    agencies: Floats
    zeros: tuple[CellKey, ...]

    @property
    def totals(self) -> Floats:
        """The exact persons of every cell."""
        return self.members.times(self.values)


def _choices(dimension: str) -> Iterator[tuple[tuple[str, str], ...]]:
    yield ()
    if dimension in MULTIPLE:
        yield from (((dimension, known),) for known in ("known", "unknown"))
        yield from (((f"{dimension}={code}", "yes"),) for code in UNIVERSE[dimension])
    else:
        yield from (((dimension, code),) for code in UNIVERSE[dimension])


def keys_of(table: TablePlan, scope: Scope) -> Iterator[CellKey]:
    """Yield the cells of a table with all its margins: every dimension's codes and its total."""
    for place, window in product(scope.places_of(table), scope.windows_of(table)):
        for codes in product(*(_choices(d) for d in table.dimensions)):
            yield CellKey(place, window, tuple(sorted(code for group in codes for code in group)))


def build(facts: Mapping[str, Sequence[Fact]], scope: Scope, *, empties: bool = False) -> System:
    """Build the joint system of one population, year and block.

    Args:
        facts: cube → facts of that block and year.
        scope: tables, regions and windows that are released together, or were already.
        empties: whether countries without any person are variables too.

    Raises:
        DisclosureError: DIS-024, the cubes count different people; DIS-025 and DIS-026, no joint system is sound or
            small enough.
    """
    keys = tuple(dict.fromkeys(key for table in scope.tables for key in keys_of(table, scope)))
    frame = Frame(scope, facts, empties=empties)
    if not frame.countries:
        nothing = np.zeros(0)
        return System(nothing, Matrix.of([], 0), nothing, (), Matrix.of([], 0), np.zeros((0, 0)), keys)
    lines = {key: frame.line(key) for key in keys}
    cells = tuple(key for key in keys if lines[key])
    names = sorted({agency for cube in facts.values() for fact in cube for agency in fact.agencies})
    counts = frame.count(facts, names)
    members = Matrix.of([lines[key] for key in cells], len(counts))
    balance, slack = frame.balance()
    values = counts.sum(axis=1)
    surplus = balance.times(values)
    if np.any(surplus < 0) or np.any(surplus > slack):
        raise DisclosureError("DIS-024", "the cubes of this population do not count the same people")
    agencies = np.stack([members.times(counts[:, i]) for i in range(len(names))], axis=1)
    return System(values, balance, slack, cells, members, agencies, tuple(key for key in keys if not lines[key]))
