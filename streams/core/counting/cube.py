"""Cube cells: the keys and amounts that one de-identified record adds to the exact counts.

Purpose: applies the cubes of a policy's population to a record. Deduplication (`streams.core.counting.dedupe`) decides
which record of a person counts; here a record out of scope (`not-a-victim`) has no cells.

Called by: `streams.stages.dedupe` (`cells`, `dimensions_by_cube`, and the status that is out of scope) and
`connectors.operations.exact_cells` (`dimensions_of`).

Invariants:
- A cell has an amount above zero, or is not there.
- A cell key is `population|cube|value|value|...`, the values in the order of the policy's dimensions.
- A missing value is a category of its own, `unknown`; several values at once are joined in code order with `+`.

>>> from anonymizer.policy import Cube, Population
>>> place = Population(name="activities", kind="activity", mode="suppression", unit="aggregate",
...                    cubes=(Cube(name="participants", dimensions=("country", "period", "sex")),))
>>> record = {"country": "LBN", "period": "2024-03", "participants_female": 12, "participants_male": 0,
...           "participants_unknown": 3}
>>> cells(record, place)
(('activities|participants|LBN|2024-03|F', 12), ('activities|participants|LBN|2024-03|unknown', 3))
"""

from collections.abc import Mapping
from typing import Any

from anonymizer.governance.policy_timeline import PolicyTimeline
from anonymizer.measures import measure_of
from anonymizer.policy import Policy, Population
from anonymizer.released_dimensions import FIRST_QUARTER
from schemas.identifiers import CubeKey
from streams.core.calendar import quarter_of

__all__ = ["OUT_OF_SCOPE_STATUS", "cells", "cells_of", "dimensions_by_cube", "dimensions_of"]

OUT_OF_SCOPE_STATUS = "not-a-victim"
"""The status of an event that no population counts."""

UNKNOWN = "unknown"


def cells_of(record: Mapping[str, Any], kind: str, policy: Policy) -> tuple[tuple[CubeKey, int], ...]:
    """Return the (cell key, amount) pairs of `record`, an event of `kind`, in every population that counts the kind."""
    return tuple(pair for population in policy.populations_of(kind) for pair in cells(record, population))


def cells(record: Mapping[str, Any], population: Population) -> tuple[tuple[CubeKey, int], ...]:
    """Return the (cell key, amount) pairs of `record` in the cubes of `population`, without amounts of zero."""
    if record.get("status") == OUT_OF_SCOPE_STATUS:
        return ()
    # The cubes of a population share most of their dimensions: each value is read once.
    known: dict[str, str] = {}
    amounts: dict[CubeKey, int] = {}
    measure = measure_of(population.kind, population.measure)
    for code, amount in measure.amounts(record):
        if measure.dimension:
            known[measure.dimension] = code
        for cube in population.cubes:
            path = [known.get(name) or known.setdefault(name, _value(record, name)) for name in cube.dimensions]
            key = CubeKey(f"{population.name}|{cube.name}|{'|'.join(path)}")
            # The parts of a measure are one cell in a cube that does not tell them apart.
            amounts[key] = amounts.get(key, 0) + amount
    return tuple(amounts.items())


def dimensions_by_cube(policies: PolicyTimeline) -> dict[str, tuple[str, ...]]:
    """Return the dimensions of every cube by the beginning of its cell keys, `population|cube`."""
    return {
        f"{of.name}|{cube.name}": cube.dimensions
        for policy in policies.policies
        for of in policy.populations
        for cube in of.cubes
    }


def dimensions_of(cell: str, policies: PolicyTimeline) -> tuple[str, str, dict[str, str]]:
    """Take a cell key apart: population, cube, and value by dimension.

    Raises:
        KeyError: no policy has such a cube, or its number of dimensions is another.
    """
    population, cube, *values = cell.split("|")
    names = policies.dimensions_of(population, cube) or ()
    if len(names) != len(values):
        raise KeyError(cube)
    return population, cube, dict(zip(names, values, strict=True))


def _value(record: Mapping[str, Any], dimension: str) -> str:
    if dimension == "year":
        return str(record["period"])[:4]
    if dimension == FIRST_QUARTER:
        return quarter_of(str(record["period"]))
    value = record.get(dimension)
    if isinstance(value, list | tuple):
        # In code order, so that two agencies that list the same values in another order meet in one cell.
        return "+".join(sorted(value)) or UNKNOWN
    return str(value) if value else UNKNOWN
