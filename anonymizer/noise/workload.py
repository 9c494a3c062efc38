"""The workload of a population under differential privacy: what is measured of its tables, and with how much of rho.

Purpose: it turns the tables, regions, weights and code lists of a policy into two plans, one for a quarter and one for
a year. A plan holds the strategy for places and systems of margins with their shares.

- All tables of a window are one system: their margins are solved together, and agree.
- A dimension in which one person may have several codes is a system of its own. The denominators of its questions,
  those with a known answer, are a dimension of the first system (`known_of`).
- The year is measured by itself, and so is each quarter: the year less its quarters is everybody without a month, and
  everybody who was reported after the publication of her quarter.

Called by: `streams.core.releasing.dp_release`, `noise_price` and `person_counts`; `workload_draw` and
`published_margins` read the plans.

Invariants:
- A plan follows from the policy alone: code lists, regions, coverage and weights, never counts.
- Places are the covered countries, or what overlapping regions can tell apart of them if no table shows countries.
- The shares of both windows add up to 1: a person is in one quarter of a publication at most, and in its year.
"""

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Final

import numpy as np

from anonymizer.noise.least_squares import Floats, Ladder, Margin, below
from anonymizer.noise.place_strategy import PlaceStrategy, p_identity, weights
from anonymizer.noise.shares import MarginSystem, best_shares
from anonymizer.policy import Policy, Population, TablePlan
from anonymizer.released_dimensions import KNOWN, MULTIPLE, SOURCES, UNIVERSE, UNKNOWN, group_of

__all__ = ["ANSWERS", "PlannedSystem", "PlannedWindow", "Workload", "known_of", "workload_of"]

ANSWERS: Final = (KNOWN, UNKNOWN)
"""Codes of the dimension that says whether any code of a multiple one is known."""

_OF_MARGIN: Final = 0.1
"""The weight of a margin of a table, relative to the table: it is published too, and its values are larger."""

_PARTS: Final = 1_000
"""The quarters' share of rho is a whole number of these parts, so that it is the same on every machine."""


def known_of(dimension: str) -> str:
    """Return the name of the dimension that says whether any code of a multiple dimension is known."""
    return f"{dimension}?"


@dataclass(frozen=True, slots=True)
class PlannedSystem:
    """Margins of one window that are solved together.

    Args:
        dims: names of the dimensions.
        codes: code list of each dimension.
        tables: the published margins.
        several: the first dimension, if a person may have several of its codes; else empty.
        bound: the squared L2 norm of what one person adds to a margin, in persons.
        shares: measured margin → its share of the population's rho, in one publication.
        ladder: the dimensions of groups and codes, if both are shown.
    """

    dims: tuple[str, ...]
    codes: tuple[tuple[str, ...], ...]
    tables: tuple[Margin, ...]
    several: str
    bound: int
    shares: Mapping[Margin, float]
    ladder: Ladder | None

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of codes by dimension."""
        return tuple(map(len, self.codes))

    @property
    def cost(self) -> float:
        """The cost of all its margins together, as a share of the population's rho in one publication."""
        return self.bound * sum(self.shares.values())


@dataclass(frozen=True, slots=True)
class PlannedWindow:
    """The measurements of one quarter or year; `share` is their cost, of the population's rho in one publication."""

    strategy: PlaceStrategy
    systems: tuple[PlannedSystem, ...]
    share: Fraction


@dataclass(frozen=True, slots=True, eq=False)
class Workload:
    """The measurements of a population in one year.

    Args:
        places: names of the places: countries, or sets of regions.
        place_of: country → its place; a country that is not covered has none.
        regions: region → 1 for each place that lies in it.
        quarter: the plan of a quarter, None if no table is published by quarter.
        year: the plan of a year.
        gap: no other shares have a weighted loss lower by more than this fraction.
    """

    places: tuple[str, ...]
    place_of: Mapping[str, str]
    regions: Mapping[str, Floats]
    quarter: PlannedWindow | None
    year: PlannedWindow
    gap: float


def workload_of(policy: Policy, population: Population, year: int) -> Workload | None:
    """Return what is measured of a population in a year, None if no country of it is covered."""
    tables = tuple(table for table in policy.tables if table.population == population.name)
    covered = policy.covered(population.kind, year)
    if not covered or not tables:
        return None
    by_country = any(table.geography == "country" for table in tables)
    place_of = {
        country: country if by_country else "+".join(sorted(r.id for r in policy.regions if country in r.countries))
        for country in covered
    }
    members = tuple(
        (region.id, tuple(sorted({place_of[c] for c in region.countries if c in place_of})))
        for region in policy.regions
        if set(region.countries) & set(covered)
    )
    bounds = tuple(sorted((policy.dp.codes if policy.dp else {}).items()))
    places, regions, quarter, annual, gap = _planned(tables, tuple(sorted(set(place_of.values()))), members, bounds)
    return Workload(places, place_of, regions, quarter, annual, gap)


