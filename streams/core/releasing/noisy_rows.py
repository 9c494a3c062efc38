"""Rows of a noisy window: published values of every table, place and code, spelt as rows of the feeds.

Purpose: the one place that decides how a noisy cell looks in a feed.
Called by: `dp_release`.

Invariants:
- Every cell of every table has a row with its value, deviation and 90 % interval, whoever is counted.
- Whether a value is too uncertain is judged on the noisy value, and changes nothing of it.
- A place without an agency of the collaborative has a row that says so, and no number.
- The rows of a year's quarterly tables include what is in none of its quarters (`NONE_OR_LATE`): quarters and these
  rows add up to the year exactly.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np

from anonymizer.noise.least_squares import Floats, Margin, below
from anonymizer.noise.noisy_table import Z90
from anonymizer.noise.published_margins import Cells, PublishedSystem, persons, remainder
from anonymizer.noise.workload import Workload, known_of
from anonymizer.policy import Policy, Population, Region, TablePlan
from anonymizer.released_dimensions import MULTIPLE, UNKNOWN
from anonymizer.tabular.policy_tables import YEAR
from schemas.trend import TOTAL, TrendRow
from streams.core.releasing.released_rows import RowHeader, window_key

__all__ = ["NONE_OR_LATE", "QUARTER", "NoisyWindow", "rows_of_region"]

QUARTER: Final = "quarter"
"""The dimension of the rows that are in a year and in none of its quarters."""

NONE_OR_LATE: Final = "none-or-late"
"""Its code: no month is known, or the person was reported after the publication of her quarter."""

_DIGITS: Final = 2
_NOT_COVERED: Final = "not_covered"

Systems = Sequence[PublishedSystem]


@dataclass(frozen=True, slots=True, eq=False)
class NoisyWindow:
    """One window with its published values, from which its rows are spelt.

    Args:
        policy: its tables, regions and coverage.
        population: the population.
        workload: its places.
        systems: the published systems of each block.
        quarters: for a year, those of its four quarters by block; empty where they are not at hand.
    """

    policy: Policy
    population: Population
    workload: Workload | None
    systems: Sequence[Systems]
    quarters: Sequence[Sequence[Systems]] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """A place of a row: its code in the table's dimension country, the places that it sums, None if not covered."""

    code: str
    countries: tuple[str, ...]
    sums: Floats | None


def rows_of_region(
    window: NoisyWindow, table: TablePlan, region: Region, blocks: Sequence[Mapping[str, str]], head: RowHeader
) -> Iterator[TrendRow]:
    """Yield the rows of one table in one region's feed: of the region, and of its countries if the table shows them."""
    for place in _places(window.workload, table, region):
        year = int(head.header.window[:4])
        agencies = len(window.policy.agencies_in(window.population.kind, year, place.countries)) or None
        country = {"country": place.code} if table.geography == "country" else {}
        bound = window.policy.dp.uncertain if window.policy.dp else 0.0
        of_year = window_key(head.header.window) == YEAR and table.period == "quarter"
        for number, block in enumerate(blocks):
            spelt = {**block, **country}
            if place.sums is None:
                codes = dict.fromkeys(table.dimensions, TOTAL)
                yield head.row(table, region, {**spelt, **codes}, None, "suppressed", certainty=_NOT_COVERED)
                continue
            parts = [quarter[number] for quarter in window.quarters] if of_year else []
            for extra, cells, shown in _cells(table, place.sums, window.systems[number], parts):
                known, missing = shown
                for codes, value, sd in cells:
                    half = Z90 * sd
                    yield head.row(
                        table,
                        region,
                        {**spelt, **extra, **codes},
                        max(0, round(value)),
                        "published",
                        sd=round(sd, _DIGITS),
                        lo90=round(value - half, _DIGITS),
                        hi90=round(value + half, _DIGITS),
                        estimate=value,
                        known=known,
                        missing=missing,
                        agencies=agencies,
                        certainty="too_uncertain" if half > bound * value else "sound",
                    )


