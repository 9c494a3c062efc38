"""Names for people: what a code of a released row is called on a chart.

Decides words alone. A code without a name is shown as it is.
"""

import functools
from collections.abc import Mapping

from schemas import codelists
from schemas.trend import TOTAL

__all__ = ["dimension", "heading", "label", "period", "place", "series"]

_DIMENSIONS: Mapping[str, str] = {
    "country": "country",
    "exploitation": "vic_TypeOfExploitation",
    "means": "vic_MethodsOfControl",
    "service": "service",
    "services": "service",
    "indicator": "indicator",
    "activity_type": "activity_type",
}
"""Dimension → code list."""

_WORDS: Mapping[str, Mapping[str, str]] = {
    "phenomenon": {"TIP": "Trafficking", "SOM": "Smuggling"},
    "status": {"possible": "possible victims", "confirmed": "confirmed victims", "unknown": "status unknown"},
    "gender": {"F": "Women and girls", "M": "Men and boys", "X": "Other gender", "unknown": "Gender unknown"},
    "sex": {"F": "Women", "M": "Men", "unknown": "Sex not recorded"},
    "majority": {"minor": "Children", "adult": "Adults", "unknown": "Age unknown"},
}

_NAMED: Mapping[str, str] = {"pave": "PAVE", "gloact": "GLO.ACT", "ro-cairo": "Cairo regional office"}
"""Regions whose names are not plain words."""

_NAMES: Mapping[str, str] = {
    "activity_type": "type of activity",
    "decided_by": "who decided",
    "exploitation": "form of exploitation",
    "majority": "children and adults",
    "means": "means of control",
    "services": "services",
}


@functools.cache
def label(name: str, code: str) -> str:
    """Name one code of a dimension; several codes joined by `+` are named one by one."""
    if code == TOTAL:
        return "All"
    words = _WORDS.get(name, {})
    named = codelists.labels(_DIMENSIONS[name]) if name in _DIMENSIONS else {}
    return " + ".join(words.get(part) or _tidy(named.get(part, "")) or _plain(part) for part in code.split("+"))


def dimension(name: str) -> str:
    """Name a dimension."""
    return _NAMES.get(name, name.replace("_", " "))


def series(dimensions: Mapping[str, str]) -> str:
    """Name whom a cell counts: phenomenon and status, as far as the table tells them apart."""
    words = [label(name, dimensions[name]) for name in ("phenomenon", "status") if name in dimensions]
    return ", ".join(words) or "All"


def heading(population: str, table: str) -> str:
    """Name a table of a population."""
    named = population[:1].upper() + population[1:]
    return named if table == population else f"{named}: {table.replace('-', ' ')}"


def place(scheme: str, region: str) -> str:
    """Name a region of a scheme."""
    named = _NAMED.get(region) or region.replace("-", " ").title()
    return named if scheme == region else f"{named} ({scheme.upper()})"


def period(code: str) -> str:
    """Name a window: `2024-Q1` is `2024, first quarter`."""
    year, _, quarter = code.partition("-Q")
    return f"{year}, {('first', 'second', 'third', 'fourth')[int(quarter) - 1]} quarter" if quarter else year


def _tidy(name: str) -> str:
    """Drop what ISO 3166 puts behind a name: `Iraq`, not `Iran (Islamic Republic of)`."""
    return name.partition(" (")[0]


def _plain(code: str) -> str:
    return "Unknown" if code == "unknown" else code
