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
>>> sorted(cube_dimensions("activity"))
['activity_type', 'country', 'period', 'sex', 'year']
"""

import functools
from collections.abc import Mapping
from types import MappingProxyType

from schemas import catalogue
from schemas.catalogue import Kind
from schemas.codelists import labels
from schemas.roles import FieldRole

__all__ = ["BLOCK", "FIRST_QUARTER", "MULTIPLE", "SOURCES", "TIMES", "UNIVERSE", "cube_dimensions", "group_of"]

BLOCK = MappingProxyType({"phenomenon": ("TIP", "SOM"), "status": ("confirmed", "possible", "unknown")})
"""Dimensions that no total sums over: each combination of their codes, a block, is a joint system of its own."""

MULTIPLE = frozenset({"means", "recruiter", "services", "sexual"})
"""Dimensions in which one person may have several codes: a yes/no question per code, with `known` as denominator."""

SOURCES = MappingProxyType({"majority": "age", "origin": "citizenship"})
"""Released dimensions that are derived from a dimension of the cube."""

FIRST_QUARTER = "first_quarter"
"""The earliest quarter that any report of a person has named in her year: it never becomes a later one.

A person whose date is corrected is therefore in the first publication of one quarter at most.
"""

TIMES = frozenset({"period", "year", FIRST_QUARTER})
"""Dimensions of a cube that say when: the month where it is known, the year alone, or the first quarter."""

_SECTIONS = tuple(sorted({code.partition("_")[0] for code in labels("vic_ForcedLabourIndustry")}))

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
        "indicator": tuple(labels("indicator")),
        "activity_type": tuple(labels("activity_type")),
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
    return "unknown" if code == "unknown" else "minor" if code in _MINOR else "adult"


@functools.cache
def cube_dimensions(kind: Kind) -> frozenset[str]:
    """Return every dimension that a cube of events of `kind` may have."""
    fields = catalogue.load(f"deidentified.{kind}").fields
    # The source of a case is a technical field, but its codes are those of a list.
    counted = {field.name for field in fields if field.role not in _NOT_COUNTED or field.name == "datasource"}
    persons = kind not in {"activity", "indicator"}
    derived = {"year"} | ({FIRST_QUARTER} if persons else set()) | ({"sex"} if kind == "activity" else set())
    return frozenset(counted | derived)
