"""Limits of one decoding, and the meter that counts a walk against them.

Purpose: say how large a record may be. Reading bytes is the part of `schemas.walk`.
Called by: `schemas.codec` makes a meter per payload; `schemas.walk` counts on it; `schemas.values` holds texts of an
event against `INGEST`. `INTERNAL` is passed by readers of our own topics: `streams.stages.aggregate`,
`streams.stages.dedupe`, `connectors.adapters.release_bus`, `connectors.console.reconciliation`,
`connectors.feed.trend_reader`, `connectors.operations` and the demonstration.

Invariants:
- Depth counts nested records, arrays and maps; nodes count their fields and items.
- A message holds the name of a limit or a position, never a value.
"""

from dataclasses import dataclass

from schemas.errors import ContractError

__all__ = ["ENVELOPE", "INGEST", "INTERNAL", "Limits", "Meter", "malformed", "too_much"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one decoding, in bytes; `sealed` bounds a value of type bytes."""

    total: int = 64 * 1024
    depth: int = 32
    nodes: int = 10_000
    text: int = 16 * 1024
    all_text: int = 64 * 1024
    sealed: int = 16 * 1024


INGEST = Limits()
"""For events of agencies, opened."""

ENVELOPE = Limits(total=72 * 1024, depth=1, nodes=8, all_text=72 * 1024, sealed=70 * 1024)
"""For messages of agencies: the largest event padded to 64 KiB, its wrapped key, tag and signature."""

INTERNAL = Limits(total=1 << 21, nodes=1 << 20, text=1 << 20, all_text=1 << 21, sealed=1 << 21)
"""For messages of our own stages: the sequence marks of a cell and a quarantined payload are larger than any event."""


class Meter:
    """The use of one walk so far."""

    __slots__ = ("all_text", "depth", "end", "limits", "nodes")

    def __init__(self, limits: Limits, end: int) -> None:
        """Start at nothing used, with `end` the length of the data in bytes."""
        self.limits = limits
        self.end = end
        self.nodes = 0
        self.depth = 0
        self.all_text = 0

    def enter(self, nodes: int) -> None:
        """Count one more level and its `nodes`; raise CON-002 over a limit."""
        self.depth += 1
        self.nodes += nodes
        if self.depth > self.limits.depth or self.nodes > self.limits.nodes:
            raise too_much("depth or nodes")

    def take(self, length: int, position: int, most: int) -> int:
        """Count `length` bytes of a value that starts at `position`; return the position behind it.

        Raises:
            ContractError: CON-002 over a limit, CON-003 beyond the data.
        """
        after = position + length
        self.all_text += length
        if length > most or self.all_text > self.limits.all_text:
            raise too_much("length of a value")
        # a negative length would move the walk backwards, for ever
        if length < 0 or after > self.end:
            raise malformed("a length beyond the data", position)
        return after


def too_much(what: str) -> ContractError:
    """Return the refusal of a record that exceeds a limit."""
    return ContractError("CON-002", f"the record exceeds the decoding limit on {what}")


def malformed(what: str, position: int) -> ContractError:
    """Return the refusal of bytes that are no record of their schema."""
    return ContractError("CON-003", f"the record is not well formed: {what} at byte {position}")
