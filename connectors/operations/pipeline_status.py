"""Status of the pipeline: the lag of every stage, and the terminal outcome of every published record.

Purpose: tell whether the pipeline is idle, and which records are held: read or not, but without an outcome. The one of
several outcomes of a record that holds is decided by `streams.core.counting.outcomes`.
Called by: `amana status`, the demonstration (`amana.demo.progress_bar`), tests.

    with PipelineStatus(cluster) as status:
        while not status.look().is_idle:
            ...

Invariants:
- Idle means: every published record has a terminal outcome, and no stage has anything left to read.
- Lags are read before outcomes, so that no record can be missing from both.
"""

import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from connectors.adapters import progress, schema_registry, topic_reading
from connectors.adapters.cluster import Cluster
from schemas import codec, limits
from schemas.errors import TransportError
from streams.broker import topics
from streams.core.counting.outcome_index import OutcomeIndex
from streams.core.counting.outcomes import OUTCOMES, Outcome

__all__ = ["Held", "PipelineStatus", "Tally", "pause", "tally", "wait_idle"]

_POLL_SECONDS: Final = 0.5
_POLL_SHARE: Final = 9
"""Looks take a tenth of the time at most."""


@dataclass(frozen=True, slots=True)
class Held:
    """Raw records without a terminal outcome: offsets `first` to `last` of one partition."""

    topic: str
    partition: int
    first: int
    last: int

    def __str__(self) -> str:
        """Write `topic[partition]@first-last`."""
        span = f"{self.first}" if self.first == self.last else f"{self.first}-{self.last}"
        return f"{self.topic}[{self.partition}]@{span}"


@dataclass(frozen=True, slots=True)
class Tally:
    """One moment: records published and outcomes, by (agency, kind); records still to read, by stage; what is held."""

    published: Mapping[tuple[str, str], int]
    outcomes: Mapping[tuple[str, str], Mapping[str, int]]
    lags: Mapping[str, int]
    held: tuple[Held, ...]

    @property
    def is_idle(self) -> bool:
        """True if nothing is held and nothing is left to read."""
        return not self.held and not any(self.lags.values())

    def as_document(self) -> dict[str, Any]:
        """Return JSON's shape: one row per agency and kind, whose outcomes and held records add up to `published`."""
        rows = []
        for (agency, kind), published in sorted(self.published.items()):
            outcomes = {name: self.outcomes.get((agency, kind), {}).get(name, 0) for name in OUTCOMES}
            row = {"agency": agency, "kind": kind, "published": published, **outcomes}
            rows.append({**row, "held": published - sum(outcomes.values())})
        return {"idle": self.is_idle, "rows": rows, "lags": dict(self.lags), "held": [str(held) for held in self.held]}


def tally(cluster: Cluster) -> Tally:
    """Return the progress of the pipeline now.

    Raises:
        TransportError: TRA-030 or TRA-031, the broker, or TRA-010, the registry is out of reach.
    """
    with PipelineStatus(cluster) as standing:
        return standing.look()


def pause(looked: float) -> None:
    """Wait before the next look: nine times the `looked` seconds of the last one, half a second at least."""
    # A look at many records takes processor time that the stages need more.
    time.sleep(max(_POLL_SECONDS, _POLL_SHARE * looked))


def wait_idle(cluster: Cluster, seconds: float) -> Tally:
    """Return the progress as soon as the pipeline is idle, or when `seconds` have passed; raises as `tally`."""
    deadline = time.monotonic() + seconds
    with PipelineStatus(cluster) as status:
        while True:
            begun = time.monotonic()
            now = status.look()
            if now.is_idle or time.monotonic() > deadline:
                return now
            pause(time.monotonic() - begun)


class PipelineStatus:
    """Reads the topic `outcomes` on from where the last look ended; a context manager."""

    def __init__(self, cluster: Cluster) -> None:
        logging.getLogger("kafka").setLevel(logging.CRITICAL)  # what matters of a fault is raised
        self._cluster = cluster
        self._readable = schema_registry.ids(cluster.registry, ["outcome"]).allowed("outcome")
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
        """Read what is new and say where everything stands.

        The lags are read before the outcomes: a stage commits after its outcomes are on the broker, so that no
        record can be missing from both.
        """
        try:
            lags = progress.lag(self._offsets, self._reads).by_stage()
            until = self._offsets.ends(self._raw)
            self._read()
        except KafkaError as error:
            raise TransportError("TRA-030", "the broker is out of reach") from error
        published: Counter[tuple[str, str]] = Counter()
        for partition, end in until.items():
            published[_named(partition.topic)] += end
        return Tally(published, self._index.tally(), lags, tuple(self._missing(until)))

    def _read(self) -> None:
        for record in topic_reading.to_present_end(self._consumer, self._offsets.ends(self._outcomes)):
            self._index.add(Outcome.from_record(codec.decode(record.value, self._readable, limits.INTERNAL)))

    def _missing(self, until: Mapping[TopicPartition, int]) -> Iterator[Held]:
        for partition, end in sorted(until.items()):
            place = *_named(partition.topic), partition.partition
            missing = [offset for offset in range(end) if self._index.outcome_of(place, offset) is None]
            for first, last in _spans(missing):
                yield Held(partition.topic, partition.partition, first, last)


def _spans(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield (first, last) of each run without a gap in ascending numbers."""
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


def _named(raw: str) -> tuple[str, str]:
    """Return agency and kind of a raw topic, `raw.<agency>.<kind>`."""
    _, agency, kind = raw.split(".")
    return agency, kind
