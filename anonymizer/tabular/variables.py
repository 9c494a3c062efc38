"""Elementary cells of a policy's tables: their coordinates, the people in them, and the rows that link them.

Purpose: the variables of the linear programs before any history is added. Each clique of dimensions (`cliques`) has an
elementary cell for every combination of its codes; the cliques stand side by side.
Called by: `policy_tables`.

Invariants:
- Elementary cells without any person are variables too: an attacker does not know that they are empty.
- More than 20,000 variables are refused: the programs would take too long.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np

from anonymizer.policy import Region, TablePlan
from anonymizer.released_dimensions import KNOWN, MULTIPLE, UNIVERSE, UNKNOWN
from anonymizer.tabular.cliques import cliques_of, dimensions_of, junction
from anonymizer.tabular.facts import Fact
from anonymizer.tabular.sparse_matrix import Flags, Floats, Matrix
from schemas.errors import DisclosureError

__all__ = ["YEAR", "CellKey", "ReleaseScope", "VariableSpace"]

YEAR = "year"
_QUARTERS = ("Q1", "Q2", "Q3", "Q4")
_MOST_VARIABLES = 20_000


class CellKey(NamedTuple):
    """A cell, whichever tables show it.

    `place` is a region's id or a country, `window` a quarter or `year`; `codes` are sorted pairs of dimension and code,
    without the dimensions that are totals.
    """

    place: str
    window: str
    codes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ReleaseScope:
    """Tables of one population that are released together, with regions and windows (Q1 to Q4, year).

    `unknown` is false if the tables show known codes and totals of the known alone.
    """

    tables: tuple[TablePlan, ...]
    regions: tuple[Region, ...]
    windows: tuple[str, ...]
    unknown: bool = True

    def quarterly(self) -> bool:
        """Tell whether any quarter is in scope."""
        return any(window != YEAR for window in self.windows)

    def windows_of(self, table: TablePlan) -> tuple[str, ...]:
        """Return the windows in scope in which a table is shown."""
        return tuple(w for w in self.windows if w == YEAR or table.period == "quarter")

    def places_of(self, table: TablePlan) -> tuple[str, ...]:
        """Return the places of a table: all regions and, in a table by country, their countries."""
        countries = sorted({c for r in self.regions for c in r.countries}) if table.geography == "country" else ()
        return (*(region.id for region in self.regions), *countries)

    def atom(self, country: str) -> str:
        """Return the atom of a country, which is named after all regions that hold the country.

        Regions cannot tell the countries of one atom apart.
        """
        return "+".join(sorted(region.id for region in self.regions if country in region.countries))


class VariableSpace:
    """The elementary cells of all cliques, side by side; clique i begins at `offsets[i]`.

    `elements[i]` lists the elementary cells of clique i, each as dimension → code.
    """

    def __init__(self, scope: ReleaseScope, every: Sequence[Fact], *, empties: bool) -> None:
        """Lay out the elementary cells of a scope for all facts, of all publications.

        Args:
            scope: tables, regions, windows.
            every: the facts of all publications; they say which countries have anybody.
            empties: whether countries without any person are variables too.

        Raises:
            DisclosureError: DIS-025, DIS-026, no joint system is sound or small enough.
        """
        countries = {c for region in scope.regions for c in region.countries}
        active = {fact.country for fact in every if sum(fact.agencies.values())}
        self.countries = sorted(countries if empties else active & countries)
        self.scope = scope
        self._atoms = {country: scope.atom(country) for country in countries | active}
        tables = tuple(t for t in scope.tables if scope.windows_of(t))
        self.cliques = cliques_of(tables, quarters=scope.quarterly())
        quarters = _QUARTERS if YEAR in scope.windows else tuple(w for w in scope.windows if w != YEAR)
        # People without a month are in a year but in no quarter: a variable of their own.
        undated = YEAR in scope.windows and any(fact.quarter == "unknown" for fact in every)
        self.quarters = (*quarters, "unknown") if undated else quarters
        self.elements = [
            # Every combination of the codes of a clique.
            [{d: code for part in parts for d, code in part.items()} for parts in product(*along)]
            for along in ([self._along(axis) for axis in sorted(clique.axes)] for clique in self.cliques)
        ]
        self.offsets = np.cumsum([0, *(len(elements) for elements in self.elements)])
        if self.offsets[-1] > _MOST_VARIABLES:
            raise DisclosureError("DIS-026", "the tables are too many for one joint system")
        self._dimensions = [clique.dimensions for clique in self.cliques]
        self._flags: dict[tuple[int, str, str], Flags] = {}
        self._smallest: dict[frozenset[str], int] = {}

    def _along(self, axis: str) -> list[dict[str, str]]:
        """Return the coordinates along one axis."""
        if axis == "country":
            return [{"country": c, "atom": self._atoms[c]} for c in self.countries]
        if axis == "atom":
            return [{"atom": atom} for atom in sorted({self._atoms[c] for c in self.countries})]
        if axis == "quarter":
            return [{"quarter": quarter} for quarter in self.quarters]
        if "=" in axis:
            return [dict(zip(dimensions_of(axis), (KNOWN, answer), strict=True)) for answer in ("yes", "no")]
        return [{axis: code} for code in ((KNOWN, UNKNOWN) if axis in MULTIPLE else UNIVERSE[axis])]

    def coordinate(self, fact: Fact, dimension: str) -> str:
        """Return a fact's code along a coordinate of a clique."""
        match dimension:
            case "country":
                return fact.country
            case "atom":
                return self._atoms[fact.country]
            case "quarter":
                return fact.quarter
        # `means=force` asks a yes/no question; plain `means` says whether any code is known.
        name, _, asked = dimension.partition("=")
        code = fact.codes[name]
        if isinstance(code, str):
            return code
        return ("yes" if asked in code else "no") if asked else KNOWN if code else UNKNOWN

    def count(self, facts: Mapping[str, Sequence[Fact]], names: Sequence[str]) -> Floats:
        """Return the persons per elementary cell (rows) and group of agencies (columns).

        Args:
            facts: cube → facts of one publication.
            names: the groups, in the order of the columns.
        """
        counts = np.zeros((int(self.offsets[-1]), len(names)))
        columns = {name: i for i, name in enumerate(names)}
        along: dict[tuple[str, str], list[str]] = {}  # cube and dimension → the facts' coordinates, for all cliques
        for clique, elements, offset in zip(self.cliques, self.elements, self.offsets, strict=False):
            order = sorted(clique.dimensions)
            places = {tuple(element[d] for d in order): offset + i for i, element in enumerate(elements)}
            cube_facts = facts.get(clique.cube, ())
            for dimension in order:
                if (clique.cube, dimension) not in along:
                    along[clique.cube, dimension] = [self.coordinate(fact, dimension) for fact in cube_facts]
            coordinates = zip(*(along[clique.cube, d] for d in order), strict=True)
            for fact, coordinate in zip(cube_facts, coordinates, strict=True):
                place = places.get(coordinate)  # none: not asked, or outside the windows
                for agency, persons in fact.agencies.items() if place is not None else ():
                    counts[place, columns[agency]] += persons
        return counts

    def touched(self, windows: Collection[str]) -> Flags:
        """Flag the elementary cells that a publication of these windows counts."""
        whole = YEAR in windows
        return np.array(
            [whole or element.get("quarter") in windows for elements in self.elements for element in elements], np.bool_
        )

    def balance(self) -> tuple[Matrix, Floats]:
        """Return the rows that link the cliques, and their slack: `balance @ elements` lies between 0 and the slack.

        Two neighbours in the junction tree have equal sums over their separator. Everybody whose answer is known said
        yes to at least one question of the dimension.
        """
        lines: list[list[tuple[int, float]]] = []
        slack: list[float] = []
        for i, j in junction(self.cliques):
            shared = sorted(self.cliques[i].dimensions & self.cliques[j].dimensions)
            groups: dict[tuple[str, ...], list[tuple[int, float]]] = {}  # by the codes in the shared dimensions
            # A question is asked of those with a known answer only, so its denominator is counted where it is known.
            axes = self.cliques[i].axes | self.cliques[j].axes
            asked = {axis.partition("=")[0] for axis in axes if "=" in axis}
            for clique, sign in ((i, 1.0), (j, -1.0)):
                for n, element in enumerate(self.elements[clique]):
                    if all(element[dimension] == "known" for dimension in asked):
                        entry = (int(self.offsets[clique]) + n, sign)
                        groups.setdefault(tuple(element[d] for d in shared), []).append(entry)
            lines += groups.values()
            slack += [0.0] * len(groups)
        answered = list(self._answered())
        return Matrix.of([*lines, *answered], int(self.offsets[-1])), np.array(slack + [np.inf] * len(answered))

    def _answered(self) -> Iterator[list[tuple[int, float]]]:
        """Yield rows that are at least 0: all yeses of a multiple dimension, less the people with a known answer."""
        groups: dict[tuple[str, ...], list[tuple[int, float]]] = {}
        first: dict[frozenset[str], int] = {}
        for i, clique in enumerate(self.cliques):
            for axis in (axis for axis in clique.axes if "=" in axis):
                shared = clique.dimensions - {axis}
                counted = first.setdefault(shared, i) == i  # the denominator is subtracted once, at the first question
                for n, element in enumerate(self.elements[i]):
                    sign = (1.0 if element[axis] == "yes" else 0.0) - (1.0 if counted else 0.0)
                    key = (*sorted(shared), *(element[d] for d in sorted(shared)))
                    if sign:
                        groups.setdefault(key, []).append((int(self.offsets[i]) + n, sign))
        yield from groups.values()

    def _with_code(self, clique: int, dimension: str, code: str) -> Flags:
        """Flag a clique's elementary cells that have a code; `place` is a region, and holds the atoms that name it."""
        key = (clique, dimension, code)
        if key not in self._flags:
            axis = "atom" if dimension == "place" else dimension
            values = [element[axis] for element in self.elements[clique]]
            holds = {value: _is_held(value, dimension, code) for value in set(values)}
            self._flags[key] = np.array([holds[value] for value in values], np.bool_)
        return self._flags[key]

    def line(self, key: CellKey) -> list[tuple[int, float]]:
        """Return a cell as a row: the elementary cells that it sums, out of the smallest clique that has them."""
        # Country codes are upper case and region ids lower case.
        wanted = {**dict(key.codes), "country" if key.place.isupper() else "place": key.place}
        if key.window != YEAR:
            wanted["quarter"] = key.window
        needed = frozenset("atom" if dimension == "place" else dimension for dimension in wanted)
        if needed not in self._smallest:
            able = [i for i, dimensions in enumerate(self._dimensions) if needed <= dimensions]
            self._smallest[needed] = min(able, key=lambda i: (len(self.elements[i]), i))
        chosen = self._smallest[needed]
        kept = np.ones(len(self.elements[chosen]), np.bool_)
        for dimension, code in wanted.items():
            kept &= self._with_code(chosen, dimension, code)
        return [(i, 1.0) for i in (np.flatnonzero(kept) + self.offsets[chosen]).tolist()]


def _is_held(value: str, dimension: str, code: str) -> bool:
    """Tell whether a code, a region or all known codes of a dimension hold the value of an elementary cell."""
    if dimension == "place":
        return code in value.split("+")
    # A multiple dimension has `known` as a value; of any other it is every code but one.
    return value == code or (code == KNOWN and value != UNKNOWN)
