"""The dimensions of cubes and of released tables, with the code list of each.

Purpose: one place for what a policy may count and release. A cube counts fields of the de-identified record; a table
shows dimensions of a cube, or what is derived from one.
Called by: `anonymizer.policy`, which refuses what cannot be released; `anonymizer.tabular.facts`, which maps exact
codes to these lists; `anonymizer.tabular.cliques`, `policy_tables` and `variables`; `streams.core.releasing`.

Invariants:
- The code lists are fixed and never read off the data: a code that appeared only when somebody has it would be a
  disclosure.
- Every dimension that a cube may have, apart from those of time, place and block, can be released.

>>> UNIVERSE["age"][0], UNIVERSE["industry"][:3], "multiple" in UNIVERSE["citizenship"]
('0--8', ('A', 'B', 'C'), True)
>>> sorted(cube_dimensions("activity", "items"))
['activity_type', 'audience', 'country', 'item', 'period', 'topics', 'year']
"""

import functools
from collections.abc import Collection, Mapping
from types import MappingProxyType

from anonymizer.measures import measure_of
from schemas import catalogue
from schemas.catalogue import Kind
from schemas.codelists import labels
from schemas.roles import FieldRole

__all__ = [
    "BLOCK",
    "FIRST_QUARTER",
    "KNOWN",
    "MULTIPLE",
    "SOURCES",
    "TIMES",
    "UNIVERSE",
    "UNKNOWN",
    "cube_dimensions",
    "group_of",
    "source_of",
]

KNOWN, UNKNOWN = "known", "unknown"
"""The total of all known codes of a dimension, and the code of those without one; together everybody."""

BLOCK = MappingProxyType(
    {
        "phenomenon": ("TIP", "SOM"),
        "status": ("confirmed", "possible", "unknown"),
        "stage": tuple(labels("stage")),
        "indicator": tuple(labels("indicator")),
    }
)
"""Dimensions that no total sums over: each combination of their codes, a block, is a joint system of its own.

A person who was suspected is prosecuted later, and a person in debt may beg: a sum over stages or indicators counts her
twice, and would say nothing.
"""

MULTIPLE = frozenset({"means", "recruiter", "services", "sexual", "topics"})
"""Dimensions in which one person may have several codes: a yes/no question per code, with `known` as denominator."""

SOURCES = MappingProxyType({"majority": "age", "origin": "citizenship"})
"""Released dimensions that are derived from a dimension of the cube, unless the cube counts them itself."""

FIRST_QUARTER = "first_quarter"
"""The earliest quarter that any report of a person has named in her year: it never becomes a later one.

A person whose date is corrected is therefore in the first publication of one quarter at most.
"""

TIMES = frozenset({"period", "year", FIRST_QUARTER})
"""Dimensions of a cube that say when: the month where it is known, the year alone, or the first quarter."""

_SECTIONS = tuple(sorted({code.partition("_")[0] for code in labels("vic_ForcedLabourIndustry")}))

# The five kinds that refer most; the others are one code, so that a table of paths has 49 cells and not 121.
_ORGANISATIONS = (
    "NGO", "LawEnforcement", "ImmigrationService", "CentralGovernmentOrganisation", "HealthServiceOrganisation",
    "Other", "unknown",
)  # fmt: skip

_ORIGINS = (
    "AFG", "AZE", "BGD", "BGR", "CHN", "CMR", "DZA", "EGY", "ERI", "ETH", "GEO", "GHA", "IDN", "IND", "IRN", "IRQ",
    "JOR", "KEN", "KGZ", "LBN", "LBY", "LKA", "MAR", "MDG", "MMR", "NGA", "NPL", "PAK", "PHL", "PSE", "ROU", "RUS",
    "SDN", "SLE", "SOM", "SSD", "SYR", "THA", "TKM", "TUN", "TUR", "UGA", "UKR", "UZB", "VNM", "YEM",
)  # fmt: skip
"""Citizenships that a table of origins tells apart: those of the larger groups of migrants and refugees in the wider
Middle East. All others are `Other`. Source: UN DESA, International Migrant Stock 2020, by destination and origin."""

UNIVERSE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "exploitation": ("ForcedLabour", "SexualExploitation", "Other", "Multiple", "unknown"),
        "gender": ("F", "M", "X", "unknown"),
        "sex": ("F", "M", "unknown"),
        "majority": ("minor", "adult", "unknown"),
        "age": (*labels("ageBroad"), "unknown"),
        "origin": (*_ORIGINS, "Other", "multiple", "unknown"),
        "citizenship": (*sorted(labels("country")), "multiple", "unknown"),
        "decided_by": (*labels("vic_TraffickingStatusDecisionMakingOrg"), "unknown"),
        "industry": (*_SECTIONS, "unknown"),
        "datasource": (*labels("Datasource"), "unknown"),
        "reason": (*labels("cas_ReasonForOutgoingReferral"), "unknown"),
        "means": tuple(labels("vic_MethodsOfControl")),
        "recruiter": tuple(labels("RecruiterRelationship")),
        "services": tuple(labels("service")),
        "sexual": tuple(labels("vic_TypeOfSexExploitation")),
        "service": (*labels("service"), "unknown"),
        "activity_type": tuple(labels("activity_type")),
        "audience": (*labels("audience"), "unknown"),
        "topics": tuple(labels("topic")),
        "item": tuple(labels("item")),
        "crisis": (*labels("crisis"), "unknown"),
        "crisis_phase": (*labels("crisis_phase"), "unknown"),
        "emergency": (*labels("emergency"), "unknown"),
        "population_group": (*labels("population_group"), "unknown"),
        "referred_from": _ORGANISATIONS,
        "referred_to": _ORGANISATIONS,
        "uptake": (*labels("uptake"), "unknown"),
        "nationality": (*labels("nationality"), "unknown"),
        "article": (*labels("article"), "unknown"),
    }
)
"""Code list of every released dimension; of a multiple one, the codes that are asked yes or no."""

_NOT_COUNTED = frozenset({FieldRole.TECHNICAL, FieldRole.MEASURE, FieldRole.FREE_TEXT})


_MINOR = frozenset({"0--8", "9--17"})


def group_of(dimension: str, code: str) -> str:
    """Return the code of a derived dimension for a code of the dimension that it is derived from.

    >>> group_of("majority", "9--17"), group_of("origin", "ETH"), group_of("origin", "PRT")
    ('minor', 'ETH', 'Other')
    """
    if dimension == "origin":
        return code if code in UNIVERSE[dimension] else "Other"
    if dimension != "majority":
        raise KeyError(dimension)
    # An aggregate says itself whether it counts minors or adults; a person has an age.
    return code if code in UNIVERSE["majority"] else "minor" if code in _MINOR else "adult"


@functools.cache
def cube_dimensions(kind: Kind, measure: str | None = None) -> frozenset[str]:
    """Return every dimension that a cube of events of `kind` may have, if it counts `measure`; None is the first."""
    fields = catalogue.load(f"deidentified.{kind}").fields
    # The source of a case is a technical field, but its codes are those of a list.
    counted = {field.name for field in fields if field.role not in _NOT_COUNTED or field.name == "datasource"}
    part = measure_of(kind, measure).dimension
    derived = {"year"} | ({FIRST_QUARTER} if kind in catalogue.PERSONAL else set()) | ({part} if part else set())
    return frozenset(counted | derived)


def source_of(dimension: str, counted: Collection[str]) -> str:
    """Return the dimension of a cube that a released dimension is read from.

    Args:
        dimension: the released dimension.
        counted: the dimensions of the cube.
    """
    return dimension if dimension in counted else SOURCES.get(dimension, dimension)
