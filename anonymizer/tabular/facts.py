"""From exact cells to facts in the codes of a release: what coarsening a released table rests on.

Decides the code universe of every released dimension and how exact codes map to it. Does not decide which tables
exist (the policy does) or which of their cells may be seen (`primary`, `secondary`, `audit`).

The universe is fixed, never read off the data: a code that only appears when somebody has it would be a disclosure.
A code outside its list counts as `Other` where the list has one, else as `unknown`.

>>> coarse("exploitation", "ForcedLabour+SexualExploitation"), coarse("majority", "9--17")
('Multiple', 'minor')
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from anonymizer.policy import Policy, Population
from schemas.codelists import labels

__all__ = ["BLOCK", "MULTIPLE", "SOURCES", "UNIVERSE", "Fact", "blocks_of", "coarse", "facts_of"]

BLOCK = MappingProxyType({"phenomenon": ("TIP", "SOM"), "status": ("confirmed", "possible", "unknown")})
"""Dimensions that no total ever sums over: each of their combinations is a joint system of its own."""

MULTIPLE = frozenset({"means", "services"})
"""Dimensions in which one person may have several codes: yes/no per code, `known` is the denominator."""

SOURCES = MappingProxyType({"majority": "age"})
"""Released dimensions that are derived from a dimension of the cube."""

UNIVERSE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "exploitation": ("ForcedLabour", "SexualExploitation", "Other", "Multiple", "unknown"),
        "gender": ("F", "M", "X", "unknown"),
        "sex": ("F", "M", "unknown"),
        "majority": ("minor", "adult", "unknown"),
        "means": tuple(labels("vic_MethodsOfControl")),
        "services": tuple(labels("service")),
        "service": (*labels("service"), "unknown"),
        "indicator": tuple(labels("indicator")),
        "activity_type": tuple(labels("activity_type")),
    }
)
"""Every code of a released dimension; of a multiple one, every code that is asked yes or no."""

_MINOR = frozenset({"0--8", "9--17"})


@dataclass(frozen=True, slots=True)
class Fact:
    """Persons with the same codes, by agency.

    `quarter` is Q1 to Q4, or `unknown` where no month is known; `codes` are of the universe, but sets in a multiple
    dimension, empty where unknown.
    """

    country: str
    quarter: str
    codes: Mapping[str, str | frozenset[str]]
    agencies: Mapping[str, int]


def coarse(dimension: str, code: str) -> str:
    """Return the released code for an exact code; `dimension` is the released one."""
    if dimension == "majority":
        return "unknown" if code == "unknown" else "minor" if code in _MINOR else "adult"
    if dimension == "exploitation" and "+" in code:
        return "Multiple"
    universe = UNIVERSE[dimension]
    if code in universe:
        return code
    return "Other" if "Other" in universe else "unknown"


def _codes(released: Sequence[str], exact: Mapping[str, str]) -> dict[str, str | frozenset[str]]:
    codes: dict[str, str | frozenset[str]] = {}
    for dimension in released:
        code = exact[SOURCES.get(dimension, dimension)]
        if dimension in MULTIPLE:
            several = () if code == "unknown" else code.split("+")
            codes[dimension] = frozenset(coarse(dimension, one) for one in several)
        else:
            codes[dimension] = coarse(dimension, code)
    return codes


def _quarter(period: str) -> str:
    month = period[5:7]
    return f"Q{(int(month) + 2) // 3}" if month else "unknown"


def blocks_of(population: Population) -> tuple[Mapping[str, str], ...]:
    """Return the combinations of phenomenon and status that a population's cubes keep apart."""
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
        cells: cell key (`population|cube|value|…`, values in the order of the cube's dimensions) → persons by agency.
        population: whose cells are wanted; others are passed over.
        policy: its tables say which dimensions are released, its regions which countries.
    """
    dimensions = {(population.name, cube.name): cube.dimensions for cube in population.cubes}
    wanted: dict[str, list[str]] = {}
    for table in policy.tables:
        if table.population == population.name:
            wanted.setdefault(table.cube, []).extend(table.dimensions)
    countries = frozenset(country for region in policy.regions for country in region.countries)
    kept = tuple(d for d in BLOCK if all(d in cube.dimensions for cube in population.cubes))
    sorted_facts: dict[tuple[int, tuple[str, ...]], dict[str, list[Fact]]] = {}
    for key in sorted(key for key in cells if key.startswith(f"{population.name}|")):
        name, cube, *values = key.split("|")
        if (name, cube) not in dimensions or cube not in wanted:
            continue
        exact = dict(zip(dimensions[name, cube], values, strict=True))
        period = exact.get("period") or exact["year"]
        if exact["country"] not in countries or not period[:4].isdigit():
            continue
        block = tuple(exact[dimension] for dimension in kept)
        fact = Fact(exact["country"], _quarter(period), _codes(wanted[cube], exact), cells[key])
        sorted_facts.setdefault((int(period[:4]), block), {}).setdefault(cube, []).append(fact)
    return sorted_facts
