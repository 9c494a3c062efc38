"""The privacy role of a field: what de-identification, sealing and the evolution gate are driven by.

Decides which roles there are and which of two is stricter. Does not decide what is done about a role: that is
`anonymizer.microdata`'s part, nor which field has which role: that stands in `schemas/avro/*.avsc`.
"""

from enum import StrEnum

__all__ = ["SEALED_ROLES", "FieldRole", "stricter_or_same"]


class FieldRole(StrEnum):
    """What a field may reveal about a person, from nothing to everything."""

    TECHNICAL = "technical"
    MEASURE = "measure"
    QUASI_IDENTIFIER = "quasi_identifier"
    SENSITIVE_ATTRIBUTE = "sensitive_attribute"
    STAFF_IDENTIFIER = "staff_identifier"
    FREE_TEXT = "free_text"
    DIRECT_IDENTIFIER = "direct_identifier"

    @property
    def strictness(self) -> int:
        """Rank in the order of declaration: 0 reveals nothing of a person, 6 names one."""
        return _ORDER[self]


_ORDER = {role: rank for rank, role in enumerate(FieldRole)}

SEALED_ROLES = frozenset({FieldRole.STAFF_IDENTIFIER, FieldRole.FREE_TEXT, FieldRole.DIRECT_IDENTIFIER})
"""Roles that never lie in clear on the broker."""


def stricter_or_same(old: FieldRole, new: FieldRole) -> bool:
    """Return whether a field may change its role from `old` to `new`: a role may only get stricter."""
    return new.strictness >= old.strictness
