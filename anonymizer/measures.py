"""Measures: what a population counts of an event, and in which fields of the de-identified record the amounts are.

Purpose: one table for the amounts of every kind of event. An event about a person counts one person; an agency's own
aggregate counts what the agency counted: persons, participants by sex, items by kind, partner organisations.
Called by: `anonymizer.policy`, which refuses another measure; `anonymizer.released_dimensions`;
`anonymizer.microdata.field_mapping`, which carries the fields; `streams.core.counting.cube`, which adds the amounts.

Invariants:
- Two measures are never added: each has a population of its own.
- Each amount of an event is `schemas.values.LARGEST_COUNT` at most, and so are its participants together
  (`schemas.raw`).

>>> list(measure_of("activity", "items").amounts({"items_food": 40, "items_other": 0}))
[('Food', 40)]
>>> measure_of("activity").dimension, measure_of("case").name
('sex', 'persons')
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from schemas.catalogue import KINDS

__all__ = ["MEASURES", "MEASURE_FIELDS", "Measure", "measure_of"]


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of a kind of event.

    Args:
        name: Its name in a policy.
        dimension: The dimension that tells its parts apart, None if it has one part.
        fields: Code of that dimension → field of the record with the amount; empty where each record counts one.
    """

    name: str
    dimension: str | None
    fields: Mapping[str, str]

    def amounts(self, record: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
        """Yield code and amount of each part of a record that is not zero; the code is empty if there are no parts."""
        if not self.fields:
            yield "", 1
        for code, field in self.fields.items():
            if amount := int(record.get(field, 0)):
                yield code, amount


_PARTICIPANTS = {"F": "participants_female", "M": "participants_male", "unknown": "participants_unknown"}
_ITEMS = {
    "DignityKit": "items_dignity_kits", "HygieneKit": "items_hygiene_kits", "Food": "items_food",
    "Clothing": "items_clothing", "Leaflet": "items_leaflets", "Phone": "items_phones", "Other": "items_other",
}  # fmt: skip
_OWN_COUNT = (Measure("persons", None, {"": "value"}),)

MEASURES: Final[Mapping[str, tuple[Measure, ...]]] = MappingProxyType(
    dict.fromkeys(KINDS, (Measure("persons", None, {}),))
    | {
        "indicator": _OWN_COUNT,
        "justice": _OWN_COUNT,
        "activity": (
            Measure("participants", "sex", _PARTICIPANTS),
            Measure("items", "item", _ITEMS),
            Measure("partners", None, {"": "partner_organisations"}),
        ),
    }
)
"""Kind of event → its measures; the first is counted where a policy names none."""

MEASURE_FIELDS: Final = tuple(
    dict.fromkeys(field for measures in MEASURES.values() for one in measures for field in one.fields.values())
)
"""Every field of a record that holds an amount."""


def measure_of(kind: str, name: str | None = None) -> Measure:
    """Return the measure `name` of a kind of event, the first one for None.

    Raises:
        KeyError: the kind has no such measure.
    """
    measures = {one.name: one for one in MEASURES[kind]}
    return measures[name or next(iter(measures))]
