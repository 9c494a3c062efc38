"""The outputs of one erasure: records that take the event back, tombstones of what was said of it, and a note.

Purpose: dedupe takes the event out of its person-year, compaction takes its records off the disk, and the note on the
topic `erasures` tells the operator what is left to be removed, without naming the event.

Called by: `streams.stages.deidentify_outputs`, once for each request.

Invariants:
- Tombstones come after the records that take the event back: dedupe has read everything when the first one is gone.
- A tombstone of a key that a partition does not have changes nothing: the partitions of earlier tokens are not known,
  so each tombstone goes to all.
- Each request has a note of its own: a second one, whose event has nothing left to be taken back, must not replace the
  note that names the records of the first.
- The note has the SHA-256 of the event id, which its agency can compute and nobody can invert.
"""

from collections.abc import Iterator

from schemas import catalogue
from schemas.identifiers import EventId
from schemas.record_seal import EVIDENCE, RecordSeal
from streams.broker import topics
from streams.broker.partitions import partition_of
from streams.core.counting import erasure, erasure_certificate
from streams.core.counting.deidentify import EventHistory
from streams.core.counting.outcomes import Position
from streams.runtime.stage import Output
from streams.stages.record_encoder import RecordEncoder

__all__ = ["ErasureOutputs"]


class ErasureOutputs:
    """Makes the outputs of erasures of one kind of event."""

    def __init__(self, encoder: RecordEncoder, seal: RecordSeal, kind: str) -> None:
        self._encoder, self._seal = encoder, seal
        self._topic, self._fields = topics.deidentified(kind), catalogue.load(f"deidentified.{kind}").fields

    def outputs(self, text: str, key: str, history: EventHistory | None, position: Position) -> list[Output]:
        """Return the outputs of one request, in order.

        Args:
            text: the text that stands for the event in keyed hashes.
            key: its state key.
            history: the state of the event before its erasure, None if it is not known.
            position: the place of the request.
        """
        known = history is not None and not history.erased
        markers = list(self._markers(text, history, position)) if history is not None and known else []
        outputs = [*markers]
        if history is not None and known:
            keys = [self._seal.index(EVIDENCE, name) for name in erasure.record_texts(text, history.accepted)]
            outputs += [
                Output(self._topic, partition, one.encode(), None)
                for one in keys
                for partition in range(topics.PARTITIONS)
            ]
        agency, kind, partition, offset = position
        record = {
            "agency": agency,
            "kind": kind,
            "partition": partition,
            "offset": offset,
            "digest": erasure_certificate.name_of(EventId(text.rpartition("/")[2])),
            "markers": [f"{one.partition}/{one.key.decode()}" for one in markers],
        }
        return [*outputs, self._encoder.erased(erasure.note_key(key, position, known=bool(markers)), record)]

    def _markers(self, text: str, history: EventHistory, position: Position) -> Iterator[Output]:
        """Yield the records that take the event out of every person-year that knows it."""
        agency, _, partition, offset = position
        frame = {
            "event_id": text.rpartition("/")[2],
            "agency": agency,
            "source_partition": partition,
            "source_offset": offset,
        }
        name = erasure.record_text(text, history.accepted + 1)
        for number, record in enumerate(erasure.markers(history, self._fields, frame)):
            year = record["period"]
            if not self._seal.has(year):
                continue  # the keys of the year were destroyed, and its person-years with them
            where = partition_of(self._seal.index(year, record["token"]).encode(), topics.PARTITIONS)
            key = self._seal.index(EVIDENCE, f"{name}/{number}")
            yield self._encoder.of_year(self._topic, year, self._topic, where, key, record)
