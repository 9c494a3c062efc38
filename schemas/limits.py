"""Bounds of one decoding, and the meter that holds a walk to them.

Decides how large a record may be. Does not read bytes: that is `schemas.walk`.

- Depth counts nested records, arrays and maps; nodes count their fields and items.
- Nothing but lengths and positions goes into a message.
"""

from dataclasses import dataclass

from schemas.errors import ContractError

__all__ = ["INGEST", "INTERNAL", "Limits", "Meter", "malformed", "too_much"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one decoding; sizes in bytes. `sealed` is `text` plus room for padding and tag of a sealed field."""

    total: int = 64 * 1024
    depth: int = 32
    nodes: int = 10_000
    text: int = 16 * 1024
    all_text: int = 64 * 1024
    sealed: int = 16 * 1024 + 64


INGEST = Limits()
"""For what an agency sends."""

INTERNAL = Limits(total=1 << 21, nodes=1 << 20, text=1 << 20, all_text=1 << 21, sealed=1 << 21)
"""For what our own stages wrote: a cell's marks and a quarantined payload are larger than any event."""


class Meter:
    """What one walk has used so far."""

    __slots__ = ("all_text", "depth", "end", "limits", "nodes")

    def __init__(self, limits: Limits, end: int) -> None:
        """Start at nothing used, with `end` the length of the data in bytes."""
        self.limits = limits
        self.end = end
        self.nodes = 0
        self.depth = 0
        self.all_text = 0

    def enter(self, nodes: int) -> None:
        """Count one more level and its `nodes`."""
        self.depth += 1
        self.nodes += nodes
        if self.depth > self.limits.depth or self.nodes > self.limits.nodes:
            raise too_much("depth or nodes")

    def take(self, length: int, position: int, most: int) -> int:
        """Count `length` bytes of a value that starts at `position`; return where it ends."""
        after = position + length
        self.all_text += length
        if length > most or self.all_text > self.limits.all_text:
            raise too_much("length of a value")
        if length < 0 or after > self.end:
            raise malformed("a length beyond the data", position)
        return after


def too_much(what: str) -> ContractError:
    """Return the refusal of a record that exceeds a limit."""
    return ContractError("CON-002", f"the record exceeds the decoding limit on {what}")


def malformed(what: str, position: int) -> ContractError:
    """Return the refusal of bytes that are no record of their schema."""
    return ContractError("CON-003", f"the record is not well formed: {what} at byte {position}")
