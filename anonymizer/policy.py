"""Disclosure policy: the rules by which data are counted, coarsened and released, and the dates of release.

Purpose: the shape of a policy file, and the reasons for which one is refused. Reads no file and no clock: a text comes
in, and a frozen value comes out.
Called by: `anonymizer.governance` and `connectors.adapters.policy_store` for the policies of a site;
`amana.composition`, `amana protect` and `amana redact`; `streams.core`, `streams.stages` and
`connectors.operations.exact_cells`; `anonymizer.detection`, `anonymizer.microdata`, `anonymizer.sandbox` and
`anonymizer.tabular`, each for its part.

Invariants:
- The SHA-256 of the text is in `Policy.digest`, and from there in every record that depended on the policy.
- A field that the policy does not know is refused, so that a typing error cannot switch a rule off.
- A policy that loads can be released: every cube counts fields that the records have, every table shows dimensions of
  its cube that have a code list, and no table has more cells than a release can hold.
- Whether two officers signed the policy is no part of it: `anonymizer.governance` decides that.

Source: HTCDS 2.0 and the CTDC codebook for categories; Eurostat and CASC practice for k, dominance and calendar.
"""

import hashlib
import math
import tomllib
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from anonymizer import authorities
from anonymizer.authorities import Authority
from anonymizer.measures import MEASURES
from anonymizer.privacy_rules import Coverage, Privacy
from anonymizer.released_dimensions import (
    BLOCK,
    FIRST_QUARTER,
    MULTIPLE,
    TIMES,
    UNIVERSE,
    cube_dimensions,
    source_of,
)
from anonymizer.suppression_rules import Suppression
from schemas import codelists
from schemas.catalogue import Kind
from schemas.errors import ConfigurationError
from schemas.trend import region_id

__all__ = [
    "AgencyBounds", "Calendar", "Cube", "NameThresholds", "Policy", "Population", "Region", "Replacing", "Suppression",
    "TablePlan", "TextRules", "load",
]  # fmt: skip


_MOST_CELLS = 500_000  # of one table in one window and block, margins included: more cannot be planned in minutes

# A name is a part of cell keys, whose parts `|` divides, of topics and of file names.
_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]


class _Frozen(BaseModel):
    """Base of every section: frozen, and without unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Calendar(_Frozen):
    """First publication `grace_days` after a window's end; one revision `revision_years` after the year's first.

    No event before `first_year` is admitted, and so no window before it is published.
    """

    grace_days: int = Field(ge=0)
    revision_years: int = Field(ge=1)
    first_year: int = Field(default=2000, ge=1900)


class AgencyBounds(_Frozen):
    """Bounds of what one agency may add to the states of the stages.

    Args:
        revisions_per_year: Reports and corrections of one agency, kind and year of events that are admitted;
            withdrawals are always admitted. Half of it for each of the two raw partitions of a kind.
    """

    # The memory of all stages grows with it, and no sum of counts may leave 64 bits: hence an upper limit.
    revisions_per_year: int = Field(default=50_000, ge=2, le=1_000_000_000)


class PersonRules(_Frozen):
    """The time for which a person token lasts: the longest counting window."""

    period: Literal["year"]


class Generalisation(_Frozen):
    """The level to which dates, ages and places are coarsened."""

    date: Literal["month", "year"]
    age: Literal["ctdc"]
    place: Literal["country"]


class NameThresholds(_Frozen):
    """By language: a word is masked if its probability of being no part of an identifier is below this."""

    en: float = Field(gt=0, le=1)
    fr: float = Field(gt=0, le=1)
    ar: float = Field(gt=0, le=1)


class Replacing(_Frozen):
    """Replacements of masked dates and places; everything else gets a numbered placeholder."""

    date: Literal["placeholder", "shift", "month", "year"]
    place: Literal["placeholder", "country"]


class TextRules(_Frozen):
    """Rules for free text, and the bounds within which it is scanned; lengths in characters, time in seconds."""

    narratives: Literal["withhold", "mask"]
    max_characters: int = Field(ge=1)
    chunk_characters: int = Field(ge=100)
    overlap_characters: int = Field(ge=0)
    timeout_seconds: float = Field(gt=0)
    score_threshold: float = Field(ge=0, le=1)
    phone_regions: tuple[str, ...]
    entities: tuple[str, ...] = Field(min_length=1)
    names: NameThresholds
    replace: Replacing

    def without(self, entities: Collection[str]) -> Self:
        """Return the rules without these entity types."""
        kept = tuple(entity for entity in self.entities if entity not in entities)
        return self.model_copy(update={"entities": kept})


class Cube(_Frozen):
    """A set of exact cells: one value per dimension."""

    name: _Name
    dimensions: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _has_place_and_time(self) -> Self:
        _refuse_twice(f"cube {self.name}: dimension", self.dimensions)
        if "country" not in self.dimensions or not {"period", "year"}.intersection(self.dimensions):
            msg = f"cube {self.name}: the dimensions country, and period or year, are needed"
            raise ValueError(msg)
        return self


class Population(_Frozen):
    """Persons that are counted, one representative event per person and year, or aggregates of the agencies.

    `measure` says what is counted of an event (`anonymizer.measures`); without it, the first measure of the kind.
    """

    name: _Name
    kind: Kind
    measure: str | None = None
    mode: Literal["suppression", "dp"]
    unit: Literal["person-year", "aggregate"]
    cubes: tuple[Cube, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _counts_what_records_have(self) -> Self:
        _refuse_twice(f"population {self.name}: cube", (cube.name for cube in self.cubes))
        if self.measure not in {None, *(one.name for one in MEASURES[self.kind])}:
            msg = f"population {self.name}: an event of kind {self.kind} has no measure {self.measure}"
            raise ValueError(msg)
        for cube in self.cubes:
            # A dimension that no record has would count everybody as unknown.
            if strange := sorted(set(cube.dimensions) - cube_dimensions(self.kind, self.measure)):
                msg = f"cube {cube.name}: a record of kind {self.kind} has no dimension {strange[0]}"
                raise ValueError(msg)
            # One person passes several stages, each of which has its own owner.
            if self.kind == "justice" and not {"phenomenon", "stage"} <= set(cube.dimensions):
                msg = f"cube {cube.name}: the dimensions phenomenon and stage are needed"
                raise ValueError(msg)
        return self


class TablePlan(_Frozen):
    """One table of a release: the cells of a cube, summed over everything that is not named here.

    `weight` says how much its accuracy counts where noise is divided: of its quarters if it has any, else of its year.
    `year_weight` is that of the year of a table by quarter.
    `headline` says which of its cells are withheld last under suppression: none, those of regions, or all.
    """

    name: _Name
    population: str
    cube: str
    geography: Literal["country", "region"]
    period: Literal["quarter", "year"]
    dimensions: tuple[str, ...]
    weight: float = Field(default=1.0, gt=0, le=1e6)
    year_weight: float = Field(default=1.0, gt=0, le=1e6)
    headline: Literal["none", "regions", "all"] = "none"


class Region(_Frozen):
    """A set of countries (alpha-3) under a scheme; a country may be in several."""

    scheme: _Name
    name: _Name
    countries: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _holds_countries(self) -> Self:
        _refuse_twice(f"region {self.name}: country", self.countries)
        if strange := [country for country in self.countries if not codelists.valid("country", country)]:
            msg = f"region {self.name}: {strange[0]} is no alpha-3 code of a country"
            raise ValueError(msg)
        return self

    @property
    def id(self) -> str:
        """The region's id, which ends the name of its topic."""
        return region_id(self.scheme, self.name)


