"""The view of an attacker: rows of a population read as tables over the dimensions that the policy names.

Purpose: it decides the elementary cells that an attacker believes in: countries, or what overlapping regions can tell
apart; quarters and the unknown month; every code of a dimension, and yes or no for each code of a multiple one.
Called by: `pre_release_attack`.

Invariants:
- No exact cell is known here: everything follows from the policy and from the rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from anonymizer.attacks.published_tables import Codes, PublishedCell, PublishedTable
from anonymizer.policy import Policy, Population
from anonymizer.released_dimensions import KNOWN, MULTIPLE, UNIVERSE, UNKNOWN
from anonymizer.tabular.policy_tables import YEAR, CellKey
from schemas.trend import TOTAL

__all__ = ["AttackerView"]

_QUARTERS = ("Q1", "Q2", "Q3", "Q4", "unknown")


@dataclass(frozen=True, slots=True)
class AttackerView:
    """The dimensions of one population with their codes, and the regions as groups of countries."""

    universe: Mapping[str, Codes]
    groups: Mapping[str, Mapping[str, frozenset[str]]]

    @classmethod
    def of(cls, population: Population, policy: Policy) -> "AttackerView":
        """Return the view of a population: by country if any of its tables shows countries, else by atom."""
        tables = [table for table in policy.tables if table.population == population.name]
        countries = sorted({country for region in policy.regions for country in region.countries})
        whole = any(table.geography == "country" for table in tables)
        element = {c: c if whole else "+".join(r.id for r in policy.regions if c in r.countries) for c in countries}
        groups = {region.id: frozenset(element[country] for country in region.countries) for region in policy.regions}
        universe: dict[str, Codes] = {"country": tuple(sorted(set(element.values())))}
        if any(table.period == "quarter" for table in tables):
            universe["quarter"] = _QUARTERS
        known: dict[str, dict[str, frozenset[str]]] = {}
        for dimension in (d for table in tables for d in table.dimensions):
            universe[dimension] = UNIVERSE[dimension]
            if dimension in MULTIPLE:
                # One person may have several codes: each is a yes/no question among those with a known answer.
                universe[dimension] = (KNOWN, UNKNOWN)
                universe |= {f"{dimension}={code}": ("no", "yes") for code in UNIVERSE[dimension]}
            elif UNKNOWN in UNIVERSE[dimension]:
                known[dimension] = {KNOWN: frozenset(UNIVERSE[dimension]) - {UNKNOWN}}
        return cls(universe, {"country": groups, **known})

    def table(self, name: str, values: Mapping[CellKey, int | None]) -> PublishedTable:
        """Return one publication as a table; `values` are its cells, None where suppressed."""
        dims = tuple(sorted(self.universe))
        cells = []
        for key, value in values.items():
            codes = dict(key.codes) | {"country": key.place} | ({} if key.window == YEAR else {"quarter": key.window})
            # A question is asked of those with a known answer, so a cell of it is also one of `known`.
            asked = {dimension.partition("=")[0]: "known" for dimension in codes if "=" in dimension}
            cells.append(PublishedCell(tuple((asked | codes).get(dim, TOTAL) for dim in dims), value))
        return PublishedTable(name, dims, tuple(cells), self.universe, self.groups)
