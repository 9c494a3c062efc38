"""The writer of a stage's output records: sealed ones, and decision records in clear.

Purpose: the one place in which a stage decides under which scope a record is sealed.
Called by: `streams.stages.dedupe` and `streams.stages.deidentify_outputs`.

Invariants:
- Only decision records leave a stage in clear: they have offsets, hashes and bucketed counts.
- A record is bound to its topic and key: the broker's owner cannot pass it off as another one.
- What an agency may read comes from the de-identifier alone; a refusal of dedupe depends on other agencies' events.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from schemas import catalogue, codec
from schemas.record_seal import AGENCY, EVIDENCE, RecordSeal
from streams.broker import topics
from streams.broker.partitions import partition_of
from streams.core.counting import agency_notices
from streams.core.counting.agency_notices import Notice
from streams.core.counting.outcomes import Outcome
from streams.runtime.stage import Output

__all__ = ["RecordEncoder"]


class RecordEncoder:
    """Encodes and seals records of this project's own schemas.

    Args:
        ids: Schema id to write with, by stem (`audit`).
        seal: Seals the hub's records.
    """

    def __init__(self, ids: Mapping[str, int], seal: RecordSeal) -> None:
        self._ids, self._seal = ids, seal

    def decision(self, key: bytes, record: Mapping[str, Any]) -> Output:
        """Return a decision record for the topic `audit`, in clear."""
        return Output("audit", 0, key, codec.encode(self._ids["audit"], catalogue.load("audit").parsed, record))

    def outcome(self, outcome: Outcome) -> Output:
        """Return the outcome of a raw record, as evidence."""
        value = self._seal.write("outcome", EVIDENCE, outcome.as_record(), "outcomes", outcome.key.decode())
        return Output("outcomes", partition_of(outcome.key, topics.PARTITIONS), outcome.key, value)

    def late(self, key: bytes, record: Mapping[str, Any]) -> Output:
        """Return the note of a late record, as evidence."""
        return Output("late", 0, key, self._seal.write("late", EVIDENCE, record, "late", key.decode()))

    def erased(self, key: str, record: Mapping[str, Any]) -> Output:
        """Return the note of an erased event that is still to be removed from the disks, as evidence."""
        value = self._seal.write("erased", EVIDENCE, record, topics.ERASURES, key)
        return Output(topics.ERASURES, 0, key.encode(), value)

    def refusal(self, agency: str, key: bytes, record: Mapping[str, Any]) -> Output:
        """Return an entry of an agency's quarantine, which the agency may open: a place and a code."""
        topic = topics.quarantine(agency)
        value = self._seal.write("quarantine", AGENCY + agency, record, topic, key.decode())
        return Output(topic, 0, key, value)

    def later_refusal(self, key: bytes, record: Mapping[str, Any]) -> Output:
        """Return the entry of an event that dedupe refuses, as evidence: its agency must not learn of it."""
        topic = topics.REFUSALS
        return Output(topic, 0, key, self._seal.write("quarantine", EVIDENCE, record, topic, key.decode()))

    def notices(self, agency: str, notices: Sequence[Notice]) -> Iterator[Output]:
        """Yield the notices to an agency, which it alone may read."""
        topic = topics.notices(agency)
        for record in agency_notices.pack(notices):
            yield Output(topic, 0, b"", self._seal.write("notice", AGENCY + agency, record, topic))

    def of_year(self, stem: str, year: str, topic: str, partition: int, key: str, record: Mapping[str, Any]) -> Output:
        """Return a record about a person or a count, sealed under the keys of its year."""
        return Output(topic, partition, key.encode(), self._seal.write(stem, year, record, topic, key))
