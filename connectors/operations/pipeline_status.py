"""Status of the pipeline: the lag of every stage, and the terminal outcome of every published record.

Purpose: find out whether the pipeline is idle, and which records are held, that is, published and without an outcome.
Which of several outcomes of a record holds is decided by `streams.core.counting.outcomes`.
Called by: `amana status`, the demonstration, tests.

    with PipelineStatus(cluster) as status:
        while not status.look().is_idle:
            ...

Invariants:
- Idle means that every published record has a terminal outcome, and that no stage has a lag.
- Lags are read before outcomes: a stage commits after its outcomes are on the broker, so that no record can be missing
  from both.
- Each look reads only the outcomes that are new since the look before it.
"""

import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from kafka import KafkaConsumer
from kafka.errors import KafkaError

from connectors.adapters import progress, schema_ids, topic_reading
from connectors.adapters.cluster import Cluster
from schemas import codec, limits
from schemas.errors import TransportError
from streams.broker import topics
from streams.core.counting.outcome_index import OutcomeIndex
from streams.core.counting.outcomes import OUTCOMES, Outcome

__all__ = ["Held", "PipelineStatus", "Tally", "pause", "tally", "wait_idle"]

_POLL_SECONDS: Final = 0.5
_POLL_SHARE: Final = 9
"""Pause after a look, as a multiple of its length: looks take a tenth of the time at most."""


@dataclass(frozen=True, slots=True)
class Held:
    """Raw records without a terminal outcome: the offsets `first` to `last`, both included, of one partition."""

    topic: str
    partition: int
    first: int
    last: int

    def __str__(self) -> str:
        """Return `topic[partition]@first-last`, or `topic[partition]@offset` for one record."""
        span = f"{self.first}" if self.first == self.last else f"{self.first}-{self.last}"
        return f"{self.topic}[{self.partition}]@{span}"


@dataclass(frozen=True, slots=True)
class Tally:
    """Status of the pipeline at one moment.

    Args:
        published: (agency, kind) -> number of published records.
        outcomes: (agency, kind) -> outcome -> number of records.
        lags: stage -> number of records that it has not read yet.
        held: published records without an outcome, by topic, partition and offset.
    """

    published: Mapping[tuple[str, str], int]
    outcomes: Mapping[tuple[str, str], Mapping[str, int]]
    lags: Mapping[str, int]
    held: tuple[Held, ...]

    @property
    def is_idle(self) -> bool:
        """True if no record is held and no stage has a lag."""
        return not self.held and not any(self.lags.values())

    def as_document(self) -> dict[str, Any]:
        """Return a JSON object; in each row, outcomes and held records add up to `published`."""
        rows = []
        for (agency, kind), published in sorted(self.published.items()):
            outcomes = {name: self.outcomes.get((agency, kind), {}).get(name, 0) for name in OUTCOMES}
            row = {"agency": agency, "kind": kind, "published": published, **outcomes}
            rows.append({**row, "held": published - sum(outcomes.values())})
        return {"idle": self.is_idle, "rows": rows, "lags": dict(self.lags), "held": [str(held) for held in self.held]}


def tally(cluster: Cluster) -> Tally:
    """Return the status of the pipeline now, from one look over a connection of its own.

    Raises:
        TransportError: TRA-030 or TRA-031, the broker is out of reach.
        ConfigurationError: CFG-042, a schema has no id on file.
    """
    with PipelineStatus(cluster) as status:
        return status.look()


def pause(looked: float) -> None:
    """Wait before the next look: nine times as long as the last one took, `looked` seconds; at least half a second."""
    # A look at many records takes processor time that the stages need more.
    time.sleep(max(_POLL_SECONDS, _POLL_SHARE * looked))


def wait_idle(cluster: Cluster, seconds: float) -> Tally:
    """Return the status as soon as the pipeline is idle, or when `seconds` have passed; raises as `tally`."""
    deadline = time.monotonic() + seconds
    with PipelineStatus(cluster) as status:
        while True:
            begun = time.monotonic()
            latest = status.look()
            if latest.is_idle or time.monotonic() > deadline:
                return latest
            pause(time.monotonic() - begun)


class PipelineStatus:
    """Status of a pipeline, kept up to date by its looks; a context manager.

    Args:
        cluster: access to the broker, as the operator.

    Raises:
        ConfigurationError: CFG-042, the schema of outcomes has no id on file.
    """

    def __init__(self, cluster: Cluster) -> None:
        logging.getLogger("kafka").setLevel(logging.CRITICAL)  # a fault is raised; its log lines would hide the status
        self._cluster = cluster
        self._readable = schema_ids.allow_list(cluster.schema_ids, ["outcome"]).allowed("outcome")
        self._raw = topic_reading.partitions(topics.raws(cluster.agencies), cluster.agencies)
        self._reads = {
            stage: topic_reading.partitions(names, cluster.agencies)
            for stage, names in topics.sources(cluster.agencies).items()
        }
        self._outcomes = topic_reading.partitions(["outcomes"], cluster.agencies)
        self._index = OutcomeIndex()

    def __enter__(self) -> Self:
        """Connect.

        Raises:
            TransportError: TRA-030, the broker is out of reach.
        """
        settings = self._cluster.kafka_settings()
        self._offsets = progress.Offsets(settings)
        try:
            self._consumer = KafkaConsumer(**settings, enable_auto_commit=False, max_poll_records=10_000)
            self._consumer.assign(self._outcomes)
            self._consumer.seek_to_beginning(*self._outcomes)
        except KafkaError as error:
            raise TransportError("TRA-030", "the broker is out of reach") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect."""
        self._consumer.close()
        self._offsets.close()

    def look(self) -> Tally:
        """Read the outcomes that are new, and return the status.

        Raises:
            TransportError: TRA-030 or TRA-031, the broker is out of reach.
        """
        try:
            # In this order. A stage commits after its outcomes are on the broker: a record that is not in the lags has
            # its outcome among those that are read afterwards.
            lags = progress.lag(self._offsets, self._reads).by_stage()
            # Before the outcomes as well: a record that is published meanwhile is no part of this look.
            raw_ends = self._offsets.ends(self._raw)
            for record in topic_reading.to_present_end(self._consumer, self._offsets.ends(self._outcomes)):
                self._index.add(Outcome.from_record(codec.decode(record.value, self._readable, limits.INTERNAL)))
        except KafkaError as error:
            raise TransportError("TRA-030", "the broker is out of reach") from error
        published: Counter[tuple[str, str]] = Counter()
        held: list[Held] = []
        for partition, end in sorted(raw_ends.items()):
            _, agency, kind = partition.topic.split(".")
            # Old records are deleted, and their offsets not used again: the end is the number ever published.
            published[agency, kind] += end
            place = agency, kind, partition.partition
            without = (offset for offset in range(end) if self._index.outcome_of(place, offset) is None)
            held += [Held(partition.topic, partition.partition, first, last) for first, last in _spans(without)]
        return Tally(published, self._index.tally(), lags, tuple(held))


def _spans(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield (first, last) of each run of consecutive numbers; the numbers ascend."""
    first = last = None
    for number in numbers:
        if first is None or last is None:
            first = last = number
        elif number == last + 1:
            last = number
        else:
            yield first, last
            first = last = number
    if first is not None and last is not None:
        yield first, last
