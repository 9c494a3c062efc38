"""Cross tables over any dimensions, as a statistician has them: their cells, and their common elementary cells.

Purpose: it decides the cells of a table (every margin with its own totals, groups of codes beside codes), and which
rows of different tables count the same people: those with equal codes. The cells that may be shown are decided
elsewhere.
Called by: `standalone`, `connectors.offline` and `amana protect`.

Invariants:
- An elementary cell is a combination of codes within a clique of the dimensions that margins cross (`cliques`).
  Dimensions with other codes in other tables are in every clique.
- Combinations without any person are elementary cells too: an attacker does not know that they are empty.
- More than 200,000 elementary cells of one clique are refused.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, combinations, product

import numpy as np

from anonymizer.tabular.cliques import Clique, junction, linked
from anonymizer.tabular.joint_system import Publication
from anonymizer.tabular.publication_decision import VariableLinks
from anonymizer.tabular.sparse_matrix import Indices, Matrix, vstack
from schemas.errors import DisclosureError
from schemas.trend import TOTAL

__all__ = ["Codes", "CrossTable", "lay_out"]

_MOST_ELEMENTS = 200_000
_WHOLE = 400  # elementary cells up to which a system is protected as a whole
_FEW = 0.3  # share of cells that may sum over several parts

Codes = tuple[str, ...]


@dataclass(frozen=True)
class CrossTable:
    """A table: `counts` of persons by codes, in the order of `dims`, and the `margins` that are to be published.

    `groups` maps a dimension to its groups of codes, which may overlap. `values` are the published cells, None where
    suppressed; a table that is not yet decided has None instead.
    """

    dims: tuple[str, ...]
    margins: tuple[frozenset[str], ...]
    counts: Mapping[Codes, int]
    groups: Mapping[str, Mapping[str, frozenset[str]]]
    values: Mapping[Codes, int | None] | None = None

    @cached_property
    def codes(self) -> Mapping[str, Codes]:
        """Dimension → its codes in this table, sorted."""
        return {dim: tuple(sorted({key[i] for key in self.counts})) for i, dim in enumerate(self.dims)}

    @cached_property
    def crossed(self) -> tuple[frozenset[str], ...]:
        """Every set of dimensions that some margin shows, from the total to the largest."""
        every = {frozenset(c) for m in self.margins for n in range(len(m) + 1) for c in combinations(sorted(m), n)}
        return tuple(sorted(every, key=lambda dims: (len(dims), sorted(dims))))

    def ordered(self, dims: Codes) -> "CrossTable":
        """Return the same table with its dimensions in another order."""
        if dims == self.dims:
            return self
        places = [self.dims.index(d) for d in dims]
        counts = {tuple(key[i] for i in places): count for key, count in self.counts.items()}
        values = self.values and {tuple(key[i] for i in places): value for key, value in self.values.items()}
        return replace(self, dims=dims, counts=counts, values=values)

    def shown_of(self, dim: str) -> Codes:
        """Return the names that a cell may have in a dimension: its codes, then the groups that hold any of them."""
        groups = self.groups.get(dim, {})
        here = set(self.codes[dim])
        return (*self.codes[dim], *(name for name in sorted(groups) if groups[name] & here))

    @cached_property
    def cells(self) -> tuple[Codes, ...]:
        """Every cell, with `_T` in the dimensions that it sums over."""
        sides = [[self.shown_of(d) if d in crossed else (TOTAL,) for d in self.dims] for crossed in self.crossed]
        return tuple(chain.from_iterable(product(*side) for side in sides))


@dataclass(frozen=True, slots=True)
class CrosstabLayout:
    """Tables over common elementary cells: `publications` in their order, the last one to decide."""

    publications: tuple[Publication, ...]
    links: VariableLinks


@dataclass(frozen=True, slots=True)
class _CountedClique:
    """Dimensions counted together, and their elementary cells.

    `places` maps codes to the numbers of elementary cells in the joint system, the first of which is `first`.
    """

    dims: Codes
    places: Mapping[Codes, int]
    first: int


def lay_out(tables: Sequence[CrossTable]) -> CrosstabLayout:
    """Give tables with the same dimensions common elementary cells.

    Args:
        tables: the earlier ones in their order, then the one to decide.

    Raises:
        DisclosureError: DIS-026, the tables are too large for one joint system.
    """
    cliques = _counted_cliques(tables)
    size = cliques[-1].first + len(cliques[-1].places)
    publications = tuple(_publication(table, cliques, size) for table in tables)
    tree = junction([Clique("", frozenset(clique.dims)) for clique in cliques])
    lines: list[list[tuple[int, float]]] = []
    for i, j in tree:
        # A row per combination of shared codes: the sum of one clique less that of the other, which is 0.
        shared = [d for d in cliques[i].dims if d in cliques[j].dims]
        groups: dict[Codes, list[tuple[int, float]]] = {}
        for clique, sign in ((cliques[i], 1.0), (cliques[j], -1.0)):
            columns = [clique.dims.index(d) for d in shared]
            for key, place in clique.places.items():
                groups.setdefault(tuple(key[c] for c in columns), []).append((place, sign))
        lines += groups.values()
    links = VariableLinks(Matrix.of(lines, size), np.zeros(len(lines)), _parts(tables, cliques))
    return CrosstabLayout(publications, links)


def _counted_cliques(tables: Sequence[CrossTable]) -> list[_CountedClique]:
    """Return the cliques of the crossed dimensions, with their elementary cells numbered through."""
    names = tables[-1].dims
    # Two tables count the same people only where their codes in these dimensions are equal.
    differing = [d for d in names if len({table.codes[d] for table in tables}) > 1]
    cliques: list[_CountedClique] = []
    first = 0
    for clique in linked(Clique("", frozenset({*m, *differing})) for table in tables for m in table.margins):
        dims = tuple(d for d in names if d in clique.axes)
        if sum(math.prod(len(table.codes[d]) for d in dims) for table in tables) > _MOST_ELEMENTS:
            raise DisclosureError("DIS-026", "the tables are too many for one joint system")
        elements = dict.fromkeys(key for table in tables for key in product(*(table.codes[d] for d in dims)))
        cliques.append(_CountedClique(dims, {key: first + i for i, key in enumerate(elements)}, first))
        first += len(elements)
    return cliques


def _publication(table: CrossTable, cliques: Sequence[_CountedClique], size: int) -> Publication:
    """Return a table as a publication; a table without values is the one to decide."""
    counts, touched = np.zeros((size, 1)), np.zeros(size, np.bool_)  # one column: agencies are not told apart
    for clique in cliques:
        columns = [table.dims.index(d) for d in clique.dims]
        for key, count in table.counts.items():
            counts[clique.places[tuple(key[i] for i in columns)], 0] += count
        touched[[clique.places[key] for key in product(*(table.codes[d] for d in clique.dims))]] = True
    members = vstack([_members(table, crossed, cliques, size) for crossed in table.crossed])
    shown = None if table.values is None else np.array([table.values.get(key) is not None for key in table.cells])
    knows = np.ones((1, 1), np.bool_)
    return Publication(counts, knows, touched, members, shown, np.ones(members.shape[0], np.bool_))


def _members(table: CrossTable, crossed: frozenset[str], cliques: Sequence[_CountedClique], size: int) -> Matrix:
    """Return the elementary cells that each cell over these dimensions sums, cells in the order of `table.cells`."""
    # The smallest clique that has the dimensions: it has the shortest sums.
    clique = min((c for c in cliques if crossed <= set(c.dims)), key=lambda c: (len(c.places), c.first))
    elements = [*product(*(table.codes[d] for d in clique.dims))]
    # Entry i says that elementary cell columns[i] counts in cell rows[i]. At first all count in one cell, the total.
    # Each crossed dimension then splits every entry into one per code or group that counts its elementary cell.
    columns, rows, height = np.arange(len(elements)), np.zeros(len(elements), np.int64), 1
    for dim in (d for d in clique.dims if d in crossed):
        starts, chosen = _options(table, dim, [key[clique.dims.index(dim)] for key in elements])
        # Elementary cell e has the options chosen[starts[e]:starts[e + 1]]: entry i is repeated lengths[i] times.
        lengths = np.diff(starts)[columns]
        # `firsts + arange` runs from starts[columns[i]] on within each repeated entry: cumsum - length is the running
        # number at which entry i begins.
        firsts = np.repeat(starts[columns] - np.cumsum(lengths) + lengths, lengths)
        options = len(table.shown_of(dim))
        # Mixed radix: the new dimension is the last digit of the cell's number, as in `product`, the order of `cells`.
        rows = np.repeat(rows, lengths) * options + chosen[firsts + np.arange(int(lengths.sum()))]
        columns, height = np.repeat(columns, lengths), height * options
    places = np.array([clique.places[key] for key in elements], np.int64)  # this table's cells → all tables' numbers
    return Matrix(rows, places[columns], np.ones(len(rows)), (height, size))


def _options(table: CrossTable, dim: str, codes: Sequence[str]) -> tuple[Indices, Indices]:
    """Return which of `table.shown_of(dim)` count each of `codes`: as starts, and a flat list of positions."""
    names, own, groups = table.shown_of(dim), len(table.codes[dim]), table.groups.get(dim, {})
    # The first `own` names are codes, the rest are groups; a group may have the name of a code.
    by_code = {
        code: [i for i, name in enumerate(names) if (code in groups[name] if i >= own else code == name)]
        for code in table.codes[dim]
    }
    flat = [by_code[code] for code in codes]
    return np.cumsum([0, *map(len, flat)]), np.array([*chain.from_iterable(flat)], np.int64)


def _parts(tables: Sequence[CrossTable], cliques: Sequence[_CountedClique]) -> Indices:
    """Return the part of each elementary cell: its code in the dimension that fewest cells sum over, else 0.

    A system is divided only if it is large and few of its cells sum over several parts.
    """
    cells = [(table.dims, key, table.codes) for table in tables for key in table.cells]
    common = set.intersection(*(set(c.dims) for c in cliques))
    over = {d: sum(key[names.index(d)] not in codes[d] for names, key, codes in cells) for d in common}
    dim = min(common, key=lambda d: (over[d], d), default=None)
    elements = [(clique, key) for clique in cliques for key in clique.places]
    if dim is None or len(elements) <= _WHOLE or over[dim] > _FEW * len(cells):
        return np.zeros(len(elements), np.int64)
    numbers: dict[str, int] = {}
    codes = (key[clique.dims.index(dim)] for clique, key in elements)
    return np.array([numbers.setdefault(code, len(numbers)) for code in codes], np.int64)
