"""The outcome of a raw record, and the rule that decides between several outcomes of one record.

Purpose: every published record has one outcome. Stages may write several for one record: a stage that begins again
repeats them, and dedupe overrules the de-identifier. The one of the highest rank holds (`Outcome.rank`).

Called by: `streams.stages` and `dedupe` (write them), `outcome_index` (keeps those that hold), `balance`,
`connectors.operations` and `connectors.console` (read them), `connectors.adapters.notices_topic` (`position_of`),
`amana status` and `amana audit reconcile` (show them).

Invariants:
- The rank depends on the sequence mark alone, so that the order of arrival and repetitions change nothing.
- The key is the raw record's place: all outcomes of one record are in one partition.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["OUTCOMES", "Outcome", "Position", "key_of", "position_of"]

# The Avro schema `outcome` calls this enumeration "Fate". That name is a contract: the evolution gate refuses another.
OUTCOMES = ("counted", "duplicate", "superseded", "withdrawn", "out_of_scope", "late", "quarantined")
"""The final results of a record, in the order of the schema's symbols."""

Position = tuple[str, str, int, int]
"""The place of a raw record: agency, kind, partition, offset."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The final result of one raw record, with the sequence mark of the stage input that decided it.

    Args:
        position: The place of the raw record.
        result: One of `OUTCOMES`.
        source: Topic and partition of the deciding input: `case/3` (dedupe) or `raw/police/case/1` (before dedupe).
        mark_offset: Offset of the deciding input in `source`.
        ordinal: Rank among the outcomes of one deciding input.
    """

    position: Position
    result: str
    source: str
    mark_offset: int
    ordinal: int

    @property
    def rank(self) -> tuple[bool, int, int]:
        """Return the rank: an outcome from dedupe before one from an earlier stage, then the later mark."""
        return not self.source.startswith("raw/"), self.mark_offset, self.ordinal

    @property
    def key(self) -> bytes:
        """Return the Kafka key of the outcome."""
        return key_of(self.position)

    def as_record(self) -> dict[str, Any]:
        """Return the fields of the schema `outcome`."""
        agency, kind, partition, offset = self.position
        return {
            "agency": agency,
            "kind": kind,
            "partition": partition,
            "offset": offset,
            "outcome": self.result,
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
    """Return the place of a raw record as a Kafka key: `agency/kind/partition/offset`."""
    return "/".join(map(str, position)).encode()


def position_of(key: bytes | None) -> Position | None:
    """Read a key that `key_of` wrote; return None for any other key."""
    # The keys of the topic `replay` come from outside this code: nothing about them is taken for granted.
    parts = (key or b"").decode(errors="replace").split("/")
    if len(parts) != len(("agency", "kind", "partition", "offset")) or not all(n.isdecimal() for n in parts[2:]):
        return None
    return parts[0], parts[1], int(parts[2]), int(parts[3])
