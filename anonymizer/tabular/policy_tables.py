"""Tables of a policy as publications of one joint system.

Purpose: it lays out what an attacker may combine: every table, margin, overlapping region, quarter and year of one
population, year and block, at every publication.
Called by: `block_protection`, which hands the result to the decision; `streams.core.releasing` for the keys and scopes
of cells.

Invariants:
- Countries without any person in the block's year are left out, and their cells are published as zeros. Fewer variables
  can only narrow the intervals that are computed, so no release looks safer than it is. `empties` puts these countries
  back if they are needed as cover.
- A person whom two cubes count is the same person: cubes that contradict each other are refused.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from anonymizer.policy import TablePlan
from anonymizer.released_dimensions import KNOWN, MULTIPLE, UNIVERSE, UNKNOWN
from anonymizer.tabular.facts import Fact
from anonymizer.tabular.joint_system import Publication
from anonymizer.tabular.publication_decision import VariableLinks
from anonymizer.tabular.sparse_matrix import Matrix
from anonymizer.tabular.variables import YEAR, CellKey, ReleaseScope, VariableSpace
from schemas.errors import DisclosureError
from schemas.reporters import agencies_in

__all__ = [
    "YEAR",
    "CellKey",
    "EarlierPublication",
    "Facts",
    "PolicyLayout",
    "ReleaseScope",
    "headlines_of",
    "keys_of",
    "lay_out",
]

Facts = Mapping[str, Sequence[Fact]]
"""Cube → facts of one block and year."""


@dataclass(frozen=True, slots=True)
class EarlierPublication:
    """One earlier publication: the facts behind it, and its cells with their values, None where suppressed."""

    facts: Facts
    values: Mapping[CellKey, int | None]


@dataclass(frozen=True, slots=True)
class PolicyLayout:
    """Publications over common elementary cells.

    `cells` are the cells of the last publication, in the order of its rows; `zeros` are the wanted cells that no
    elementary cell is part of.
    """

    publications: tuple[Publication, ...]
    links: VariableLinks
    cells: tuple[CellKey, ...]
    zeros: tuple[CellKey, ...]


def _choices(dimension: str) -> Iterator[tuple[tuple[str, str], ...]]:
    """Yield the total of a dimension and each of its codes; of a multiple one, the denominator and each question."""
    yield ()
    if dimension in MULTIPLE:
        yield from (((dimension, known),) for known in (KNOWN, UNKNOWN))
        yield from (((f"{dimension}={code}", "yes"),) for code in UNIVERSE[dimension])
    else:
        yield from (((dimension, code),) for code in UNIVERSE[dimension])


def _known_choices(dimension: str, *, is_alone: bool) -> Iterator[tuple[tuple[str, str], ...]]:
    """Yield a total and each known code of a dimension, so that who has none is in no cell but a total.

    The total is that of the known, if the table has this dimension alone. A table that crosses several has totals of
    everybody, which other tables have too: each further total would take other cells with it.
    """
    if dimension in MULTIPLE:
        yield ((dimension, KNOWN),)
        yield from (((f"{dimension}={code}", "yes"),) for code in UNIVERSE[dimension])
    else:
        yield ((dimension, KNOWN),) if is_alone and UNKNOWN in UNIVERSE[dimension] else ()
        yield from (((dimension, code),) for code in UNIVERSE[dimension] if code != UNKNOWN)


def keys_of(table: TablePlan, scope: ReleaseScope) -> Iterator[CellKey]:
    """Yield the cells of a table with all its margins, in every place and window of the scope."""
    is_alone = len(table.dimensions) == 1
    along = [tuple(_choices(d) if scope.unknown else _known_choices(d, is_alone=is_alone)) for d in table.dimensions]
    for place, window in product(scope.places_of(table), scope.windows_of(table)):
        for codes in product(*along):
            yield CellKey(place, window, tuple(sorted(code for group in codes for code in group)))


def headlines_of(table: TablePlan, scope: ReleaseScope) -> Iterator[CellKey]:
    """Yield the cells of a table that the policy calls headlines."""
    for key in keys_of(table, scope) if table.headline != "none" else ():
        if table.headline == "all" or not key.place.isupper():
            yield key


def lay_out(
    now: Facts,
    past: Sequence[EarlierPublication],
    scope: ReleaseScope,
    wanted: Collection[CellKey],
    waived: Collection[str] = (),
    *,
    empties: bool = False,
) -> PolicyLayout:
    """Lay out the joint system of one population, year and block.

    Args:
        now: the facts as they are today.
        past: the earlier publications of that year, in order.
        scope: tables, regions and windows that are released together, or were already.
        wanted: the cells to decide.
        waived: countries that a single agency may count.
        empties: whether countries without any person are variables too.

    Raises:
        DisclosureError: DIS-024, the cubes count different people; DIS-025 and DIS-026, no joint system is sound or
            small enough.
    """
    every = [fact for facts in (*(p.facts for p in past), now) for cube in facts.values() for fact in cube]
    space = VariableSpace(scope, every, empties=empties)
    if not space.countries:
        nothing = np.zeros(0)
        return PolicyLayout((), VariableLinks(Matrix.of([], 0), nothing, np.zeros(0, np.int64)), (), tuple(wanted))
    groups = sorted({group for fact in every for group in fact.agencies})
    balance, slack = space.balance()
    links = VariableLinks(balance, slack, np.zeros(balance.shape[1], np.int64))
    maker = _Maker(space, groups, frozenset(waived))
    publications = [maker.publication(earlier.facts, earlier.values, earlier.values) for earlier in past]
    last = maker.publication(now, wanted, None)
    # The true counts must satisfy the rows that every publication is assumed to satisfy.
    surplus = balance @ last.values
    if np.any((surplus < 0) | (surplus > slack)):
        raise DisclosureError("DIS-024", "the cubes of this population do not count the same people")
    cells = tuple(key for key in wanted if space.line(key))
    return PolicyLayout((*publications, last), links, cells, tuple(key for key in wanted if not space.line(key)))


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes publications over the elementary cells of a variable space."""

    space: VariableSpace
    groups: Sequence[str]
    waived: frozenset[str]

    def publication(
        self, facts: Facts, keys: Collection[CellKey], values: Mapping[CellKey, int | None] | None
    ) -> Publication:
        """Return a publication of these cells; `values` says which of them were shown, and is None for the new one."""
        counts, members = self.space.count(facts, self.groups), [agencies_in(group) for group in self.groups]
        agencies = sorted(frozenset().union(*members))
        knows = np.array([[agency in group for group in members] for agency in agencies], np.bool_)
        lines = {key: line for key in keys if (line := self.space.line(key))}
        touched = self.space.touched({key.window for key in keys})
        shown = None if values is None else np.array([values[key] is not None for key in lines], np.bool_)
        alone = np.array([key.place in self.waived for key in lines], np.bool_)
        return Publication(counts, knows, touched, Matrix.of([*lines.values()], len(counts)), shown, alone)
