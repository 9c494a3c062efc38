"""Cross tables over any dimensions, as a statistician has them: their cells, and the leaves of all of them together.

Decides which cells a table has (every margin with its own totals, groups of codes beside codes), and which rows of
different tables are the same people: those with equal codes. Does not decide what may be shown (`decide`).

A leaf is a combination of codes within a clique of the dimensions that margins cross (see `cliques`); dimensions whose
codes differ from table to table are in every clique. Combinations that nobody has are leaves too: an attacker does not
know that nobody has them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, combinations, product

import numpy as np

from anonymizer.tabular.cliques import Clique, junction, linked
from anonymizer.tabular.joint_system import Publication
from anonymizer.tabular.linear_program import Indices, Matrix, vstack
from anonymizer.tabular.publication_decision import VariableLinks
from schemas.errors import DisclosureError
from schemas.trend import TOTAL

__all__ = ["Codes", "CrossTable", "lay_out"]

_MOST_LEAVES = 200_000
_WHOLE = 400  # leaves that are protected as a whole
_FEW = 0.3  # share of cells that may sum over several parts

Codes = tuple[str, ...]


@dataclass(frozen=True)
class CrossTable:
    """A table: `counts` of persons by codes, in the order of `dims`; the `margins` of it that are for publication.

    `groups` maps a dimension to its groups of codes, which may overlap. `values` are the cells that were published of
    it, None where suppressed; it is None itself for a table that is not yet decided.
    """

    dims: tuple[str, ...]
    margins: tuple[frozenset[str], ...]
    counts: Mapping[Codes, int]
    groups: Mapping[str, Mapping[str, frozenset[str]]]
    values: Mapping[Codes, int | None] | None = None

    @cached_property
    def codes(self) -> Mapping[str, Codes]:
        """Every dimension's codes."""
        return {dim: tuple(sorted({key[i] for key in self.counts})) for i, dim in enumerate(self.dims)}

    @cached_property
    def crossed(self) -> tuple[frozenset[str], ...]:
        """Every set of dimensions that some margin shows, from the total on."""
        every = {frozenset(c) for m in self.margins for n in range(len(m) + 1) for c in combinations(sorted(m), n)}
        return tuple(sorted(every, key=lambda dims: (len(dims), sorted(dims))))

    def ordered(self, dims: Codes) -> "CrossTable":
        """Return the same with its dimensions in another order."""
        if dims == self.dims:
            return self
        places = [self.dims.index(d) for d in dims]
        counts = {tuple(key[i] for i in places): count for key, count in self.counts.items()}
        values = self.values and {tuple(key[i] for i in places): value for key, value in self.values.items()}
        return replace(self, dims=dims, counts=counts, values=values)

    def shown_of(self, dim: str) -> Codes:
        """Return what stands for a dimension in a cell: its codes, then its groups that have any of them."""
        groups = self.groups.get(dim, {})
        here = set(self.codes[dim])
        return (*self.codes[dim], *(name for name in sorted(groups) if groups[name] & here))

    @cached_property
    def cells(self) -> tuple[Codes, ...]:
        """Every cell, `_T` where it sums over a dimension."""
        sides = [[self.shown_of(d) if d in crossed else (TOTAL,) for d in self.dims] for crossed in self.crossed]
        return tuple(chain.from_iterable(product(*side) for side in sides))


@dataclass(frozen=True, slots=True)
class CrosstabLayout:
    """Tables over common leaves: `prints` in their order, the last one to decide."""

    prints: tuple[Publication, ...]
    leaves: VariableLinks


@dataclass(frozen=True, slots=True)
class _Clique:
    """A set of dimensions counted together: its leaves begin at `first`, `places` maps their codes to numbers."""

    dims: Codes
    places: Mapping[Codes, int]
    first: int


def lay_out(tables: Sequence[CrossTable]) -> CrosstabLayout:
    """Give tables with the same dimensions common leaves.

    Args:
        tables: the earlier ones in their order, then the one to decide.

    Raises:
        DisclosureError: DIS-026, the tables are too large for one joint system.
    """
    cliques = _cliques(tables)
    size = cliques[-1].first + len(cliques[-1].places)
    prints = tuple(_print(table, cliques, size) for table in tables)
    lines = [
        line for i, j in junction([_as_clique(c.dims) for c in cliques]) for line in _links(cliques[i], cliques[j])
    ]
    balance = Matrix.of(lines, size)
    return CrosstabLayout(prints, VariableLinks(balance, np.zeros(len(lines)), _parts(tables, cliques)))


def _as_clique(dims: Iterable[str]) -> Clique:
    return Clique("", frozenset(dims))


