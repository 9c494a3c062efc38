"""The persons of each agency in the cells of a publication: what an insider knows beside the rows.

Purpose: an agency knows its own persons exactly, also those whom others reported too. Taken away from what is
published they leave the others', and the attacks ask what these tell.
Called by: `pre_release_attack`.

Invariants:
- A cell's parts are those of the exact cells from which it was published, with the codes of the release.
- Nothing of the linear system of the protection is used: a part is a plain count of facts.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from anonymizer.policy import Policy, TablePlan
from anonymizer.released_dimensions import KNOWN, UNKNOWN
from anonymizer.tabular.facts import Fact
from anonymizer.tabular.policy_tables import YEAR, CellKey
from schemas.errors import DisclosureError
from schemas.reporters import agencies_in

__all__ = ["agency_parts"]

_Asked = tuple[str, bool]
"""A dimension of a cell, and whether the cell asks for a known code in it."""


def agency_parts(
    keys: Collection[CellKey], facts: Mapping[str, Sequence[Fact]], tables: Sequence[TablePlan], policy: Policy
) -> dict[str, dict[CellKey, int]]:
    """Return agency → cell → persons of that agency in the cell; agencies without any are left out.

    Args:
        keys: the cells of one publication, of one year and block.
        facts: cube → facts of that year and block at that time.
        tables: the tables of the population.
        policy: its regions.
    """
    places = {region.id: region.countries for region in policy.regions}
    groups: dict[tuple[str, tuple[_Asked, ...]], dict[tuple[str, ...], Counter[str]]] = {}
    parts: dict[str, dict[CellKey, int]] = {}
    for key in keys:
        asked = tuple((dimension, code == KNOWN) for dimension, code in key.codes)
        cube = _cube_of(key, tables)
        if (cube, asked) not in groups:
            groups[cube, asked] = _grouped(facts.get(cube, ()), asked)
        codes = tuple(code for _, code in key.codes)
        persons: Counter[str] = Counter()
        for country in places.get(key.place, (key.place,)):
            persons.update(groups[cube, asked].get((country, key.window, *codes), {}))
        # A person whom several agencies reported is known to each of them.
        for agency, count in ((agency, n) for name, n in persons.items() for agency in agencies_in(name)):
            if count:
                own = parts.setdefault(agency, {})
                own[key] = own.get(key, 0) + count
    return parts


def _cube_of(key: CellKey, tables: Sequence[TablePlan]) -> str:
    """Return the cube of the first table that can show a cell; cubes of a population count the same persons."""
    needed = {dimension.partition("=")[0] for dimension, _ in key.codes}
    for table in tables:
        if needed <= set(table.dimensions) and (key.window == YEAR or table.period == "quarter"):
            return table.cube
    raise DisclosureError("DIS-029", "a row is of a table that the policy does not have")


def _grouped(facts: Sequence[Fact], asked: Sequence[_Asked]) -> dict[tuple[str, ...], Counter[str]]:
    """Return (country, window, codes) → agencies → persons."""
    grouped: dict[tuple[str, ...], Counter[str]] = {}
    for fact in facts:
        codes = [_code(fact, dimension, is_known=is_known) for dimension, is_known in asked]
        for window in (YEAR, fact.quarter):
            grouped.setdefault((fact.country, window, *codes), Counter()).update(fact.agencies)
    return grouped


def _code(fact: Fact, dimension: str, *, is_known: bool) -> str:
    """Return the code of a fact as a cell asks for it."""
    name, _, question = dimension.partition("=")
    code = fact.codes[name]
    if not isinstance(code, str):
        if question:
            return "yes" if question in code else "no"
        return KNOWN if code else UNKNOWN
    return KNOWN if is_known and code != UNKNOWN else code
