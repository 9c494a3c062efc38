"""A policy's tables as prints of one joint system: leaves, how they balance, and which of them each cell sums.

Decides what an attacker may put together: every table, margin, overlapping region, quarter and year of one population,
year and block, at every print. Does not decide which cells are unsafe (`primary`) or which are withheld (`secondary`).

Countries without any person in the block's year are left out: their cells are published as zeros. Leaving variables
out can only narrow the intervals that are computed, so it never makes a release look safer than it is; `empties` puts
them back in where they are needed as cover.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from anonymizer.policy import TablePlan
from anonymizer.tabular.facts import MULTIPLE, UNIVERSE, Fact
from anonymizer.tabular.joint_system import Publication
from anonymizer.tabular.linear_program import Matrix
from anonymizer.tabular.publication_decision import VariableLinks
from anonymizer.tabular.variables import YEAR, CellKey, ReleaseScope, VariableSpace
from schemas.errors import DisclosureError

__all__ = ["YEAR", "CellKey", "EarlierPublication", "Facts", "PolicyLayout", "ReleaseScope", "keys_of", "lay_out"]

Facts = Mapping[str, Sequence[Fact]]
"""Cube → facts of one block and year."""


@dataclass(frozen=True, slots=True)
class EarlierPublication:
    """One earlier print: the facts it rested on, and what it showed of each cell, None where suppressed."""

    facts: Facts
    values: Mapping[CellKey, int | None]


@dataclass(frozen=True, slots=True)
class PolicyLayout:
    """Prints over common leaves; `cells` are those of the last, `zeros` the ones of its cells that no leaf touches."""

    prints: tuple[Publication, ...]
    leaves: VariableLinks
    cells: tuple[CellKey, ...]
    zeros: tuple[CellKey, ...]


def _choices(dimension: str) -> Iterator[tuple[tuple[str, str], ...]]:
    yield ()
    if dimension in MULTIPLE:
        yield from (((dimension, known),) for known in ("known", "unknown"))
        yield from (((f"{dimension}={code}", "yes"),) for code in UNIVERSE[dimension])
    else:
        yield from (((dimension, code),) for code in UNIVERSE[dimension])


def keys_of(table: TablePlan, scope: ReleaseScope) -> Iterator[CellKey]:
    """Yield the cells of a table with all its margins: every dimension's codes and its total."""
    for place, window in product(scope.places_of(table), scope.windows_of(table)):
        for codes in product(*(_choices(d) for d in table.dimensions)):
            yield CellKey(place, window, tuple(sorted(code for group in codes for code in group)))


def lay_out(
    now: Facts,
    past: Sequence[EarlierPublication],
    scope: ReleaseScope,
    printed: Collection[CellKey],
    waived: Collection[str] = (),
    *,
    empties: bool = False,
) -> PolicyLayout:
    """Lay out the joint system of one population, year and block.

    Args:
        now: facts as they are today.
        past: the earlier prints of that year, in their order.
        scope: tables, regions and windows that are released together, or were already.
        printed: the cells to decide.
        waived: countries that a single agency may count.
        empties: whether countries without any person are variables too.

    Raises:
        DisclosureError: DIS-024, the cubes count different people; DIS-025 and DIS-026, no joint system is sound or
            small enough.
    """
    every = [fact for facts in (*(p.facts for p in past), now) for cube in facts.values() for fact in cube]
    frame = VariableSpace(scope, every, empties=empties)
    if not frame.countries:
        nothing = np.zeros(0)
        return PolicyLayout((), VariableLinks(Matrix.of([], 0), nothing, np.zeros(0, np.int64)), (), tuple(printed))
    names = sorted({agency for fact in every for agency in fact.agencies})
    balance, slack = frame.balance()
    leaves = VariableLinks(balance, slack, np.zeros(balance.shape[1], np.int64))
    maker = _Maker(frame, names, frozenset(waived))
    prints = [maker.make(one.facts, one.values, one.values) for one in past]
    last = maker.make(now, printed, None)
    surplus = balance.times(last.values)
    if np.any((surplus < 0) | (surplus > slack)):
        raise DisclosureError("DIS-024", "the cubes of this population do not count the same people")
    cells = tuple(key for key in printed if frame.line(key))
    return PolicyLayout((*prints, last), leaves, cells, tuple(key for key in printed if not frame.line(key)))


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes prints over the leaves of a frame."""

    frame: VariableSpace
    agencies: Sequence[str]
    waived: frozenset[str]

    def make(self, facts: Facts, keys: Collection[CellKey], values: Mapping[CellKey, int | None] | None) -> Publication:
        counts = self.frame.count(facts, self.agencies)
        lines = {key: line for key in keys if (line := self.frame.line(key))}
        touched = self.frame.touched({key.window for key in keys})
        shown = None if values is None else np.array([values[key] is not None for key in lines], np.bool_)
        alone = np.array([key.place in self.waived for key in lines], np.bool_)
        return Publication(counts, touched, Matrix.of([*lines.values()], len(counts)), shown, alone)
