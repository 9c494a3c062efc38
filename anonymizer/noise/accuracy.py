"""The accuracy that a policy buys: deviations of every published table before a draw, and the price of one more table.

Purpose: officers and analysts see what a budget gives, and what another table would cost, when a policy is loaded.
Called by: `amana policy propose` (`statement`); the benchmark of usefulness and tests.

Invariants:
- Everything follows from the policy: no count is read, no budget is charged.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from anonymizer.budget.accounting import PPB
from anonymizer.noise.least_squares import Fit, below, covariances
from anonymizer.noise.workload import PlannedSystem, PlannedWindow, Workload, workload_of
from anonymizer.policy import Policy, Population, TablePlan
from anonymizer.released_dimensions import UNIVERSE
from schemas.identifiers import Rho

__all__ = ["TableAccuracy", "accuracies", "price_of_a_table", "statement"]

_FURTHER: Final = ("decided_by", "reason", "datasource", "service", "industry")
"""Dimensions of which the first that a population does not show is the one of the further table."""


@dataclass(frozen=True, slots=True)
class TableAccuracy:
    """The largest standard deviation of a margin's cells, in regions and in single places, in persons."""

    window: str
    dimensions: tuple[str, ...]
    region: float
    place: float


def accuracies(workload: Workload, rho: Rho) -> tuple[TableAccuracy, ...]:
    """Return the accuracy of every published margin in its first publication.

    Args:
        workload: what is measured.
        rho: the population's rho for the first publication of a whole year.
    """
    quarters = [("quarter", workload.quarter)] if workload.quarter else []
    return tuple(
        found
        for name, window in [*quarters, ("year", workload.year)]
        for system in window.systems
        for found in _of_system(name, workload, window, system, rho / PPB)
    )


def _of_system(
    name: str, workload: Workload, window: PlannedWindow, system: PlannedSystem, rho: float
) -> Iterator[TableAccuracy]:
    regions, covariance = np.array(list(workload.regions.values())), window.strategy.covariance
    by_region = float(np.sqrt(np.diag(regions @ covariance @ regions.T)).max())
    by_place = float(np.sqrt(np.diag(covariance)).max())
    known = covariances(system.sizes, {m: 1 / (2 * rho * share) for m, share in system.shares.items()}, system.ladder)
    fitted = Fit(system.sizes, (), {}, known, system.ladder)
    for margin in below(system.tables, 0 if system.several else None):
        deviation = float(np.sqrt(fitted.variances(margin).max()))
        names = tuple(system.dims[d] for d in margin)
        yield TableAccuracy(name, names, by_region * deviation, by_place * deviation)


def price_of_a_table(policy: Policy, population: Population, year: int) -> float | None:
    """Return by which fraction one more yearly table of regions, of weight 1, widens the published margins on average.

    Returns:
        The fraction, such as 0.03; None where nothing is measured.
    """
    own = [table for table in policy.tables if table.population == population.name]
    shown = {dimension for table in own for dimension in table.dimensions}
    before = workload_of(policy, population, year)
    if before is None:
        return None
    dimension = next(d for d in (*_FURTHER, *UNIVERSE) if d not in shown)
    further = TablePlan(
        name="one-more", population=population.name, cube=own[0].cube, geography="region", period="year",
        dimensions=(dimension,),
    )  # fmt: skip
    after = workload_of(policy.model_copy(update={"tables": (*policy.tables, further)}), population, year)
    if after is None:
        return None
    wider = {(one.window, one.dimensions): one.region for one in accuracies(after, Rho(PPB))}
    ratios = [wider[one.window, one.dimensions] / one.region for one in accuracies(before, Rho(PPB))]
    return float(np.exp(np.mean(np.log(ratios)))) - 1


def statement(policy: Policy, population: Population, rho: Rho) -> Iterator[str]:
    """Yield sentences for people: the deviation of each table in regions and countries, and the price of one more.

    Args:
        policy: a policy with a section of differential privacy.
        population: one of its populations of mode `dp`.
        rho: the population's rho for the first publication of a year.
    """
    year = policy.dp.first_year if policy.dp else 0
    workload = workload_of(policy, population, year)
    price = price_of_a_table(policy, population, year)
    if workload is None or price is None:
        yield f"{population.name}: no country is covered in {year}, so nothing is measured"
        return
    own = (table for table in policy.tables if table.population == population.name)
    shown = {(frozenset(table.dimensions), str(table.period)): table for table in own}
    for one in accuracies(workload, rho):
        table = shown.get((frozenset(name.removesuffix("?") for name in one.dimensions), one.window))
        if table is not None and not any("?" in d for d in one.dimensions):
            places = f", of a country {one.place:.1f}" if table.geography == "country" else ""
            yield f"{population.name}: {table.name} by {one.window}: sd of a region at most {one.region:.1f}{places}"
    yield f"{population.name}: one more table of weight 1 would widen every sd by {100 * price:.1f} % on average"
