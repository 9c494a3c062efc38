"""What became of every published record: one fate each, however often a stage says it.

Decides which of several statements about one raw record holds: that of the highest rank. Does not make them: `admit`,
`deidentify` and `dedupe` do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["FATES", "Outcome", "Position", "key_of", "position_of"]

FATES = ("counted", "duplicate", "superseded", "withdrawn", "out_of_scope", "late", "quarantined")
"""The terminal outcomes, as in the schema."""

Position = tuple[str, str, int, int]
"""A raw record: agency, kind, partition, offset."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One statement: the fate of the raw record at `position`, with the mark of the stage input that decided it.

    `source` names that input's topic and partition, as `case/3` (dedupe) or `raw/police/case/1` (before it).
    """

    position: Position
    fate: str
    source: str
    mark_offset: int
    ordinal: int

    @property
    def rank(self) -> tuple[bool, int, int]:
        """What dedupe says outranks what earlier stages said; then the later mark outranks the earlier."""
        return not self.source.startswith("raw/"), self.mark_offset, self.ordinal

    @property
    def key(self) -> bytes:
        """The Kafka key of the statement."""
        return key_of(self.position)

    def as_record(self) -> dict[str, Any]:
        """Return the fields of the schema `outcome`."""
        agency, kind, partition, offset = self.position
        return {
            "agency": agency,
            "kind": kind,
            "partition": partition,
            "offset": offset,
            "outcome": self.fate,
            "source": self.source,
            "mark_offset": self.mark_offset,
            "ordinal": self.ordinal,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Outcome":
        """Read the fields of the schema `outcome`."""
        position = (record["agency"], record["kind"], record["partition"], record["offset"])
        return cls(position, record["outcome"], record["source"], record["mark_offset"], record["ordinal"])


def key_of(position: Position) -> bytes:
    """Return a raw record's place as a Kafka key: `agency/kind/partition/offset`."""
    return "/".join(map(str, position)).encode()


def position_of(key: bytes | None) -> Position | None:
    """Read `key_of` back; None where it is no such key."""
    parts = (key or b"").decode(errors="replace").split("/")
    if len(parts) != len(("agency", "kind", "partition", "offset")) or not all(n.isdecimal() for n in parts[2:]):
        return None
    return parts[0], parts[1], int(parts[2]), int(parts[3])