def _cliques(tables: Sequence[CrossTable]) -> list[_Clique]:
    """Return the cliques of the dimensions that are crossed; what differs from table to table is in all of them."""
    names = tables[-1].dims
    differing = [d for d in names if len({table.codes[d] for table in tables}) > 1]
    found = linked(_as_clique({*margin, *differing}) for table in tables for margin in table.margins)
    cliques: list[_Clique] = []
    first = 0
    for one in found:
        dims = tuple(d for d in names if d in one.axes)
        if sum(int(np.prod([len(table.codes[d]) for d in dims])) for table in tables) > _MOST_LEAVES:
            raise DisclosureError("DIS-026", "the tables are too many for one joint system")
        leaves = dict.fromkeys(leaf for table in tables for leaf in product(*(table.codes[d] for d in dims)))
        cliques.append(_Clique(dims, {leaf: first + i for i, leaf in enumerate(leaves)}, first))
        first += len(leaves)
    return cliques


def _links(one: _Clique, other: _Clique) -> Iterator[list[tuple[int, float]]]:
    """Yield rows by which two cliques count the same people, where they have dimensions in common."""
    shared = [d for d in one.dims if d in other.dims]
    groups: dict[Codes, list[tuple[int, float]]] = {}
    for clique, sign in ((one, 1.0), (other, -1.0)):
        columns = [clique.dims.index(d) for d in shared]
        for leaf, place in clique.places.items():
            groups.setdefault(tuple(leaf[i] for i in columns), []).append((place, sign))
    yield from groups.values()


def _print(table: CrossTable, cliques: Sequence[_Clique], size: int) -> Publication:
    counts, touched = np.zeros((size, 1)), np.zeros(size, np.bool_)
    for clique in cliques:
        columns = [table.dims.index(d) for d in clique.dims]
        for key, count in table.counts.items():
            counts[clique.places[tuple(key[i] for i in columns)], 0] += count
        touched[[clique.places[leaf] for leaf in product(*(table.codes[d] for d in clique.dims))]] = True
    parts = [_members(table, crossed, _smallest(cliques, crossed), size) for crossed in table.crossed]
    members = vstack(parts)
    shown = None if table.values is None else np.array([table.values.get(key) is not None for key in table.cells])
    return Publication(counts, touched, members, shown, np.ones(members.shape[0], np.bool_))


def _smallest(cliques: Sequence[_Clique], crossed: frozenset[str]) -> _Clique:
    return min((c for c in cliques if crossed <= set(c.dims)), key=lambda c: (len(c.places), c.first))


def _members(table: CrossTable, crossed: frozenset[str], clique: _Clique, size: int) -> Matrix:
    """Return which leaves each cell over these dimensions sums, cells in the order of `table.cells`."""
    leaves = [*product(*(table.codes[d] for d in clique.dims))]
    columns, rows, height = np.arange(len(leaves)), np.zeros(len(leaves), np.int64), 1
    for dim in (d for d in clique.dims if d in crossed):
        starts, chosen = _options(table, dim, [leaf[clique.dims.index(dim)] for leaf in leaves])
        lengths = np.diff(starts)[columns]
        firsts = np.repeat(starts[columns] - np.cumsum(lengths) + lengths, lengths)
        options = len(table.shown_of(dim))
        rows = np.repeat(rows, lengths) * options + chosen[firsts + np.arange(int(lengths.sum()))]
        columns, height = np.repeat(columns, lengths), height * options
    places = np.array([clique.places[leaf] for leaf in leaves], np.int64)
    return Matrix(rows, places[columns], np.ones(len(rows)), (height, size))


def _options(table: CrossTable, dim: str, codes: Sequence[str]) -> tuple[Indices, Indices]:
    """Return for every leaf, as starts and a flat list, the places among `shown_of` that count it."""
    names, own, groups = table.shown_of(dim), len(table.codes[dim]), table.groups.get(dim, {})
    by_code = {
        code: [i for i, name in enumerate(names) if (code in groups[name] if i >= own else code == name)]
        for code in table.codes[dim]
    }
    flat = [by_code[code] for code in codes]
    return np.cumsum([0, *map(len, flat)]), np.array([*chain.from_iterable(flat)], np.int64)


def _parts(tables: Sequence[CrossTable], cliques: Sequence[_Clique]) -> Indices:
    """Part the leaves by the dimension that fewest cells sum over, if these are few and the leaves many."""
    cells = [(table.dims, key, table.codes) for table in tables for key in table.cells]
    common = set.intersection(*(set(c.dims) for c in cliques))
    over = {d: sum(key[names.index(d)] not in codes[d] for names, key, codes in cells) for d in common}
    dim = min(common, key=lambda d: (over[d], d), default=None)
    leaves = [(clique, leaf) for clique in cliques for leaf in clique.places]
    if dim is None or len(leaves) <= _WHOLE or over[dim] > _FEW * len(cells):
        return np.zeros(len(leaves), np.int64)
    numbers: dict[str, int] = {}
    codes = (leaf[clique.dims.index(dim)] for clique, leaf in leaves)
    return np.array([numbers.setdefault(code, len(numbers)) for code in codes], np.int64)
