"""Exact counts of persons as a workload measures them: by place and codes, for one window and block.

Purpose: read exact cells once, and sum them into every margin that is measured.
Called by: `dp_release`.

Invariants:
- Every place and combination of codes has a count, zeros included.
- A first publication of a quarter counts everybody whose first quarter it is, so that nobody is in two of them; a
  revision counts everybody whose month lies in it.
- All tables of a population count the same people: a margin is counted in the first cube that has its dimensions.
- A person with more codes than count in full counts less in each of them (`workload_draw.part_of_code`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from anonymizer.noise.least_squares import Margin
from anonymizer.noise.place_strategy import Whole
from anonymizer.noise.workload import ANSWERS, PlannedSystem, Workload
from anonymizer.noise.workload_draw import part_of_code, unit_of
from anonymizer.policy import Policy, Population
from anonymizer.released_dimensions import FIRST_QUARTER, MULTIPLE, UNKNOWN, source_of
from anonymizer.tabular.facts import blocks_of, coarse
from schemas.errors import DisclosureError
from streams.core.calendar import quarter_of
from streams.core.releasing.release_decision import Cells

__all__ = ["PersonCounts"]

_Rows = list[tuple[dict[str, str], int]]
"""Exact codes by dimension of the cube, and persons."""


@dataclass(frozen=True)
class PersonCounts:
    """The exact counts of one population; `cells` are all exact cells."""

    cells: Cells
    population: Population
    policy: Policy

    @cached_property
    def _rows(self) -> Mapping[tuple[str, int, tuple[str, ...]], _Rows]:
        """Cube, year and block → rows; cells without a year are in no window."""
        dimensions = {cube.name: cube.dimensions for cube in self.population.cubes}
        kept = tuple(self.blocks[0]) if self.blocks else ()
        found: dict[tuple[str, int, tuple[str, ...]], _Rows] = {}
        for key in sorted(key for key in self.cells if key.startswith(f"{self.population.name}|")):
            _, cube, *values = key.split("|")
            if cube not in dimensions:
                continue
            exact = dict(zip(dimensions[cube], values, strict=True))
            year = (exact.get("period") or exact["year"])[:4]
            if year.isdigit():
                block = tuple(exact[dimension] for dimension in kept)
                found.setdefault((cube, int(year), block), []).append((exact, sum(self.cells[key].values())))
        return found

    @cached_property
    def blocks(self) -> tuple[Mapping[str, str], ...]:
        """The blocks of the population, in order."""
        return blocks_of(self.population)

    def of(
        self, workload: Workload, window: str, block: int, system: PlannedSystem, margin: Margin, *, first: bool
    ) -> Whole:
        """Return the counts of one margin in a system's unit: an axis of places, then one per dimension.

        Args:
            workload: its places.
            window: `2024-Q1`, or `2024`.
            block: number of the block.
            system: the system that is measured.
            margin: dimensions of it.
            first: whether this is the first publication of the window.

        Raises:
            DisclosureError: DIS-024, no cube counts the dimensions of the margin together.
        """
        names = [system.dims[d] for d in margin]
        counts = np.zeros((len(workload.places), *(len(system.codes[d]) for d in margin)), np.int64)
        place_number = {country: workload.places.index(place) for country, place in workload.place_of.items()}
        code_number = [{code: at for at, code in enumerate(system.codes[d])} for d in margin]
        quarterly = "-" in window
        values = tuple(self.blocks[block].values())
        for exact, persons in self._rows.get((self._cube(names, quarterly=quarterly), int(window[:4]), values), ()):
            place = place_number.get(exact["country"])
            if place is None or (quarterly and _quarter(exact, first=first) != window):
                continue
            for codes, part in _parts(names, exact, system):
                counts[(place, *(numbers[code] for numbers, code in zip(code_number, codes, strict=True)))] += (
                    persons * part
                )
        return counts

    def _cube(self, names: list[str], *, quarterly: bool) -> str:
        """Return the first cube, in the order of the tables, that counts these dimensions."""
        cubes = {cube.name: set(cube.dimensions) for cube in self.population.cubes}
        asked = {name.removesuffix("?") for name in names} | ({FIRST_QUARTER, "period"} if quarterly else set())
        for table in (table for table in self.policy.tables if table.population == self.population.name):
            own = cubes[table.cube]
            if {source_of(name, own) for name in asked} <= own:
                return table.cube
        raise DisclosureError(
            "DIS-024", f"no cube of {self.population.name} counts {', '.join(sorted(asked))} together"
        )


def _quarter(exact: Mapping[str, str], *, first: bool) -> str:
    """Return the quarter in which a cell is counted: `2024-Q1`, or the year where none is known."""
    return exact[FIRST_QUARTER] if first else quarter_of(exact["period"])


def _parts(names: list[str], exact: Mapping[str, str], system: PlannedSystem) -> Iterator[tuple[list[str], int]]:
    """Yield the codes of a margin that a cell counts in, with the units that one person counts there."""
    several = system.several if system.several in names else ""
    codes = [_code(name, exact) for name in names]
    if not several:
        yield codes, unit_of(system)
        return
    place = names.index(several)
    own = sorted(_several(several, exact))
    for code in own:
        yield [*codes[:place], code, *codes[place + 1 :]], part_of_code(len(own), system.bound)


def _code(name: str, exact: Mapping[str, str]) -> str:
    """Return the released code of a dimension; of a multiple one, whether any of its codes is known."""
    if name.endswith("?"):
        return ANSWERS[not _several(name.removesuffix("?"), exact)]
    return "" if name in MULTIPLE else coarse(name, exact[source_of(name, exact)])


def _several(name: str, exact: Mapping[str, str]) -> frozenset[str]:
    """Return the released codes of a multiple dimension, none if none is known."""
    code = exact[name]
    return frozenset() if code == UNKNOWN else frozenset(coarse(name, one) for one in code.split("+"))
