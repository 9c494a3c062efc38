"""Facts: exact cells in the codes of a release.

Purpose: it decides how exact codes map to the code lists of released dimensions (`anonymizer.released_dimensions`). The
policy decides which tables exist, and `publication_decision` which of their cells may be shown.
Called by: `streams.core.releasing`, whose `release_plan` makes the facts; `policy_tables` and `variables` read them.

Invariants:
- Of a stage of proceedings the part of its owner counts, whoever else reported it (`anonymizer.authorities`).
- An exact code outside its list counts as `Other` if the list has that code, else as `unknown`.

>>> coarse("exploitation", "ForcedLabour+SexualExploitation"), coarse("majority", "9--17")
('Multiple', 'minor')
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from anonymizer.policy import Policy, Population
from anonymizer.released_dimensions import BLOCK, MULTIPLE, SOURCES, UNIVERSE, group_of, source_of

__all__ = ["Fact", "blocks_of", "coarse", "facts_of"]


@dataclass(frozen=True, slots=True)
class Fact:
    """Persons with the same codes, by the agencies that reported them (`schemas.reporters`).

    `quarter` is Q1 to Q4, or `unknown` if no month is known. `codes` maps each released dimension to a code of its
    list, or in a multiple dimension to a set of them, empty if none is known.
    """

    country: str
    quarter: str
    codes: Mapping[str, str | frozenset[str]]
    agencies: Mapping[str, int]


def coarse(dimension: str, code: str) -> str:
    """Return the released code for an exact code; `dimension` is the released one."""
    if dimension in SOURCES:
        return group_of(dimension, code)
    if dimension == "exploitation" and "+" in code:
        return "Multiple"
    universe = UNIVERSE[dimension]
    if code in universe:
        return code
    return "Other" if "Other" in universe else "unknown"


def _released_codes(released: Sequence[str], exact: Mapping[str, str]) -> dict[str, str | frozenset[str]]:
    """Return the released codes of an exact cell, by released dimension."""
    codes: dict[str, str | frozenset[str]] = {}
    for dimension in released:
        code = exact[source_of(dimension, exact)]
        if dimension in MULTIPLE:
            several = () if code == "unknown" else code.split("+")
            codes[dimension] = frozenset(coarse(dimension, exact_code) for exact_code in several)
        else:
            codes[dimension] = coarse(dimension, code)
    return codes


def blocks_of(population: Population) -> tuple[Mapping[str, str], ...]:
    """Return the blocks of a population: the combinations of phenomenon and status that its cubes keep apart."""
    blocks: list[dict[str, str]] = [{}]
    for dimension, codes in BLOCK.items():
        if all(dimension in cube.dimensions for cube in population.cubes):
            blocks = [{**block, dimension: code} for block in blocks for code in codes]
    return tuple(blocks)


def facts_of(
    cells: Mapping[str, Mapping[str, int]], population: Population, policy: Policy
) -> dict[tuple[int, tuple[str, ...]], dict[str, list[Fact]]]:
    """Sort a population's exact cells of released countries into (year, block) → cube → facts.

    Args:
        cells: cell key (`population|cube|value|…`, values in the order of the cube's dimensions) → persons by agencies.
        population: the population whose cells are wanted; cells of others are skipped.
        policy: its tables name the released dimensions, its regions the released countries.
    """
    dimensions = {(population.name, cube.name): cube.dimensions for cube in population.cubes}
    wanted: dict[str, list[str]] = {}
    for table in policy.tables:
        if table.population == population.name:
            wanted.setdefault(table.cube, []).extend(table.dimensions)
    countries = frozenset(country for region in policy.regions for country in region.countries)
    kept = tuple(d for d in BLOCK if all(d in cube.dimensions for cube in population.cubes))
    sorted_facts: dict[tuple[int, tuple[str, ...]], dict[str, list[Fact]]] = {}
    # Sorted, so that the order of the facts, and with it every program, does not depend on the order of the cells.
    for key in sorted(key for key in cells if key.startswith(f"{population.name}|")):
        name, cube, *values = key.split("|")
        if (name, cube) not in dimensions or cube not in wanted:
            continue
        exact = dict(zip(dimensions[name, cube], values, strict=True))
        period = exact.get("period") or exact["year"]
        # A period without a year (`unknown`) is in no window, and a country in no region is in no table.
        if exact["country"] not in countries or not period[:4].isdigit():
            continue
        block = tuple(exact[dimension] for dimension in kept)
        month = period[5:7]  # of `YYYY-MM`; empty in `YYYY`
        quarter = f"Q{(int(month) + 2) // 3}" if month else "unknown"
        counts = policy.counted_in(population, exact, cells[key])
        if not counts:
            continue
        fact = Fact(exact["country"], quarter, _released_codes(wanted[cube], exact), counts)
        sorted_facts.setdefault((int(period[:4]), block), {}).setdefault(cube, []).append(fact)
    return sorted_facts
