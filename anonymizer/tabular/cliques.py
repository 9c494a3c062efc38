"""Which leaf variables a set of tables needs: the tables' own base cells, linked where they overlap.

Decides the cliques of dimensions and the tree that links them. Does not count anything: that is `table`.

The full cross of all dimensions is too big for a linear program. It is not needed: tables over sets of dimensions
that form a junction tree, and agree on their separators, always have a joint non-negative extension (Lauritzen 1996,
section 4.4), so what an attacker can infer from the tables' own base cells and those agreements is all that can be
inferred. Where the sets form no junction tree, the two that overlap most are merged until they do; leaving an
agreement out would show wider intervals than an attacker has.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from anonymizer.policy import TablePlan
from anonymizer.tabular.facts import MULTIPLE, UNIVERSE
from schemas.errors import DisclosureError

__all__ = ["Clique", "cliques_of", "dimensions_of", "junction", "linked"]


@dataclass(frozen=True, slots=True)
class Clique:
    """A set of axes counted together, out of one cube.

    An axis is `country` (with its atom), `atom` (countries that share all their regions), `quarter`, a dimension, or
    `dimension=code` for one yes/no question among those with a known answer.
    """

    cube: str
    axes: frozenset[str]

    @property
    def dimensions(self) -> frozenset[str]:
        """Every coordinate a variable of this clique has."""
        return frozenset(d for axis in self.axes for d in dimensions_of(axis))

    @property
    def asks(self) -> bool:
        """Whether this is a yes/no question: a leaf of the tree that hangs on its denominators."""
        return any("=" in axis for axis in self.axes)


def dimensions_of(axis: str) -> tuple[str, ...]:
    """Return the coordinates along an axis."""
    if axis == "country":
        return ("atom", "country")
    return (axis.partition("=")[0], axis) if "=" in axis else (axis,)


def _of(table: TablePlan, *, quarters: bool) -> Iterator[Clique]:
    axes = {"country" if table.geography == "country" else "atom", *table.dimensions}
    if quarters and table.period == "quarter":
        axes.add("quarter")
    yield Clique(table.cube, frozenset(axes))
    for multiple in MULTIPLE.intersection(table.dimensions):
        for code in UNIVERSE[multiple]:
            yield Clique(table.cube, frozenset(axes - {multiple} | {f"{multiple}={code}"}))


def _maximal(cliques: Iterable[Clique]) -> list[Clique]:
    kept: list[Clique] = []
    for clique in sorted(set(cliques), key=lambda c: (-len(c.dimensions), sorted(c.axes), c.cube)):
        if not any(clique.dimensions <= other.dimensions for other in kept):
            kept.append(clique)
    return kept


def cliques_of(tables: Sequence[TablePlan], *, quarters: bool) -> tuple[Clique, ...]:
    """Return cliques that cover `tables` and have a junction tree; yes/no questions come last.

    Raises:
        DisclosureError: DIS-025, tables of two cubes overlap such that no tree links them.
    """
    every = [clique for table in tables for clique in _of(table, quarters=quarters)]
    inner = linked(clique for clique in every if not clique.asks)
    return (*inner, *sorted({clique for clique in every if clique.asks}, key=lambda c: sorted(c.axes)))


def linked(cliques: Iterable[Clique]) -> tuple[Clique, ...]:
    """Return the fewest cliques that hold these and have a junction tree.

    Raises:
        DisclosureError: DIS-025, as above.
    """
    found = _maximal(cliques)
    while not _is_tree(found, junction(found)):
        found = _maximal(_merge(found))
    return tuple(found)


def _merge(cliques: Sequence[Clique]) -> list[Clique]:
    pairs = [(a, b) for a, b in combinations(cliques, 2) if a.cube == b.cube]
    if not pairs:
        raise DisclosureError("DIS-025", "tables of two cubes overlap in a ring: no joint system is sound")
    first, second = max(pairs, key=lambda pair: (len(pair[0].axes & pair[1].axes), -len(pair[0].axes | pair[1].axes)))
    axes = first.axes | second.axes
    axes -= {"atom"} if "country" in axes else set()
    return [*(c for c in cliques if c not in {first, second}), Clique(first.cube, axes)]


def junction(cliques: Sequence[Clique]) -> tuple[tuple[int, int], ...]:
    """Return a spanning tree of greatest separators as pairs of positions; questions hang on their denominators."""
    edges: list[tuple[int, int]] = []
    group = list(range(len(cliques)))
    weights = {(i, j): len(cliques[i].dimensions & cliques[j].dimensions) for i, j in _pairs(cliques)}
    for i, j in sorted(weights, key=lambda pair: (-weights[pair], pair)):
        if weights[i, j] and group[i] != group[j]:
            edges.append((i, j))
            group = [group[i] if g == group[j] else g for g in group]
    return tuple(edges)


def _pairs(cliques: Sequence[Clique]) -> Iterator[tuple[int, int]]:
    for i, j in combinations(range(len(cliques)), 2):
        if not (cliques[i].asks and cliques[j].asks):
            yield i, j


def _is_tree(cliques: Sequence[Clique], edges: Sequence[tuple[int, int]]) -> bool:
    """Running intersection: every dimension's cliques hang together, so separators add up to what is shared."""
    shared = sum(len(cliques[i].dimensions & cliques[j].dimensions) for i, j in edges)
    every = frozenset(d for clique in cliques for d in clique.dimensions)
    return shared == sum(len(clique.dimensions) for clique in cliques) - len(every)