@functools.lru_cache(maxsize=64)
def _planned(
    tables: tuple[TablePlan, ...],
    places: tuple[str, ...],
    members: tuple[tuple[str, tuple[str, ...]], ...],
    bounds: tuple[tuple[str, int], ...],
) -> tuple[tuple[str, ...], Mapping[str, Floats], PlannedWindow | None, PlannedWindow, float]:
    """Plan both windows; the same tables and places are planned once."""
    regions = {name: np.array([float(place in own) for place in places]) for name, own in members}
    matrix = np.array(list(regions.values()))
    quarterly = [(table, table.weight) for table in tables if table.period == "quarter"]
    yearly = [(table, table.year_weight if table.period == "quarter" else table.weight) for table in tables]
    windows = []
    for weighted in (quarterly, yearly):
        if weighted:
            strategy = _strategy(weighted, matrix)
            windows.append((strategy, tuple(_systems(weighted, dict(bounds), strategy.covariance, matrix))))
    found = best_shares([system for _, systems in windows for _, system in systems])
    shares = iter(found.by_system)
    planned = []
    for strategy, systems in windows:
        own = tuple(
            PlannedSystem(
                dims, tuple(map(_codes_of, dims)), tuple(system.tables), dims[0] if system.required is not None else "",
                system.cost, next(shares), system.ladder,
            )
            for dims, system in systems
        )  # fmt: skip
        planned.append((strategy, own))
    annual, *others = reversed(planned)
    of_quarter = Fraction(ceil(_PARTS * sum(s.cost for s in others[0][1])), _PARTS) if others else Fraction(0)
    quarter = PlannedWindow(*others[0], of_quarter) if others else None
    return places, regions, quarter, PlannedWindow(*annual, 1 - of_quarter), found.gap


def _strategy(weighted: Sequence[tuple[TablePlan, float]], matrix: Floats) -> PlaceStrategy:
    """Return the strategy for places: regions count in every table, countries in the tables that show them."""
    of_regions = sum(weight for _, weight in weighted)
    of_places = sum(weight for table, weight in weighted if table.geography == "country")
    return p_identity(weights(matrix, of_regions, of_places))


def _systems(
    weighted: Sequence[tuple[TablePlan, float]], bounds: Mapping[str, int], covariance: Floats, matrix: Floats
) -> Iterator[tuple[tuple[str, ...], MarginSystem]]:
    """Yield the systems of one window with the names of their dimensions, first the one of all tables."""
    of_region = float(np.mean(np.diag(matrix @ covariance @ matrix.T)))
    of_country = float(np.mean(np.diag(covariance)))
    apart: dict[str, dict[frozenset[str], float]] = {"": {}}
    for table, weight in weighted:
        loss = weight * (of_region + (of_country if table.geography == "country" else 0.0))
        several = next((d for d in table.dimensions if d in MULTIPLE), "")
        whole = frozenset(known_of(d) if d in MULTIPLE else d for d in table.dimensions)
        wanted = {"": whole} | ({several: frozenset(table.dimensions)} if several else {})
        for system, names in wanted.items():
            of_system = apart.setdefault(system, {})
            of_system[names] = of_system.get(names, 0.0) + loss
    for several, tables in apart.items():
        named = {name for names in tables for name in names}
        dims = (*((several,) if several else ()), *sorted(named - {several}, key=_rank))
        margins: dict[Margin, float] = {}
        for shown, loss in tables.items():
            joint: Margin = tuple(sorted(map(dims.index, shown)))
            for margin in below([joint], 0 if several else None):
                margins[margin] = margins.get(margin, 0.0) + loss * (1.0 if margin == joint else _OF_MARGIN)
        required, cost = (0, bounds[several]) if several else (None, 1)
        yield dims, MarginSystem(tuple(len(_codes_of(d)) for d in dims), margins, required, cost, _ladder(dims))


def _rank(dimension: str) -> tuple[bool, int, str]:
    """Return the rank of a dimension in a system: that of the code lists, in which groups stand before their codes."""
    listed = list(UNIVERSE)
    return dimension not in UNIVERSE, listed.index(dimension) if dimension in UNIVERSE else 0, dimension


def _codes_of(dimension: str) -> tuple[str, ...]:
    return UNIVERSE.get(dimension, ANSWERS)


def _ladder(dims: tuple[str, ...]) -> Ladder | None:
    """Return the ladder of a system that shows a dimension and the one that it is derived from."""
    for coarse, fine in SOURCES.items():
        if coarse in dims and fine in dims:
            groups = [UNIVERSE[coarse].index(group_of(coarse, code)) for code in UNIVERSE[fine]]
            return Ladder(dims.index(coarse), dims.index(fine), tuple(groups))
    return None
