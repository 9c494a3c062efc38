"""Cliques of dimensions: which elementary cells a set of tables needs, and the tree that links them.

Purpose: the cross of all dimensions is too large for a linear program, and is not needed. If sets of dimensions form a
junction tree, tables over these sets that agree on their separators are always the margins of some joint table
(Lauritzen 1996, section 4.4). An attacker can therefore infer nothing more than from these small tables and their
agreements.
Called by: `variables` (tables of a policy) and `crosstab` (tables of a statistician), which count the elementary cells.

Invariants:
- Sets that form no junction tree are merged, the two that overlap most first, until they do. Leaving an agreement out
  instead would show wider intervals than an attacker has.

Source: Lauritzen 1996, "Graphical Models", section 4.4.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from anonymizer.policy import TablePlan
from anonymizer.released_dimensions import MULTIPLE, UNIVERSE
from schemas.errors import DisclosureError

__all__ = ["Clique", "cliques_of", "dimensions_of", "junction", "linked"]


@dataclass(frozen=True, slots=True)
class Clique:
    """A set of axes that are counted together, out of one cube.

    An axis is `country` (with its atom), `atom` (the countries that lie in the same regions), `quarter`, a dimension,
    or `dimension=code`: one yes/no question of a multiple dimension, asked of those with a known answer.
    """

    cube: str
    axes: frozenset[str]

    @property
    def dimensions(self) -> frozenset[str]:
        """The coordinates of an elementary cell of this clique."""
        return frozenset(d for axis in self.axes for d in dimensions_of(axis))

    @property
    def asks(self) -> bool:
        """True for a yes/no question: an end node of the tree, linked only to its denominators."""
        return any("=" in axis for axis in self.axes)


def dimensions_of(axis: str) -> tuple[str, ...]:
    """Return the coordinates along an axis."""
    if axis == "country":
        return ("atom", "country")
    return (axis.partition("=")[0], axis) if "=" in axis else (axis,)


def _cliques_of_table(table: TablePlan, *, quarters: bool) -> Iterator[Clique]:
    """Yield a table's own clique, and one per question of a multiple dimension."""
    axes = {"country" if table.geography == "country" else "atom", *table.dimensions}
    if quarters and table.period == "quarter":
        axes.add("quarter")
    yield Clique(table.cube, frozenset(axes))
    for multiple in MULTIPLE.intersection(table.dimensions):
        for code in UNIVERSE[multiple]:
            yield Clique(table.cube, frozenset(axes - {multiple} | {f"{multiple}={code}"}))


def _maximal(cliques: Iterable[Clique]) -> list[Clique]:
    """Return the cliques that no other contains, largest first."""
    kept: list[Clique] = []
    for clique in sorted(set(cliques), key=lambda c: (-len(c.dimensions), sorted(c.axes), c.cube)):
        if not any(clique.dimensions <= other.dimensions for other in kept):
            kept.append(clique)
    return kept


def cliques_of(tables: Sequence[TablePlan], *, quarters: bool) -> tuple[Clique, ...]:
    """Return the cliques that cover `tables` and have a junction tree; yes/no questions come last.

    Raises:
        DisclosureError: DIS-025, tables of two cubes overlap such that no tree links them.
    """
    every = [clique for table in tables for clique in _cliques_of_table(table, quarters=quarters)]
    inner = linked(clique for clique in every if not clique.asks)
    return (*inner, *sorted({clique for clique in every if clique.asks}, key=lambda c: sorted(c.axes)))


def linked(cliques: Iterable[Clique]) -> tuple[Clique, ...]:
    """Merge cliques until they have a junction tree.

    Raises:
        DisclosureError: DIS-025, as above.
    """
    merged = _maximal(cliques)
    while True:
        # A spanning tree is a junction tree if the cliques of every dimension are connected in it. Over n cliques of a
        # dimension it has n - 1 edges with that dimension if and only if they are connected. So the separators together
        # have as many dimensions as the cliques, less one per dimension.
        separators = (merged[i].dimensions & merged[j].dimensions for i, j in junction(merged))
        every = frozenset(d for clique in merged for d in clique.dimensions)
        if sum(map(len, separators)) == sum(len(clique.dimensions) for clique in merged) - len(every):
            return tuple(merged)
        merged = _maximal(_merge_closest(merged))


def _merge_closest(cliques: Sequence[Clique]) -> list[Clique]:
    """Merge the two cliques of one cube that share most axes, and of these the smallest."""
    pairs = [(a, b) for a, b in combinations(cliques, 2) if a.cube == b.cube]
    if not pairs:
        raise DisclosureError("DIS-025", "tables of two cubes overlap in a ring: no joint system is sound")
    first, second = max(pairs, key=lambda pair: (len(pair[0].axes & pair[1].axes), -len(pair[0].axes | pair[1].axes)))
    axes = first.axes | second.axes
    # A country knows its atom, so beside `country` the axis `atom` would only repeat it.
    axes -= {"atom"} if "country" in axes else set()
    return [*(c for c in cliques if c not in {first, second}), Clique(first.cube, axes)]


def junction(cliques: Sequence[Clique]) -> tuple[tuple[int, int], ...]:
    """Return a spanning tree of largest separators, as pairs of positions in `cliques`."""
    # Kruskal's algorithm: the heaviest edge that joins two groups, until there is one group.
    edges: list[tuple[int, int]] = []
    group = list(range(len(cliques)))
    weights = {
        (i, j): len(cliques[i].dimensions & cliques[j].dimensions)
        for i, j in combinations(range(len(cliques)), 2)
        if not (cliques[i].asks and cliques[j].asks)  # two questions are linked only through their denominators
    }
    for i, j in sorted(weights, key=lambda pair: (-weights[pair], pair)):
        if weights[i, j] and group[i] != group[j]:
            edges.append((i, j))
            group = [group[i] if g == group[j] else g for g in group]
    return tuple(edges)
