"""One tick of the release calendar, asked of the release process.

Purpose: send the tick and wait for the announced outcome. Releases nothing itself: the process that keeps the audit log
and the ledger does, wherever it runs.
Called by: `amana release`, the demonstration, tests.
"""

import datetime as dt
import json
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from connectors.adapters import schema_registry
from connectors.adapters.cluster import Cluster
from connectors.adapters.progress import Offsets
from schemas import codec, limits
from schemas.errors import TransportError

__all__ = ["ReleaseCount", "TickAnswer", "WithheldTable", "request"]

_PLANNING_SECONDS: Final = 600
"""How long a plan may take once the stages are idle."""

_AUDIT: Final = TopicPartition("audit", 0)


@dataclass(frozen=True, slots=True)
class ReleaseCount:
    """Cells of the feeds of one population and year: released, suppressed, withheld with their table."""

    population: str
    year: int
    released: int = 0
    suppressed: int = 0
    withheld: int = 0


@dataclass(frozen=True, slots=True)
class WithheldTable:
    """One table that was not released in one window, and why."""

    population: str
    window: str
    table: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class TickAnswer:
    """What one tick came to; `code` and `reason` say why it was refused, and are empty where it was not."""

    tick: str
    lines: tuple[ReleaseCount, ...] = ()
    withheld: tuple[WithheldTable, ...] = ()
    code: str = ""
    reason: str = ""
    seconds: float = field(default=0.0, compare=False)

    @classmethod
    def of(cls, details: Mapping[str, str], seconds: float) -> "TickAnswer":
        """Read the announced outcome."""
        if details["outcome"] != "done":
            return cls(details["tick"], code=details["code"], reason=details["reason"], seconds=seconds)
        counts: dict[tuple[str, int], dict[str, int]] = {}
        for population, year, status, cells in json.loads(details["cells"]):
            counts.setdefault((population, year), {})[_FIELD[status]] = cells
        lines = tuple(ReleaseCount(population, year, **found) for (population, year), found in sorted(counts.items()))
        return cls(
            details["tick"],
            lines,
            tuple(WithheldTable(*one) for one in json.loads(details["withheld"])),
            "",
            "",
            seconds,
        )


_FIELD = {"published": "released", "suppressed": "suppressed", "withheld": "withheld"}


def request(cluster: Cluster, as_of: dt.date, *, patience: float) -> TickAnswer:
    """Let the calendar tick and wait for the announced outcome; `patience` is how long the stages may take, in seconds.

    Raises:
        TransportError: TRA-142, the release process did not answer; TRA-140 or TRA-031, the broker is out of reach.
    """
    allowed = schema_registry.ids(cluster.registry, ["audit"]).allowed("audit")
    settings = cluster.kafka_settings()
    tick, started = uuid.uuid4().hex, time.monotonic()
    try:
        consumer = KafkaConsumer(**settings, enable_auto_commit=False)
        consumer.assign([_AUDIT])
        with Offsets(settings) as offsets:
            # The end is asked for before the tick is sent: the answer comes after it.
            consumer.seek(_AUDIT, offsets.ends([_AUDIT])[_AUDIT])
        _send(settings, {"id": tick, "as_of": as_of.isoformat(), "timeout": patience})
        for value in _values(consumer, until=started + patience + _PLANNING_SECONDS):
            found = codec.decode(value, allowed, limits.INTERNAL)
            if found["action"] == "calendar" and found["details"].get("tick") == tick:
                consumer.close()
                return TickAnswer.of(found["details"], time.monotonic() - started)
    except KafkaError as error:
        raise TransportError("TRA-140", "the broker is out of reach") from error
    raise TransportError("TRA-142", "the release process did not answer: does `amana worker release` run?")


def _send(settings: Mapping[str, Any], tick: Mapping[str, object]) -> None:
    producer = KafkaProducer(**settings, acks="all")
    try:
        sent = producer.send("calendar", key=str(tick["id"]).encode(), value=json.dumps(tick).encode(), partition=0)
        sent.get(timeout=30)
    finally:
        producer.close(timeout=5)


def _values(consumer: KafkaConsumer, *, until: float) -> Iterator[bytes]:
    while time.monotonic() < until:
        for records in consumer.poll(timeout_ms=200).values():
            yield from (record.value for record in records)
