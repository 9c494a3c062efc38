"""Labels of codes, tables, regions and windows, as people read them on a chart.

Purpose: choose the words, and nothing else. A code without a label is shown as it is, except `unknown`, shown as
`Unknown`.
Called by: `connectors.feed.chart`, `connectors.feed.overview`.

Invariants:
- Labels are for charts alone: exports keep the codes.
"""

import functools
from collections.abc import Mapping

from schemas import codelists
from schemas.trend import TOTAL

__all__ = ["dimension", "heading", "label", "period", "place", "series"]

_CODE_LISTS: Mapping[str, str] = {
    "age": "ageBroad",
    "citizenship": "country",
    "origin": "country",
    "country": "country",
    "datasource": "Datasource",
    "decided_by": "vic_TraffickingStatusDecisionMakingOrg",
    "exploitation": "vic_TypeOfExploitation",
    "means": "vic_MethodsOfControl",
    "reason": "cas_ReasonForOutgoingReferral",
    "recruiter": "RecruiterRelationship",
    "service": "service",
    "services": "service",
    "sexual": "vic_TypeOfSexExploitation",
    "indicator": "indicator",
    "activity_type": "activity_type",
}
"""Dimension -> code list whose labels are used."""

_CODE_LABELS: Mapping[str, Mapping[str, str]] = {
    "phenomenon": {"TIP": "Trafficking", "SOM": "Smuggling"},
    "status": {"possible": "possible victims", "confirmed": "confirmed victims", "unknown": "status unknown"},
    "gender": {"F": "Women and girls", "M": "Men and boys", "X": "Other gender", "unknown": "Gender unknown"},
    "sex": {"F": "Women", "M": "Men", "unknown": "Sex not recorded"},
    "majority": {"minor": "Children", "adult": "Adults", "unknown": "Age unknown"},
    "age": {"unknown": "Age unknown"},
    "citizenship": {"multiple": "Several citizenships", "unknown": "Citizenship unknown"},
    "origin": {"Other": "Other citizenship", "multiple": "Several citizenships", "unknown": "Citizenship unknown"},
}

_REGION_LABELS: Mapping[str, str] = {"pave": "PAVE", "gloact": "GLO.ACT", "ro-cairo": "Cairo regional office"}
"""Regions whose ids are not plain words."""

_DIMENSION_LABELS: Mapping[str, str] = {
    "activity_type": "type of activity",
    "datasource": "source",
    "decided_by": "who decided",
    "exploitation": "form of exploitation",
    "majority": "children and adults",
    "industry": "sector (section of ISIC)",
    "means": "means of control",
    "origin": "citizenship",
    "reason": "reason of referral",
    "recruiter": "relation to the recruiter",
    "sexual": "kind of sexual exploitation",
    "services": "services",
}


@functools.cache
def label(name: str, code: str) -> str:
    """Return the label of one code of a dimension; of several codes joined by `+`, all labels."""
    if code == TOTAL:
        return "All"
    own = _CODE_LABELS.get(name, {})
    listed = codelists.labels(_CODE_LISTS[name]) if name in _CODE_LISTS else {}
    parts = []
    for part in code.split("+"):
        # ISO 3166 puts additions in brackets: `Iran (Islamic Republic of)`.
        short = listed.get(part, "").partition(" (")[0]
        parts.append(own.get(part) or short or ("Unknown" if part == "unknown" else part))
    return " + ".join(parts)


def dimension(name: str) -> str:
    """Return the label of a dimension."""
    return _DIMENSION_LABELS.get(name, name.replace("_", " "))


def series(dimensions: Mapping[str, str]) -> str:
    """Return the label of the group that a cell counts: phenomenon and status, as far as the table has them."""
    parts = [label(name, dimensions[name]) for name in ("phenomenon", "status") if name in dimensions]
    return ", ".join(parts) or "All"


def heading(population: str, table: str) -> str:
    """Return the heading of a table of a population."""
    title = population[:1].upper() + population[1:]
    return title if table == population else f"{title}: {table.replace('-', ' ')}"


def place(scheme: str, region: str) -> str:
    """Return the label of a region, with its scheme where the scheme has several regions."""
    title = _REGION_LABELS.get(region) or region.replace("-", " ").title()
    return title if scheme == region else f"{title} ({scheme.upper()})"


def period(code: str) -> str:
    """Return the label of a window: `2024, first quarter` for `2024-Q1`, `2024` for `2024`."""
    year, _, quarter = code.partition("-Q")
    return f"{year}, {('first', 'second', 'third', 'fourth')[int(quarter) - 1]} quarter" if quarter else year
