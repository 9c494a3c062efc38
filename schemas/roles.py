"""Privacy roles of fields, from those that reveal nothing of a person to those that name one.

Purpose: the one scale that de-identification, sealing and the evolution gate go by. A role is given to a field in
`schemas/avro/*.avsc`; `anonymizer.microdata.field_mapping` decides what is done with a field of that role.
Called by: `schemas.catalogue`, `schemas.evolution`, `anonymizer.microdata.field_mapping` and `amana schemas`.

Invariants:
- The order of declaration is the order of strictness, from nothing of a person to a name.
- A role may only get stricter from one version of a schema to the next.
"""

from enum import StrEnum

__all__ = ["SEALED_ROLES", "FieldRole", "stricter_or_same"]


class FieldRole(StrEnum):
    """The role of a field, in the order of strictness."""

    TECHNICAL = "technical"
    MEASURE = "measure"
    QUASI_IDENTIFIER = "quasi_identifier"
    SENSITIVE_ATTRIBUTE = "sensitive_attribute"
    STAFF_IDENTIFIER = "staff_identifier"
    FREE_TEXT = "free_text"
    DIRECT_IDENTIFIER = "direct_identifier"

    @property
    def strictness(self) -> int:
        """The rank in the order of declaration: 0 reveals nothing of a person, 6 names one."""
        return _ORDER[self]


_ORDER = {role: rank for rank, role in enumerate(FieldRole)}

SEALED_ROLES = frozenset({FieldRole.STAFF_IDENTIFIER, FieldRole.FREE_TEXT, FieldRole.DIRECT_IDENTIFIER})
"""Roles whose fields are never in clear on the broker."""


def stricter_or_same(old: FieldRole, new: FieldRole) -> bool:
    """Return whether a field may change its role from `old` to `new`: a role may only get stricter."""
    return new.strictness >= old.strictness
