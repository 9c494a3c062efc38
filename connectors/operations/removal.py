"""Removal of erased records from the brokers' disks, and the proof that they are gone.

Purpose: the stages have taken an erased event out of states and counts, and have written tombstones. Here the brokers
are made to delete what they stand for, which they would do at some time by themselves.
Called by: `amana.composition.erasures`.

1. Every stage passes all that was published before.
2. Topics that are read once (`raw.*`, `replay`, `deltas`) are cut off up to there.
   The sizes of the replicas tell when it is deleted (`connectors.operations.segment_deletion`).
3. Compacted topics are compacted until no key has two records, and no tombstone is left; each replica leads once, and
   is read.
4. The brokers get the listed settings back.

Invariants:
- A record is deleted only after every stage that reads it has committed behind it.
- A record without a value (`TURN`) closes a segment; raw topics, of which agencies are the only writers, get none: a
  segment of theirs is closed by the agency's next record, or deleted when all of it is older than `Pace.idle_ms`.
- That something is gone is concluded from what the brokers report and return, never from a time that has passed.
- Settings that hasten deletion are taken back whatever happens here; if this process is killed, the next run, or
  `amana provision`, takes them back.

Source: KIP-107 (DeleteRecords), KIP-354 (bounded time of compaction), KIP-534 (removal of tombstones).
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, KafkaAdminClient

from connectors.adapters import progress, topic_reading
from connectors.operations.replica_leadership import ReplicaLeadership
from connectors.operations.segment_deletion import Deletions, ReplicaSizes
from schemas.errors import TransportError
from streams.broker import topics
from streams.broker.topics import Topic

__all__ = ["TURN", "Pace", "Removal"]

TURN: Final = b"turn"
"""Key of the record without a value by which a broker closes a segment."""

_ACK_SECONDS: Final = 30
_DELAYS: Final = 2
"""Delays of the deletion of a file after which it has happened."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast records are removed.

    Args:
        idle_ms: age from which a request is carried out, and raw segments without younger records are deleted.
        tombstone_ms: time for which the brokers keep a tombstone, so that no reader in the middle of a topic misses it.
        segment_ms: age at which a segment is closed.
        patience: seconds after which the removal is given up for this run.
        pause: seconds between two looks.
    """

    idle_ms: int = 3_600_000
    tombstone_ms: int = 60_000
    segment_ms: int = 1_000
    patience: float = 1_200.0
    pause: float = 5.0


class Removal:
    """One removal on a cluster.

    Args:
        admin: connection of the admin, who alone may delete.
        settings: client settings of the admin.
        pace: how fast.
    """

    def __init__(self, admin: KafkaAdminClient, settings: Mapping[str, Any], pace: Pace) -> None:
        self._admin, self._settings, self._pace = admin, settings, pace
        self._deadline = time.monotonic() + pace.patience

    def wait_passed(self, agencies: Sequence[str]) -> Mapping[TopicPartition, int]:
        """Wait until every stage has passed all that lay before it now; return what dedupe passed at least.

        Raises:
            TransportError: TRA-172, a stage did not in time; TRA-031, the brokers tell no offsets.
        """
        passed: dict[str, Mapping[TopicPartition, int]] = {}
        with progress.Offsets(self._settings) as offsets:
            # In the order of the flow: the ends of a stage's topics are looked up once the one before it has passed.
            for stage, names in topics.sources(agencies).items():
                ends = offsets.ends(topic_reading.partitions(names, agencies))
                while any(offsets.committed([stage])[stage].get(tp, 0) < end for tp, end in ends.items()):
                    self._wait("TRA-172", f"the stage {stage} did not read all in time: erasures wait for it")
                passed[stage] = ends
        return passed["dedupe"]

    def send(self, records: Iterable[tuple[str, int, bytes, bytes | None]]) -> None:
        """Send records (topic, partition, key, value), and wait until the brokers have them."""
        producer = KafkaProducer(**self._settings, acks="all")
        try:
            sent = [
                producer.send(topic, key=key, value=value, partition=number) for topic, number, key, value in records
            ]
            for one in sent:
                one.get(timeout=_ACK_SECONDS)
        finally:
            producer.close(timeout=_ACK_SECONDS)

    def remove(self, cut: Sequence[Topic], compacted: Sequence[Topic]) -> None:
        """Cut topics off, and compact others, until nothing is left of what lay there; return when that is so.

        Args:
            cut: topics that are read once.
            compacted: compacted topics.

        Raises:
            TransportError: TRA-173, the brokers did not delete it in time; run it again.
        """
        with self._hastened([*cut, *compacted]):
            # In this order: the sizes include all that lies before the ends.
            ends = self._ends(_partitions([*cut, *compacted]))
            sizes = ReplicaSizes(self._admin, (one.name for one in (*cut, *compacted)))
            while (held := sizes.read()) is None:
                self._wait("TRA-173", "a broker that has some of it is out of reach")
            cuts = [tp for tp in _partitions(cut) if ends[tp]]
            deletions = Deletions({one: size for one, size in held.items() if TopicPartition(*one[1:]) in cuts})
            kept = [tp for tp in _partitions(compacted) if ends[tp]]
            # A partition without any record gets none: a stage would take it for one whose state is lost.
            turned = [*kept, *(tp for tp in cuts if not topics.is_raw(tp.topic))]
            first = self._turn(turned)
            leadership = ReplicaLeadership(self._admin, kept)
            with leadership.in_turn() as replicas:
                for _ in replicas:
                    dirty = {tp: first[tp] for tp in kept}
                    # A look before each turn, and one behind it: what a turn appends must not hide what was deleted.
                    while not deletions.are_done(sizes.read()) or dirty:
                        self._cut_off(cuts)
                        self._wait("TRA-173", "the brokers did not delete everything in time: run it again")
                        dirty = self._not_clean(dirty, leadership)
                        if deletions.are_done(sizes.read()) and not dirty:
                            break
                        self._turn(turned)
            # Files that were replaced go a moment later; no broker tells when.
            time.sleep(self._pace.pause + _DELAYS * self._pace.segment_ms / 1000)

    @contextmanager
    def _hastened(self, changed: Sequence[Topic]) -> Iterator[None]:
        """Let the brokers delete at once for a while."""
        pace = self._pace
        fast = {"segment.ms": pace.segment_ms, "file.delete.delay.ms": pace.segment_ms}
        compact = {
            "min.cleanable.dirty.ratio": 0.0,
            "min.compaction.lag.ms": 0,
            "max.compaction.lag.ms": pace.segment_ms,
            "delete.retention.ms": pace.tombstone_ms,
        }
        idle = {"retention.ms": pace.idle_ms}
        chosen = {
            one.name: fast | (compact if one.cleanup == "compact" else idle if topics.is_raw(one.name) else {})
            for one in changed
        }
        try:
            self._alter({name: {key: str(value) for key, value in more.items()} for name, more in chosen.items()})
            yield
        finally:
            listed = {one.name: one.settings() for one in changed}
            self._alter(
                {name: {key: listed[name].get(key, ("DELETE", None)) for key in more} for name, more in chosen.items()}
            )

    def _alter(self, settings: Mapping[str, Mapping[str, Any]]) -> None:
        self._admin.alter_configs([ConfigResource("TOPIC", name, configs=dict(own)) for name, own in settings.items()])

    def _turn(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Let the brokers close the last segments; return the offset of the record that did it, by partition."""
        producer = KafkaProducer(**self._settings, acks="all")
        try:
            sent = {tp: producer.send(tp.topic, key=TURN, value=None, partition=tp.partition) for tp in partitions}
            return {tp: int(one.get(timeout=_ACK_SECONDS).offset) for tp, one in sent.items()}
        finally:
            producer.close(timeout=_ACK_SECONDS)

    def _cut_off(self, partitions: Sequence[TopicPartition]) -> None:
        """Cut partitions off behind what the stages have handled."""
        with progress.Offsets(self._settings) as offsets:
            stages = [stage for stage, names in topics.sources(()).items() if stage != "dedupe"]
            committed = offsets.committed(stages)
        starts = {tp: at for stage in stages for tp, at in committed[stage].items() if tp in partitions and at}
        if starts:
            self._admin.delete_records(starts)

    def _not_clean(
        self, before: Mapping[TopicPartition, int], leadership: ReplicaLeadership
    ) -> dict[TopicPartition, int]:
        """Return the partitions with a tombstone, a `TURN`, or two records of one key before their offset.

        So are those that were not read from the replica that is to lead them.
        """
        epochs = leadership.epochs()
        found: set[TopicPartition] = set()
        seen: set[tuple[TopicPartition, bytes]] = set()
        if before:
            for record in self._records(before):
                tp = TopicPartition(record.topic, record.partition)
                # The key that closes segments has a value where it told dedupe what to forget.
                if record.value is None or record.key == TURN or (tp, record.key) in seen:
                    found.add(tp)
                seen.add((tp, record.key))
        after = leadership.epochs()
        if moved := {tp for tp in before if tp not in epochs or epochs[tp] != after.get(tp)}:
            leadership.elect()
        return {tp: offset for tp, offset in before.items() if tp in found or tp in moved}

    def _records(self, before: Mapping[TopicPartition, int]) -> Iterator[Any]:
        """Yield the records of partitions before an offset of each."""
        consumer = KafkaConsumer(**self._settings, enable_auto_commit=False, auto_offset_reset="earliest")
        try:
            consumer.assign(list(before))
            consumer.seek_to_beginning(*before)
            for record in topic_reading.to_present_end(consumer, before):
                if record.offset < before[TopicPartition(record.topic, record.partition)]:
                    yield record
        finally:
            consumer.close()

    def _ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        with progress.Offsets(self._settings) as offsets:
            return offsets.ends(partitions)

    def _wait(self, code: str, message: str) -> None:
        if time.monotonic() > self._deadline:
            raise TransportError(code, message)
        time.sleep(self._pace.pause)


def _partitions(listed: Iterable[Topic]) -> list[TopicPartition]:
    return [TopicPartition(one.name, number) for one in listed for number in range(one.partitions)]
