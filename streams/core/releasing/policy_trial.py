"""The trial of a policy: every table planned on nobody, on a few, and on people with every code there is.

Purpose: a policy that can be loaded can be released. `anonymizer.policy` refuses what it can see in the text; here the
plan itself runs, with invented persons and without any real cell.
Called by: `amana.composition.policy_trials`, for every policy that is proposed; tests.

Invariants:
- The same policy gives the same trial: nobody is drawn at random.
- All cubes of a population count the same invented persons, as real ones do.
- A table that is withheld with a reason is no fault; a plan that ends by an error is one.
"""

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice

from anonymizer.policy import Policy, Population
from anonymizer.released_dimensions import BLOCK, MULTIPLE, UNIVERSE
from anonymizer.tabular.linear_program import Engine
from schemas.errors import ConfigurationError
from streams.core.releasing import dp_release
from streams.core.releasing.release_decision import Cells, Publish, Withhold
from streams.core.releasing.release_plan import plan

__all__ = ["TrialResult", "full_universe", "try_policy"]

_YEAR = 2030
_AS_OF = dt.date(_YEAR + 1, 12, 31)  # every window of the year is due, whatever its grace
_TIMES = {
    "period": tuple(f"{_YEAR}{month}" for month in ("-01", "-04", "-08", "-12", "")),
    "year": (str(_YEAR),),
    "first_quarter": tuple(f"{_YEAR}{quarter}" for quarter in ("-Q1", "-Q2", "-Q3", "-Q4", "")),
}
"""The codes of the dimensions of time."""
_LAST = "full"
"""The universe in which populations under differential privacy are tried, too."""
_PERSONS_OF_A_CODE = 25
_AGENCIES = ("agency-a", "agency-b", "agency-c")


@dataclass(frozen=True, slots=True)
class TrialResult:
    """The releases that a policy would make of one universe: their number, and the tables withheld with their codes."""

    universe: str
    releases: int
    withheld: tuple[tuple[str, str], ...]


def try_policy(policy: Policy, *, engine: Engine, noise: dp_release.Noise | None = None) -> tuple[TrialResult, ...]:
    """Plan three universes under a policy: without anybody, with one person of each agency, and full.

    Populations under differential privacy are planned once, in the last.

    Args:
        policy: the policy.
        engine: the solver, as of a release.
        noise: draws for populations under differential privacy; charged to nobody's budget.

    Raises:
        ConfigurationError: CFG-010, the plan of a universe ends by an error.
    """
    results = []
    # A window is published once enough agencies report it: one person of each makes every table, almost empty.
    universes = {"empty": {}, "sparse": _cells(policy, persons=len(_AGENCIES)), _LAST: full_universe(policy)}
    # What is released with noise follows from the policy alone, and is the same in every universe.
    exact = policy.model_copy(update={"populations": tuple(p for p in policy.populations if p.mode != "dp")})
    for name, cells in universes.items():
        tried = policy if name == _LAST else exact
        try:
            decisions = plan(cells, _AS_OF, (), tried, engine=engine, noise=noise, governed=lambda year: year == _YEAR)
        except (KeyError, IndexError, ValueError, StopIteration) as error:
            raise ConfigurationError(
                "CFG-010", f"the policy cannot be released: {type(error).__name__} on the {name} universe"
            ) from error
        withheld = {(one.table, one.code) for one in decisions if isinstance(one, Withhold)}
        published = sum(isinstance(one, Publish) for one in decisions)
        results.append(TrialResult(name, published, tuple(sorted(withheld))))
    return tuple(results)


def full_universe(policy: Policy) -> Cells:
    """Return exact cells in which every code of every dimension has somebody, in every population."""
    return _cells(policy, persons=None)


def _cells(policy: Policy, persons: int | None) -> Cells:
    """Return the exact cells of the first so many persons of every population, None for all."""
    cells: dict[str, dict[str, int]] = {}
    for population in policy.populations:
        for number, person in enumerate(islice(_persons(population, policy), persons)):
            for cube in population.cubes:
                path = "|".join(person[dimension] for dimension in cube.dimensions)
                counts = cells.setdefault(f"{population.name}|{cube.name}|{path}", {})
                agency = _owner(population, person, policy) or _AGENCIES[number % len(_AGENCIES)]
                counts[agency] = counts.get(agency, 0) + 1
    return cells


def _owner(population: Population, person: dict[str, str], policy: Policy) -> str | None:
    """Return the one agency whose reports of a stage of proceedings count, None for anything else."""
    if population.kind != "justice":
        return None
    return policy.owner_of(person["country"], person["stage"], person["phenomenon"])


def _persons(population: Population, policy: Policy) -> Iterator[dict[str, str]]:
    """Yield persons who together have every code: along each dimension they go round its codes."""
    dimensions = sorted({dimension for cube in population.cubes for dimension in cube.dimensions})
    codes = {dimension: _codes(dimension, policy) for dimension in dimensions}
    longest = max(map(len, codes.values()))
    # A step that shares no factor with the number of codes visits all of them; one more at each round, so that two
    # dimensions with as many codes do not go in step.
    steps = {name: _step(len(codes[name]), rank) for rank, name in enumerate(dimensions)}
    for number in range(longest * _PERSONS_OF_A_CODE):
        yield {name: own[(number * steps[name] + number // len(own)) % len(own)] for name, own in codes.items()}


def _step(length: int, rank: int) -> int:
    return next(islice((n for n in count(2) if math.gcd(n, length) == 1), rank, None))


def _codes(dimension: str, policy: Policy) -> tuple[str, ...]:
    """Return the exact codes of a dimension of a cube."""
    times = _TIMES.get(dimension)
    if times is not None:
        return times
    if dimension == "country":
        return tuple(sorted({country for region in policy.regions for country in region.countries}))
    if dimension in BLOCK:
        return BLOCK[dimension][:1]  # the blocks are systems of one make: one that is full stands for all
    listed = UNIVERSE[dimension]
    # Of several codes at once too: the first two, and everybody without any.
    return (*listed, "unknown", "+".join(listed[:2])) if dimension in MULTIPLE else listed