def _places(workload: Workload | None, table: TablePlan, region: Region) -> Iterator[_Place]:
    """Yield the region, and its countries if the table shows them."""
    covered = workload.place_of if workload else {}
    inside = tuple(country for country in region.countries if country in covered)
    sums = workload.regions[region.id] if workload and inside else None
    yield _Place(TOTAL, inside, sums)
    if table.geography == "country":
        for country in sorted(region.countries):
            own = workload is not None and country in covered
            alone = np.array([float(place == country) for place in workload.places]) if own and workload else None
            yield _Place(country, (country,), alone)


_Row = tuple[dict[str, str], float, float]
"""Codes by dimension, value and standard deviation in persons."""


def _cells(
    table: TablePlan, place: Floats, systems: Systems, quarters: Sequence[Systems]
) -> Iterator[tuple[dict[str, str], list[_Row], tuple[float | None, float | None]]]:
    """Yield the cells of one table in one place: further codes of all of them, the cells, and the known and missing.

    A year with its quarters has a second group: what is in none of the quarters.
    """
    groups: list[tuple[dict[str, str], Sequence[Systems]]] = [({}, ())]
    if quarters:
        groups.append(({QUARTER: NONE_OR_LATE}, quarters))
    for extra, less in groups:
        rows: list[_Row] = []
        for system, names in _systems_of(table, systems):
            for margin in below([system.margin(names)], 0 if system.several else None):
                own = [system.dims[d] for d in margin]
                cells = system.cells(margin, place)
                if less:
                    cells = remainder(cells, [_matching(part, system, own, place) for part in less])
                rows += _spelt(system, own, cells, table)
        yield extra, rows, _known(table, systems, less, place)


def _systems_of(table: TablePlan, systems: Systems) -> Iterator[tuple[PublishedSystem, tuple[str, ...]]]:
    """Yield the systems that hold a table, with the names of its dimensions there."""
    several = next((d for d in table.dimensions if d in MULTIPLE), "")
    yield systems[0], tuple(known_of(d) if d in MULTIPLE else d for d in table.dimensions)
    if several:
        yield next(system for system in systems if system.several == several), table.dimensions


def _matching(systems: Systems, like: PublishedSystem, names: Sequence[str], place: Floats) -> Cells:
    """Return the cells of the same margin in another window."""
    system = next(system for system in systems if system.several == like.several)
    return system.cells(system.margin(names), place)


def _spelt(system: PublishedSystem, names: Sequence[str], cells: Cells, table: TablePlan) -> Iterator[_Row]:
    """Yield the cells of a margin with the codes of a row: totals where the margin has no dimension."""
    named = product(*(system.codes[system.dims.index(name)] for name in names))
    deviations = np.sqrt(cells.variances).ravel().tolist()
    for codes, tenths, sd in zip(named, cells.tenths.ravel().tolist(), deviations, strict=True):
        spelt = dict.fromkeys(table.dimensions, TOTAL)
        spelt |= {name.removesuffix("?"): code for name, code in zip(names, codes, strict=True)}
        yield spelt, persons(tenths), sd


def _known(
    table: TablePlan, systems: Systems, less: Sequence[Systems], place: Floats
) -> tuple[float | None, float | None]:
    """Return the noisy numbers of persons of whom all codes of a table are known, and of whom one is not."""
    if not table.dimensions:
        return None, None
    system, names = next(_systems_of(table, systems))
    margin: Margin = system.margin(names)
    own = [system.dims[d] for d in margin]
    cells = system.cells(margin, place)
    if less:
        cells = remainder(cells, [_matching(part, system, own, place) for part in less])
    known = cells.tenths
    for axis, d in enumerate(margin):
        kept = [at for at, code in enumerate(system.codes[d]) if code != UNKNOWN]
        known = np.take(known, kept, axis=axis)
    whole, of_known = int(cells.tenths.sum()), int(known.sum())
    return persons(of_known), persons(whole - of_known)
