"""Removal of erased records from the brokers' disks, and the proof that they are gone.

Purpose: the stages have taken an erased event out of states and counts, and have written tombstones. Here the brokers
are made to delete what they stand for, which they would do at some time by themselves.
Called by: `amana.composition.erasures`.

1. Every stage passes all that was published before.
2. Topics that are read once (`raw.*`, `replay`, `deltas`) are cut off up to there.
3. Compacted topics are compacted until no key has two records, and no tombstone is left.
4. The brokers get the listed settings back.

Invariants:
- A record is deleted only after every stage that reads it has committed behind it.
- A record without a value (`TURN`) closes a segment; raw topics, of which agencies are the only writers, get none: a
  segment of theirs is closed by the agency's next record, or deleted when all of it is older than `Pace.idle_ms`.
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
from schemas.errors import TransportError
from streams.broker import topics
from streams.broker.topics import Topic

__all__ = ["TURN", "Pace", "Removal"]

TURN: Final = b"turn"
"""Key of the record without a value by which a broker closes a segment."""

_ACK_SECONDS: Final = 30
_CHECK: Final = "log.retention.check.interval.ms"

_WAITS: Final = 2
"""Intervals of the brokers' own clocks after which a look of theirs has happened for certain."""


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
            time.sleep(_WAITS * self._pace.segment_ms / 1000)
            # Of now on every record closes the segment before it: that of a cut partition ends at `closing`.
            closing = {tp: end for tp, end in self._ends(_partitions(cut)).items() if end}
            cuts = {tp: _Cut(end) for tp, end in closing.items()}
            kept = [tp for tp, end in self._ends(_partitions(compacted)).items() if end]
            # A partition without any record gets none: a stage would take it for one whose state is lost.
            turned = [*kept, *(tp for tp in cuts if not topics.is_raw(tp.topic))]
            first, wait = self._turn(turned), _WAITS * self._check_seconds() + 1
            while not (self._are_cut(cuts, wait) and all(self._is_clean(tp, first[tp]) for tp in kept)):
                self._wait("TRA-173", "the brokers did not delete everything in time: run it again")
                self._turn(turned)
            time.sleep(_WAITS * self._pace.segment_ms / 1000)  # files that were replaced go a moment later

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

    def _are_cut(self, cuts: Mapping[TopicPartition, "_Cut"], wait: float) -> bool:
        """Cut partitions off behind what the stages have handled; return whether their old segments are deleted."""
        with progress.Offsets(self._settings) as offsets:
            stages = [stage for stage, names in topics.sources(()).items() if stage != "dedupe"]
            committed = offsets.committed(stages)
            starts = {tp: at for stage in stages for tp, at in committed[stage].items() if tp in cuts and at}
            ends = offsets.ends(cuts)
        if starts:
            self._admin.delete_records(starts)
        sizes = self._sizes(cuts)
        # Every partition is looked at, also behind the first that is not done: each look tells it how far it is.
        gone = {tp: cut.is_gone(starts.get(tp, 0), ends[tp], sizes.get(tp, 0), wait) for tp, cut in cuts.items()}
        return all(gone.values())

    def _is_clean(self, tp: TopicPartition, before: int) -> bool:
        """Return whether a partition has one record of each key, and no tombstone, before an offset."""
        seen: set[bytes] = set()
        consumer = KafkaConsumer(**self._settings, enable_auto_commit=False, auto_offset_reset="earliest")
        try:
            consumer.assign([tp])
            consumer.seek_to_beginning(tp)
            for record in topic_reading.to_present_end(consumer, {tp: before}):
                if record.offset < before and (record.value is None or record.key in seen):
                    return False
                seen.add(record.key)
        finally:
            consumer.close()
        return True

    def _ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        with progress.Offsets(self._settings) as offsets:
            return offsets.ends(partitions)

    def _sizes(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the bytes that partitions have on the disks, the largest of their replicas."""
        names = sorted({tp.topic for tp in partitions})
        found: dict[TopicPartition, int] = {}
        for broker in self._admin.describe_log_dirs(names):
            for place in broker["log_dirs"]:
                for topic in place["topics"]:
                    for one in topic["partitions"]:
                        tp = TopicPartition(topic["name"], one["partition_index"])
                        found[tp] = max(found.get(tp, 0), one["partition_size"])
        return found

    def _check_seconds(self) -> float:
        """Return the seconds between two looks of the brokers for segments to delete."""
        brokers = [broker["broker_id"] for broker in self._admin.describe_cluster()["brokers"]]
        answer = self._admin.describe_configs(
            [ConfigResource("BROKER", str(one)) for one in brokers], config_filter="all"
        )
        found = [int(own[_CHECK]["value"]) for named in answer.values() for own in named.values() if _CHECK in own]
        return max(found, default=300_000) / 1000

    def _wait(self, code: str, message: str) -> None:
        if time.monotonic() > self._deadline:
            raise TransportError(code, message)
        time.sleep(self._pace.pause)


class _Cut:
    """One partition that is cut off; the segment that is to go ends at the offset `closing`."""

    def __init__(self, closing: int) -> None:
        self._closing = closing
        self._closed: float | None = None

    def is_gone(self, start: int, end: int, size: int, wait: float) -> bool:
        """Return whether everything before the cut is deleted: nothing is left, or a later record closed the segment.

        Args:
            start: the first offset that is not cut off.
            end: the end of the partition.
            size: its bytes on the disk.
            wait: seconds after which the brokers have deleted a closed segment.
        """
        if start == end and not size:
            return True
        # The first record behind `closing` began another segment; the one before it goes once the cut has passed it.
        if start > self._closing and self._closed is None:
            self._closed = time.monotonic()
        return self._closed is not None and time.monotonic() > self._closed + wait


def _partitions(listed: Iterable[Topic]) -> list[TopicPartition]:
    return [TopicPartition(one.name, number) for one in listed for number in range(one.partitions)]
