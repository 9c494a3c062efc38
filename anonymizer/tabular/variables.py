"""The leaf variables of a joint system: which there are, which people are in them, and how they must balance.

Decides the variables' coordinates. Does not decide cells: `table` does.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np

from anonymizer.policy import Region, TablePlan
from anonymizer.tabular.cliques import Clique, cliques_of, dimensions_of, junction
from anonymizer.tabular.facts import MULTIPLE, UNIVERSE, Fact
from anonymizer.tabular.linear_program import Flags, Floats, Matrix
from schemas.errors import DisclosureError

__all__ = ["YEAR", "CellKey", "ReleaseScope", "VariableSpace"]

YEAR = "year"
_QUARTERS = ("Q1", "Q2", "Q3", "Q4")
_MOST_VARIABLES = 20_000


class CellKey(NamedTuple):
    """A cell, whichever tables show it: a region's id or a country, a quarter or `year`, codes where not total."""

    place: str
    window: str
    codes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ReleaseScope:
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


class VariableSpace:
    """The variables of all cliques side by side; `columns[i]` maps a coordinate to its code per variable."""

    def __init__(self, scope: ReleaseScope, every: Sequence[Fact], *, empties: bool) -> None:
        """Lay out the leaves of a scope for all facts, of all prints."""
        countries = {c for region in scope.regions for c in region.countries}
        active = {fact.country for fact in every if sum(fact.agencies.values())}
        self.countries = sorted(countries if empties else active & countries)
        self.scope = scope
        self._atoms = {country: scope.atom(country) for country in countries | active}
        tables = tuple(t for t in scope.tables if scope.windows_of(t))
        self.cliques = cliques_of(tables, quarters=scope.quarterly())
        quarters = _QUARTERS if YEAR in scope.windows else tuple(w for w in scope.windows if w != YEAR)
        undated = YEAR in scope.windows and any(fact.quarter == "unknown" for fact in every)
        self.quarters = (*quarters, "unknown") if undated else quarters
        self.leaves = [list(self._leaves(clique)) for clique in self.cliques]
        self.offsets = np.cumsum([0, *(len(leaves) for leaves in self.leaves)])
        if self.offsets[-1] > _MOST_VARIABLES:
            raise DisclosureError("DIS-026", "the tables are too many for one joint system")
        self._dimensions = [clique.dimensions for clique in self.cliques]
        self._flags: dict[tuple[int, str, str], Flags] = {}
        self._smallest: dict[frozenset[str], int] = {}

    def _along(self, axis: str) -> list[dict[str, str]]:
        if axis == "country":
            return [{"country": c, "atom": self._atoms[c]} for c in self.countries]
        if axis == "atom":
            return [{"atom": atom} for atom in sorted({self._atoms[c] for c in self.countries})]
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
                return self._atoms[fact.country]
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
        columns = {name: i for i, name in enumerate(names)}
        along: dict[tuple[str, str], list[str]] = {}  # cube and dimension → the facts' coordinates, for all cliques
        for clique, leaves, offset in zip(self.cliques, self.leaves, self.offsets, strict=False):
            order = sorted(clique.dimensions)
            places = {tuple(leaf[d] for d in order): offset + i for i, leaf in enumerate(leaves)}
            mine = facts.get(clique.cube, ())
            for dimension in order:
                if (clique.cube, dimension) not in along:
                    along[clique.cube, dimension] = [self.coordinate(fact, dimension) for fact in mine]
            coordinates = zip(*(along[clique.cube, d] for d in order), strict=True)
            for fact, coordinate in zip(mine, coordinates, strict=True):
                place = places.get(coordinate)
                for agency, persons in fact.agencies.items() if place is not None else ():
                    counts[place, columns[agency]] += persons
        return counts

    def touched(self, windows: Collection[str]) -> Flags:
        """Flag the variables that a print of these windows counts."""
        whole = YEAR in windows
        return np.array(
            [whole or leaf.get("quarter") in windows for leaves in self.leaves for leaf in leaves], np.bool_
        )

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

    def _where(self, clique: int, dimension: str, code: str) -> Flags:
        """Flag a clique's variables with a code; the dimension `place` is a region, as a set of atoms."""
        key = (clique, dimension, code)
        if key not in self._flags:
            axis = "atom" if dimension == "place" else dimension
            values = [leaf[axis] for leaf in self.leaves[clique]]
            holds = {value: code in value.split("+") if axis == "atom" else value == code for value in set(values)}
            self._flags[key] = np.array([holds[value] for value in values], np.bool_)
        return self._flags[key]

    def line(self, key: CellKey) -> list[tuple[int, float]]:
        """Return the variables that a cell sums, out of the smallest clique that can tell them."""
        wanted = {**dict(key.codes), "country" if key.place.isupper() else "place": key.place}
        if key.window != YEAR:
            wanted["quarter"] = key.window
        chosen = self._able(frozenset("atom" if dimension == "place" else dimension for dimension in wanted))
        kept = np.ones(len(self.leaves[chosen]), np.bool_)
        for dimension, code in wanted.items():
            kept &= self._where(chosen, dimension, code)
        return [(i, 1.0) for i in (np.flatnonzero(kept) + self.offsets[chosen]).tolist()]

    def _able(self, needed: frozenset[str]) -> int:
        """Return the smallest clique that has all these dimensions."""
        if needed not in self._smallest:
            able = [i for i, dimensions in enumerate(self._dimensions) if needed <= dimensions]
            self._smallest[needed] = min(able, key=lambda i: (len(self.leaves[i]), i))
        return self._smallest[needed]
