"""The seal of quarantine: refused records are kept sealed, bound to the place at which they were published.

Purpose: bind the bytes of a refused record to its place, and give them back to a replay.
Called by: `streams.stages.deidentify` (opens what is replayed) and `streams.stages.deidentify_outputs` (seals).

Invariants:
- A refused record is sealed whole, however it looks: an agency may have put anything anywhere.
- A sealed record opens only under its own place: it cannot be replayed as another record.
"""

import contextlib

from schemas.errors import ContractError
from schemas.opening import Opener
from streams.core.counting.outcomes import Position, key_of

__all__ = ["QuarantineSeal"]


class QuarantineSeal:
    """Seals refused records and opens replayed ones, with the de-identifier's key."""

    def __init__(self, opener: Opener) -> None:
        self._opener = opener

    def sealed(self, data: bytes, place: Position) -> bytes:
        """Seal a refused record; no bytes stay no bytes."""
        return self._opener.wrap(data, key_of(place)) if data else b""

    def opened(self, held: bytes, place: Position) -> bytes:
        """Open a replayed record; bytes that do not open are returned as they are, and so are refused again."""
        with contextlib.suppress(ContractError):
            return self._opener.unwrap(held, key_of(place))
        return held
