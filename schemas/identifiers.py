"""Types of the identifiers that pass between rooms.

Purpose: a type checker tells an event id from a token, and a region from a release, although all are text.
Called by: signatures in `schemas.values`, `anonymizer`, `streams` and `connectors`; the values are made where a record
is decoded, a row is read or a hash is made.

Invariants:
- At run time each is the plain value: nothing is wrapped, and records are encoded as before.
"""

from typing import NewType

__all__ = ["AgencyId", "CubeKey", "EventId", "PersonToken", "ReleaseId", "Rho"]

AgencyId = NewType("AgencyId", str)
"""Id of an agency, of the form `[a-z][a-z0-9-]{1,30}`."""

EventId = NewType("EventId", str)
"""Keyed hash that names one event of one agency, 32 hexadecimal digits."""

PersonToken = NewType("PersonToken", str)
"""Keyed hash that stands for one person in one year, 32 hexadecimal digits; the same whichever agency reports."""

CubeKey = NewType("CubeKey", str)
"""Key of one exact cell: population, cube and the values of its dimensions, as `cases|profile|...`."""

ReleaseId = NewType("ReleaseId", str)
"""Id of one publication of one population's window, as the ledger and the budget know it."""

Rho = NewType("Rho", int)
"""Privacy loss of zero-concentrated differential privacy, in parts per billion; counted in whole numbers."""