class Policy(_Frozen):
    """A whole policy file."""

    name: str
    version: int = Field(ge=1)
    suppression: Suppression
    calendar: Calendar
    bounds: AgencyBounds = AgencyBounds()
    dp: Privacy | None = None
    person: PersonRules
    generalise: Generalisation
    text: TextRules
    populations: tuple[Population, ...] = Field(alias="population")
    tables: tuple[TablePlan, ...] = Field(alias="table")
    regions: tuple[Region, ...] = Field(alias="region")
    authorities: tuple[Authority, ...] = Field(default=(), alias="authority")
    crises: tuple[str, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    digest: str = ""

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        _refuse_twice("population", (population.name for population in self.populations))
        # A second population of the same measure would publish the same counts a second time.
        measured = ((p.kind, p.measure or MEASURES[p.kind][0].name) for p in self.populations)
        _refuse_twice("a population of kind", (f"{kind} by {measure}" for kind, measure in measured))
        _refuse_twice("table", (table.name for table in self.tables))
        _refuse_twice("region", (region.id for region in self.regions))
        return self

    @model_validator(mode="after")
    def _declarations_hold(self) -> Self:
        _refuse_twice("crises: the code", self.crises)
        strange = (f"crises: {code} is no named crisis" for code in self.crises if not codelists.valid("crisis", code))
        if fault := next(iter((*strange, *authorities.faults(self.authorities), ""))):
            raise ValueError(fault)
        return self

    @model_validator(mode="after")
    def _tables_can_be_released(self) -> Self:
        cubes = {(p.name, c.name): c for p in self.populations for c in p.cubes}
        places = len(self.regions) + len({country for region in self.regions for country in region.countries})
        for table in self.tables:
            cube = cubes.get((table.population, table.cube))
            faults = iter(["it names no cube of this policy"]) if cube is None else _faults(table, cube, places)
            if fault := next(faults, ""):
                msg = f"table {table.name}: {fault}"
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _noise_has_bounds(self) -> Self:
        noisy = [p for p in self.populations if p.mode == "dp"]
        for population in noisy:
            if self.dp is None or population.unit != "person-year":
                msg = f"population {population.name}: mode dp needs a section dp and the unit person-year"
                raise ValueError(msg)
            if fault := next(self._unbounded(population, self.dp), ""):
                msg = f"population {population.name}: {fault}"
                raise ValueError(msg)
        if self.dp is not None and (strange := sorted(set(self.dp.populations) - {p.name for p in self.populations})):
            msg = f"dp.populations: there is no population {strange[0]}"
            raise ValueError(msg)
        return self

    def populations_of(self, kind: str) -> tuple[Population, ...]:
        """Return the populations that events of `kind` belong to, one for each measure; none if it is not counted."""
        return tuple(p for p in self.populations if p.kind == kind)

    def counted_in(
        self, population: Population, exact: Mapping[str, str], counts: Mapping[str, int]
    ) -> Mapping[str, int]:
        """Return the counts of a cell by agency as far as they count: of a stage of proceedings, its owner's alone.

        Args:
            population: The population of the cell.
            exact: Its value by dimension.
            counts: Its count by agency.
        """
        if population.kind != "justice":
            return counts
        of = self.owner_of(exact["country"], exact["stage"], exact["phenomenon"])
        return {agency: count for agency, count in counts.items() if agency == of}

    def owner_of(self, country: str, stage: str, phenomenon: str) -> str | None:
        """Return the agency whose reports of a stage of proceedings count, None where nobody is declared."""
        return authorities.owner(self.authorities, country, stage, phenomenon)

    def _unbounded(self, population: Population, dp: Privacy) -> Iterator[str]:
        """Yield why nothing would bound what one person changes in a population's tables."""
        cubes = {cube.name: cube for cube in population.cubes}
        if population.name not in dp.populations:
            yield "it has no share of the loss in dp.populations"
        for table in (t for t in self.tables if t.population == population.name):
            several = [d for d in table.dimensions if d in MULTIPLE]
            if len(several) > 1:
                yield f"table {table.name} crosses two dimensions in which a person may have several codes"
            if strange := [d for d in several if d not in dp.codes]:
                yield f"dp.codes does not say how many codes of {strange[0]} count in full"
            # A person whose date is corrected between two publications would count in both quarters.
            if table.period == "quarter" and FIRST_QUARTER not in cubes[table.cube].dimensions:
                yield f"the cube {table.cube} of the quarterly table {table.name} lacks {FIRST_QUARTER}"

    def covered(self, kind: str, year: int) -> tuple[str, ...]:
        """Return the countries of its regions that are covered: all of them where nothing is declared for a kind."""
        released = {country for region in self.regions for country in region.countries}
        declared = [entry for entry in self.coverage if entry.kind == kind]
        if declared:
            released &= {country for entry in declared if entry.holds(kind, year) for country in entry.countries}
        return tuple(sorted(released))

    def agencies_in(self, kind: str, year: int, countries: Collection[str]) -> frozenset[str]:
        """Return the agencies that are declared to report a kind of event in any of these countries."""
        entries = [entry for entry in self.coverage if entry.holds(kind, year)]
        return frozenset(name for entry in entries if set(countries) & set(entry.countries) for name in entry.agencies)


def _refuse_twice(what: str, names: Iterable[Hashable]) -> None:
    """Raise ValueError if a name occurs twice."""
    seen: set[Hashable] = set()
    for name in names:
        if name in seen:
            msg = f"{what} {name} occurs twice"
            raise ValueError(msg)
        seen.add(name)


def _faults(table: TablePlan, cube: Cube, places: int) -> Iterator[str]:
    """Yield why a table over a cube could not be released; `places` are the regions and countries of the policy."""
    sources = [source_of(dimension, cube.dimensions) for dimension in table.dimensions]
    for dimension, source in zip(table.dimensions, sources, strict=True):
        if dimension in BLOCK or dimension in TIMES or dimension == "country":
            yield f"{dimension} is a part of every table, and named in none"
        elif dimension not in UNIVERSE:
            yield f"there is no code list for the dimension {dimension}"
        elif source not in cube.dimensions:
            yield f"the cube {cube.name} does not count {source}"
    # Two dimensions that are one in the cube would be crossed with themselves: most cells could hold nobody.
    if len(set(sources)) < len(sources):
        yield "a dimension occurs twice, or two are derived from one dimension of the cube"
    if table.period == "quarter" and "period" not in cube.dimensions:
        yield f"the cube {cube.name} counts years alone"
    cells = places * math.prod(len(UNIVERSE.get(dimension, ())) + 2 for dimension in table.dimensions)
    if cells > _MOST_CELLS:
        yield f"{cells} cells are more than {_MOST_CELLS}"


def load(text: str) -> Policy:
    """Parse and validate a policy file's text.

    Raises:
        ConfigurationError: CFG-010, naming the first field that is wrong.
    """
    try:
        document = tomllib.loads(text)
        document["digest"] = hashlib.sha256(text.encode()).hexdigest()
        return Policy.model_validate(document)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError("CFG-010", "the policy is not valid TOML") from error
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError("CFG-010", f"the policy is refused: {first['msg']}", field=where) from error
