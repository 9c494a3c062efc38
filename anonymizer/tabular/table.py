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
from typing import NamedTuple

import numpy as np

from anonymizer.policy import Region, TablePlan
from anonymizer.tabular.cliques import Clique, cliques_of, dimensions_of, junction
from anonymizer.tabular.facts import MULTIPLE, UNIVERSE, Fact
from anonymizer.tabular.program import Floats, Matrix
from schemas.errors import DisclosureError

__all__ = ["YEAR", "CellKey", "Scope", "System", "build", "keys_of"]

YEAR = "year"
_QUARTERS = ("Q1", "Q2", "Q3", "Q4")
_MOST_VARIABLES = 20_000


class CellKey(NamedTuple):
    """A cell, whichever tables show it: a region's id or a country, a quarter or `year`, codes where not total."""

    place: str
    window: str
    codes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """What is released together: tables of one population, over regions, in windows of one year (Q1 to Q4, year)."""

    tables: tuple[TablePlan, ...]
    regions: tuple[Region, ...]
    windows: tuple[str, ...]

    def quarterly(self) -> bool:
        """Whether any quarter is in scope."""
        return any(window != YEAR for window in self.windows)

    def windows_of(self, table: TablePlan) -> tuple[str, ...]:
        """Return the windows in scope in which a table is shown."""
        return tuple(w for w in self.windows if w == YEAR or table.period == "quarter")

    def places_of(self, table: TablePlan) -> tuple[str, ...]:
        """Return a table's regions and, where it has them, countries."""
        countries = sorted({c for r in self.regions for c in r.countries}) if table.geography == "country" else ()
        return (*(region.id for region in self.regions), *countries)

    def atom(self, country: str) -> str:
        """Return the regions that hold a country: what the overlapping regions can tell apart."""
        return "+".join(sorted(region.id for region in self.regions if country in region.countries))


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


class _Frame:
    """The variables of all cliques side by side; `columns[i]` maps a coordinate to its code per variable."""

    def __init__(self, scope: Scope, facts: Mapping[str, Sequence[Fact]], *, empties: bool) -> None:
        every = [fact for cube in facts.values() for fact in cube]
        countries = {c for region in scope.regions for c in region.countries}
        active = {fact.country for fact in every if sum(fact.agencies.values())}
        self.countries = sorted(countries if empties else active & countries)
        self.scope = scope
        tables = tuple(t for t in scope.tables if scope.windows_of(t))
        self.cliques = cliques_of(tables, quarters=scope.quarterly())
        quarters = _QUARTERS if YEAR in scope.windows else tuple(w for w in scope.windows if w != YEAR)
        undated = YEAR in scope.windows and any(fact.quarter == "unknown" for fact in every)
        self.quarters = (*quarters, "unknown") if undated else quarters
        self.leaves = [list(self._leaves(clique)) for clique in self.cliques]
        self.offsets = np.cumsum([0, *(len(leaves) for leaves in self.leaves)])
        if self.offsets[-1] > _MOST_VARIABLES:
            raise DisclosureError("DIS-026", "the tables are too many for one joint system")
        self.columns = [
            {d: np.array([leaf[d] for leaf in leaves]) for d in clique.dimensions}
            for clique, leaves in zip(self.cliques, self.leaves, strict=True)
        ]

    def _along(self, axis: str) -> list[dict[str, str]]:
        if axis == "country":
            return [{"country": c, "atom": self.scope.atom(c)} for c in self.countries]
        if axis == "atom":
            return [{"atom": atom} for atom in sorted({self.scope.atom(c) for c in self.countries})]
        if axis == "quarter":
            return [{"quarter": quarter} for quarter in self.quarters]
        if "=" in axis:
            return [dict(zip(dimensions_of(axis), ("known", answer), strict=True)) for answer in ("yes", "no")]
        return [{axis: code} for code in (("known", "unknown") if axis in MULTIPLE else UNIVERSE[axis])]

    def _leaves(self, clique: Clique) -> Iterator[dict[str, str]]:
        for parts in product(*(self._along(axis) for axis in sorted(clique.axes))):
            yield {dimension: code for part in parts for dimension, code in part.items()}

    def coordinate(self, fact: Fact, dimension: str) -> str:
        """Return a fact's code along a coordinate of a clique."""
        match dimension:
            case "country":
                return fact.country
            case "atom":
                return self.scope.atom(fact.country)
            case "quarter":
                return fact.quarter
        name, _, asked = dimension.partition("=")
        code = fact.codes[name]
        if isinstance(code, str):
            return code
        return ("yes" if asked in code else "no") if asked else "known" if code else "unknown"

    def count(self, facts: Mapping[str, Sequence[Fact]], names: Sequence[str]) -> Floats:
        """Return persons per variable and agency."""
        counts = np.zeros((int(self.offsets[-1]), len(names)))
        for clique, leaves, offset in zip(self.cliques, self.leaves, self.offsets, strict=False):
            order = sorted(clique.dimensions)
            places = {tuple(leaf[d] for d in order): offset + i for i, leaf in enumerate(leaves)}
            for fact in facts.get(clique.cube, ()):
                place = places.get(tuple(self.coordinate(fact, d) for d in order))
                for agency, persons in fact.agencies.items() if place is not None else ():
                    counts[place, names.index(agency)] += persons
        return counts

    def balance(self) -> tuple[Matrix, Floats]:
        """Return the rows that link the cliques: equal sums over their separators, and somebody's yes if known."""
        lines: list[list[tuple[int, float]]] = []
        slack: list[float] = []
        for i, j in junction(self.cliques):
            groups: dict[tuple[str, ...], list[tuple[int, float]]] = {}
            asked = frozenset(d for c in (i, j) for d in self._known(c))
            for clique, sign in ((i, 1.0), (j, -1.0)):
                self._gather(groups, clique, self.cliques[i].dimensions & self.cliques[j].dimensions, sign, asked)
            lines += groups.values()
            slack += [0.0] * len(groups)
        answered = list(self._answered())
        return Matrix.of([*lines, *answered], int(self.offsets[-1])), np.array(slack + [np.inf] * len(answered))

    def _known(self, clique: int) -> tuple[str, ...]:
        axes = self.cliques[clique].axes
        return tuple(axis.partition("=")[0] for axis in axes if "=" in axis)

    def _gather(
        self,
        groups: dict[tuple[str, ...], list[tuple[int, float]]],
        clique: int,
        shared: frozenset[str],
        sign: float,
        asked: frozenset[str],
    ) -> None:
        order = sorted(shared)
        for i, leaf in enumerate(self.leaves[clique]):
            if all(leaf[dimension] == "known" for dimension in asked):
                entry = (int(self.offsets[clique]) + i, sign)
                groups.setdefault(tuple(leaf[d] for d in order), []).append(entry)

    def _answered(self) -> Iterator[list[tuple[int, float]]]:
        """Everybody whose answer is known said yes to something: the yeses are at least the denominators."""
        groups: dict[tuple[str, ...], list[tuple[int, float]]] = {}
        first: dict[frozenset[str], int] = {}
        for i, clique in enumerate(self.cliques):
            for axis in (axis for axis in clique.axes if "=" in axis):
                shared = clique.dimensions - {axis}
                counted = first.setdefault(shared, i) == i
                for n, leaf in enumerate(self.leaves[i]):
                    sign = (1.0 if leaf[axis] == "yes" else 0.0) - (1.0 if counted else 0.0)
                    key = (*sorted(shared), *(leaf[d] for d in sorted(shared)))
                    if sign:
                        groups.setdefault(key, []).append((int(self.offsets[i]) + n, sign))
        yield from groups.values()

    def line(self, key: CellKey) -> list[tuple[int, float]]:
        """Return the variables that a cell sums, out of the smallest clique that can tell them."""
        codes = dict(key.codes)
        country = len(key.place) == 3 and key.place.isupper()  # noqa: PLR2004  alpha-3; regions are lower-case
        needed = {*codes, "country" if country else "atom", *(("quarter",) if key.window != YEAR else ())}
        able = [i for i, clique in enumerate(self.cliques) if needed <= clique.dimensions]
        chosen = min(able, key=lambda i: (len(self.leaves[i]), i))
        kept = np.ones(len(self.leaves[chosen]), np.bool_)
        for dimension, code in codes.items():
            kept &= self.columns[chosen][dimension] == code
        if key.window != YEAR:
            kept &= self.columns[chosen]["quarter"] == key.window
        if country:
            kept &= self.columns[chosen]["country"] == key.place
        else:
            kept &= np.array([key.place in atom.split("+") for atom in self.columns[chosen]["atom"]], np.bool_)
        return [(int(self.offsets[chosen] + i), 1.0) for i in np.flatnonzero(kept)]


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
    frame = _Frame(scope, facts, empties=empties)
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
